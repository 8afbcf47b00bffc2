"""What is tried again, when, and when it is over. The tests' clock is moved and the worker run with --once, so
nothing waits for real time."""

import email.utils
import time

import pytest
from harness import free_port
from receiver import Answer, Receiver

DAY_MS = 24 * 3600 * 1000


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 429, 500, 502, 503])
def test_what_is_not_2xx_is_tried_again_after_the_fixed_delay(service, receiver, fixed_retry, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryDelayMs": 60_000})
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(50_000)
    assert len(receiver.deliveries) == 1, "before the delay is over nothing is sent"
    org.installation.deliver_at(70_000)
    org.installation.deliver_at(10 * DAY_MS)
    first, second = receiver.deliveries
    assert first.body == second.body and first.event_id == second.event_id
    assert (first.header("X-Webhook-Attempt"), second.header("X-Webhook-Attempt")) == ("1", "2")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(service, receiver, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status), Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(DAY_MS)
    assert len(receiver.deliveries) == 1


def test_each_attempt_is_signed_anew(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500), Answer(200))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    newest = org.api.rotate(made["id"]).json["secret"]
    org.installation.deliver_at(30_000)
    first, second = receiver.deliveries
    assert first.is_signed_by_exactly([made["secret"]])
    assert second.is_signed_by_exactly([newest, made["secret"]])
    assert second.t >= first.t + 29


def test_after_the_last_retry_it_is_over(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryAttempts": 2})
    org.api.publish()
    for step in range(6):
        org.installation.deliver_at(step * 60_000)
    assert [delivery.header("X-Webhook-Attempt") for delivery in receiver.deliveries] == ["1", "2", "3"]


def test_the_default_policy_waits_longer_each_time(service, receiver):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    offset = 0
    org.installation.deliver_at(offset)
    for retry in range(8):
        wait = min(5000 * 6**retry, 36_000_000)
        shortest = wait * 0.8 if wait < 36_000_000 else 36_000_000 * 0.8
        org.installation.deliver_at(offset + int(shortest) - 3000)
        assert len(receiver.deliveries) == retry + 1, f"retry {retry + 1} came early"
        offset += int(wait * 1.2) + 1000
        org.installation.deliver_at(offset)
        assert len(receiver.deliveries) == retry + 2, f"retry {retry + 1} did not come"
    org.installation.deliver_at(offset + 10 * DAY_MS)
    assert len(receiver.deliveries) == 9


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured_where_it_is_longer(service, receiver, fixed_retry, status, as_date):
    org = service(clock=True)
    value = email.utils.formatdate(time.time() + 600, usegmt=True) if as_date else "600"
    receiver.script("/in", Answer(status, {"Retry-After": value}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(580_000)
    assert len(receiver.deliveries) == 1
    org.installation.deliver_at(605_000)
    assert len(receiver.deliveries) == 2


def test_retry_after_waits_no_longer_than_a_day(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(503, {"Retry-After": "99999999999"}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(DAY_MS - 30_000)
    assert len(receiver.deliveries) == 1
    org.installation.deliver_at(DAY_MS + 30_000)
    assert len(receiver.deliveries) == 2


def test_410_ends_the_delivery_and_switches_the_subscription_off(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(410), Answer(200))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    read = org.api.subscription(made["id"]).json
    assert read["active"] is False and read["disabled_reason"] == "GONE"
    org.api.publish()
    org.installation.deliver_at(DAY_MS)
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(service, receiver, fixed_retry, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status, {"Location": receiver.url("/elsewhere")}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(30_000)
    assert [delivery.path for delivery in receiver.deliveries] == ["/in", "/in"]


@pytest.mark.parametrize("behaviour", ["close", "reset", "garbage", "hang", "drip"])
def test_no_whole_answer_in_time_is_a_failure_and_tried_again(service, receiver, fixed_retry, behaviour):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour=behaviour), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry, request_timeout_ms=400)
    org.api.publish()
    started = time.monotonic()
    org.installation.deliver_at(0)
    assert time.monotonic() - started < 15
    org.installation.deliver_at(30_000)
    assert [delivery.header("X-Webhook-Attempt") for delivery in receiver.deliveries] == ["1", "2"]


def test_a_body_without_end_is_cut_and_its_status_counts(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour="endless"), Answer(500))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry, request_timeout_ms=20_000)
    org.api.publish()
    started = time.monotonic()
    org.installation.deliver_at(0)
    assert time.monotonic() - started < 10
    org.installation.deliver_at(DAY_MS)
    assert len(receiver.deliveries) == 1


def test_a_refused_connection_is_tried_again(service, fixed_retry):
    org, port = service(clock=True), free_port()
    org.api.subscribe(url=f"http://127.0.0.1:{port}/in", retry_policy=fixed_retry)
    org.api.publish()
    org.installation.deliver_at(0)
    with Receiver(port=port) as receiver:
        org.installation.deliver_at(30_000)
        assert receiver.deliveries[0].header("X-Webhook-Attempt") == "2"


def test_a_running_worker_retries_by_itself(service, receiver, fixed_retry):
    org = service()
    receiver.script("/in", Answer(500), Answer(503), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.start_worker()
    first, second, third = receiver.wait_for(3)
    assert second.at - first.at >= 0.99 and third.at - second.at >= 0.99
