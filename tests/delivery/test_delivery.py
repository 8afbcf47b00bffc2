"""From the published event to the receiver: what arrives, what is tried again, and what a dying worker leaves behind.

Where a delay is concerned the tests' clock is moved and the worker run with --once: nothing waits for real time."""

import email.utils
import json
import os
import signal
import threading
import time
import uuid

import pytest
from api import Organization, make_door
from harness import eventually, is_alive
from receiver import Answer, Receiver, make_certificate

DAY_MS = 24 * 3600 * 1000


# ---- what arrives ----


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{ "b" : 1.0e+2,\n\t"a":[ 1 , 2 ], "a": 12345678901234567890.10 }',
        '{"text":"\u00fc \U0001f600 \\u00fc \\/ \\ud800","nul":"\\u0000"}'.encode(),
        b'{"long":"' + b"x" * 100_000 + b'"}',
    ],
)
def test_the_body_is_the_published_one_byte_for_byte(service, receiver, payload):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    sent = b' {"trace_id":"trace-1","payload":' + payload + b' , "event_name":"Order.Created"}\n'
    accepted = org.api.post("/v1/public/webhook/event", body=sent)
    assert accepted.status == 202
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    head = f'{{"organizationId":"{org.id}","traceId":"trace-1","eventName":"Order.Created","timestamp":'.encode()
    assert delivery.body.startswith(head)
    timestamp, separator, rest = delivery.body[len(head) :].partition(b',"payload":')
    assert separator and rest == payload + b"}"
    assert abs(float(timestamp) - time.time()) < 60


def test_the_headers_are_those_of_the_manual(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in?a=b&c=%2F"))
    accepted = org.api.publish("Order.Created", {"n": 1}, trace_id="trace-1").json
    version = json.loads(org.door.request("GET", "/healthz").body)["version"]
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.method == "POST" and delivery.path == "/in?a=b&c=%2F"
    assert delivery.header("Host") == f"127.0.0.1:{receiver.port}"
    assert delivery.header("Content-Type") == "application/json"
    assert delivery.header("User-Agent") == f"hookturn/{version}"
    assert delivery.header("X-Webhook-Event") == "Order.Created"
    assert delivery.header("X-Webhook-Traceid") == "trace-1" == delivery.json["traceId"]
    assert delivery.header("X-Webhook-Id") == accepted["event_id"] == delivery.header("webhook-id")
    assert delivery.header("X-Webhook-Timestamp") == accepted["created_at"]
    assert delivery.header("X-Webhook-Attempt") == "1"
    assert delivery.header("webhook-timestamp") == str(delivery.t)
    assert abs(delivery.t - delivery.at) < 5
    assert delivery.header("Expect") is None and delivery.header("Transfer-Encoding") is None


def test_a_signature_fits_the_secret_and_no_other(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.is_signed_by_exactly([made["secret"]])
    assert not delivery.is_signed_with("whsec_" + "A" * 40)


def test_after_a_rotation_both_secrets_sign_newest_first(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    second = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    org.installation.deliver_once()
    third = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    org.installation.deliver_once()
    first, last = receiver.deliveries
    assert first.is_signed_by_exactly([second, made["secret"]])
    assert last.is_signed_by_exactly([third, second, made["secret"]])


def test_eight_secrets_sign_at_once(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    secrets = [made["secret"]] + [org.api.rotate(made["id"]).json["secret"] for _ in range(7)]
    org.api.publish()
    org.installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly(secrets[::-1])


def test_an_event_published_before_the_rotation_is_signed_with_both_when_sent_after_it(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    org.api.publish()
    newest = org.api.rotate(made["id"]).json["secret"]
    org.installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([newest, made["secret"]])


def test_an_unsigned_subscription_gets_no_signature_headers(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url(), enable_signed_webhooks=False)
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    for name in ["X-Webhook-Signature", "webhook-signature", "webhook-id", "webhook-timestamp"]:
        assert delivery.all(name) == []


def test_the_subscriptions_own_headers_come_with_it(service, receiver):
    org = service()
    own = {"Authorization": "Bearer their-own", "X-Two": 'a "b"; c', "x-empty": "", "Accept": "text/plain"}
    org.api.subscribe(url=receiver.url(), headers=own)
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert {name: delivery.header(name) for name in own} == own
    names = [name for name, _ in delivery.headers]
    assert names.index("Authorization") > names.index("X-Webhook-Signature")


def test_each_matching_subscription_gets_the_event_and_no_other(service, receiver):
    org = service()
    for path, events in [("/all", []), ("/orders", ["Order.*"]), ("/invoices", ["Invoice.Paid"])]:
        org.api.subscribe(url=receiver.url(path), events=events)
    org.api.subscribe(url=receiver.url("/paused"), active=False)
    Organization(org.installation, org.door).api.subscribe(url=receiver.url("/stranger"))
    org.api.publish("Order.Created")
    org.installation.deliver_once()
    assert sorted(delivery.path for delivery in receiver.deliveries) == ["/all", "/orders"]


def test_publishing_on_the_command_line_delivers_as_well(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    payload = b'{ "from" : "stdin" }'
    org.installation.cli("publish", "--organization", org.id, "Order.Created", stdin=payload, check=True)
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.body.endswith(b'"payload":' + payload + b"}") and delivery.is_signed_with(made["secret"])


def test_a_running_worker_delivers_what_is_published(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url())
    worker = org.installation.start_worker()
    for _ in range(20):
        org.api.publish()
    receiver.wait_for(20)
    assert worker.stop() == 0
    assert len({delivery.event_id for delivery in receiver.deliveries}) == 20 == len(receiver.deliveries)


def test_510_subscribers_all_get_it(service, receiver):
    org = service()
    for number in range(510):
        org.api.subscribe(name=f"n{number}", url=receiver.url(f"/{number}"), enable_signed_webhooks=False)
    assert org.api.publish().json["delivery_count"] == 510
    org.installation.deliver_once()
    assert sorted(int(delivery.path[1:]) for delivery in receiver.deliveries) == list(range(510))


# ---- what is tried again ----


def deliver_at(org, offset_ms):
    org.installation.set_clock(offset_ms)
    org.installation.deliver_once()


@pytest.mark.parametrize("status", [300, 304, 400, 401, 404, 429, 500, 502, 503])
def test_what_is_not_2xx_is_tried_again_after_the_fixed_delay(service, receiver, fixed_retry, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryDelayMs": 60_000})
    org.api.publish()
    deliver_at(org, 0)
    deliver_at(org, 50_000)
    assert len(receiver.deliveries) == 1, "before the delay is over nothing is sent"
    deliver_at(org, 70_000)
    deliver_at(org, 10 * DAY_MS)
    first, second = receiver.deliveries
    assert first.body == second.body and first.event_id == second.event_id
    assert (first.header("X-Webhook-Attempt"), second.header("X-Webhook-Attempt")) == ("1", "2")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(service, receiver, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status), Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    deliver_at(org, 0)
    deliver_at(org, DAY_MS)
    assert len(receiver.deliveries) == 1


def test_each_attempt_is_signed_anew(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500), Answer(200))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    newest = org.api.rotate(made["id"]).json["secret"]
    deliver_at(org, 30_000)
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
        deliver_at(org, step * 60_000)
    assert [delivery.header("X-Webhook-Attempt") for delivery in receiver.deliveries] == ["1", "2", "3"]


def test_the_default_policy_waits_longer_each_time(service, receiver):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    offset = 0
    deliver_at(org, offset)
    for retry in range(8):
        wait = min(5000 * 6**retry, 36_000_000)
        shortest = wait * 0.8 if wait < 36_000_000 else 36_000_000 * 0.8
        deliver_at(org, offset + int(shortest) - 3000)
        assert len(receiver.deliveries) == retry + 1, f"retry {retry + 1} came early"
        offset += int(wait * 1.2) + 1000
        deliver_at(org, offset)
        assert len(receiver.deliveries) == retry + 2, f"retry {retry + 1} did not come"
    deliver_at(org, offset + 10 * DAY_MS)
    assert len(receiver.deliveries) == 9


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_honoured_where_it_is_longer(service, receiver, fixed_retry, status, as_date):
    org = service(clock=True)
    value = email.utils.formatdate(time.time() + 600, usegmt=True) if as_date else "600"
    receiver.script("/in", Answer(status, {"Retry-After": value}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    deliver_at(org, 580_000)
    assert len(receiver.deliveries) == 1
    deliver_at(org, 605_000)
    assert len(receiver.deliveries) == 2


def test_retry_after_waits_no_longer_than_a_day(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(503, {"Retry-After": "99999999999"}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    deliver_at(org, DAY_MS - 30_000)
    assert len(receiver.deliveries) == 1
    deliver_at(org, DAY_MS + 30_000)
    assert len(receiver.deliveries) == 2


def test_410_ends_the_delivery_and_switches_the_subscription_off(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(410), Answer(200))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    read = org.api.subscription(made["id"]).json
    assert read["active"] is False and read["disabled_reason"] == "GONE"
    org.api.publish()
    deliver_at(org, DAY_MS)
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(service, receiver, fixed_retry, status):
    org = service(clock=True)
    receiver.script("/in", Answer(status, {"Location": receiver.url("/elsewhere")}), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    deliver_at(org, 30_000)
    assert [delivery.path for delivery in receiver.deliveries] == ["/in", "/in"]


@pytest.mark.parametrize("behaviour", ["close", "reset", "garbage", "hang", "drip"])
def test_no_whole_answer_in_time_is_a_failure_and_tried_again(service, receiver, fixed_retry, behaviour):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour=behaviour), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry, request_timeout_ms=400)
    org.api.publish()
    started = time.monotonic()
    deliver_at(org, 0)
    assert time.monotonic() - started < 15
    deliver_at(org, 30_000)
    assert [delivery.header("X-Webhook-Attempt") for delivery in receiver.deliveries] == ["1", "2"]


def test_a_body_without_end_is_cut_and_its_status_counts(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour="endless"), Answer(500))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry, request_timeout_ms=20_000)
    org.api.publish()
    started = time.monotonic()
    deliver_at(org, 0)
    assert time.monotonic() - started < 10
    deliver_at(org, DAY_MS)
    assert len(receiver.deliveries) == 1


def test_a_refused_connection_is_tried_again(service, fixed_retry):
    from harness import free_port

    org, port = service(clock=True), free_port()
    org.api.subscribe(url=f"http://127.0.0.1:{port}/in", retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    with Receiver(port=port) as receiver:
        deliver_at(org, 30_000)
        assert receiver.deliveries[0].header("X-Webhook-Attempt") == "2"


def test_a_running_worker_retries_by_itself(service, receiver, fixed_retry):
    org = service()
    receiver.script("/in", Answer(500), Answer(503), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.start_worker()
    first, second, third = receiver.wait_for(3)
    assert second.at - first.at >= 0.99 and third.at - second.at >= 0.99


# ---- where it may go ----


def test_without_permission_nothing_reaches_this_machine(service, receiver, fixed_retry):
    org = service(clock=True, allow_destinations="")
    for name in ["localhost", "LOCALHOST", "localhost."]:
        org.api.subscribe(url=receiver.url("/in", host=name), retry_policy=fixed_retry)
    assert org.api.publish().json["delivery_count"] == 3
    for step in range(4):
        deliver_at(org, step * 60_000)
    assert receiver.connections == 0


def test_a_blocked_delivery_is_retried_by_policy_and_arrives_once_it_is_allowed(service, receiver, fixed_retry):
    org = service(clock=True, allow_destinations="")
    org.api.subscribe(url=receiver.url("/in", host="localhost"), retry_policy=fixed_retry)
    org.api.publish()
    deliver_at(org, 0)
    assert receiver.connections == 0
    org.installation.configure(allow_destinations=f"localhost:{receiver.port}")
    deliver_at(org, 60_000)
    assert receiver.wait_for(1)[0].header("X-Webhook-Attempt") == "2"


def test_a_port_that_is_denied_since_is_not_connected_to(service, receiver, fixed_retry):
    org = service(clock=True)
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    org.installation.configure(deny_ports=f"22 {receiver.port}")
    deliver_at(org, 0)
    assert receiver.connections == 0


def test_a_proxy_of_the_environment_is_not_used(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    proxies = {name: "http://127.0.0.1:9/" for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")}
    org.installation.deliver_once(env=proxies)
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_certificate_that_is_trusted_and_names_the_host_is_accepted(service, tmp_path, host):
    org = service()
    certificate = make_certificate(tmp_path)
    with Receiver(tls=certificate) as receiver:
        made = org.api.subscribe(url=receiver.url("/in", host=host))
        org.api.publish()
        org.installation.deliver_once(env={"SSL_CERT_FILE": certificate[0]})
        assert receiver.wait_for(1)[0].is_signed_with(made["secret"])


def test_an_untrusted_certificate_and_a_wrong_name_are_refused(service, tmp_path, no_retry):
    org = service()
    for directory in ("trusted", "other"):
        (tmp_path / directory).mkdir()
    trusted = make_certificate(tmp_path / "trusted", names=["DNS:another.example"])
    other = make_certificate(tmp_path / "other")
    with Receiver(tls=trusted) as wrong_name, Receiver(tls=other) as untrusted:
        for receiver in (wrong_name, untrusted):
            org.api.subscribe(url=receiver.url("/in", host="localhost"), retry_policy=no_retry)
        org.api.publish()
        org.installation.deliver_once(env={"SSL_CERT_FILE": trusted[0]})
        assert wrong_name.deliveries == untrusted.deliveries == []
        assert wrong_name.connections == untrusted.connections == 1


def test_plain_http_on_an_https_url_fails_and_leaks_nothing(service, receiver, no_retry):
    org = service()
    org.api.subscribe(url=f"https://127.0.0.1:{receiver.port}/in", retry_policy=no_retry)
    org.api.publish()
    org.installation.deliver_once()
    assert receiver.deliveries == []


# ---- fairness ----


def test_a_host_gets_no_more_requests_at_a_time_than_allowed(service):
    org = service(destination_concurrency=3)
    now, most, lock, gate = [0], [0], threading.Lock(), threading.Semaphore(0)

    def hold(_):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        gate.acquire(timeout=0.1)
        with lock:
            now[0] -= 1

    with Receiver(on_delivery=hold) as receiver:
        for number in range(4):
            org.api.subscribe(url=receiver.url(f"/{number}"))
        for _ in range(6):
            org.api.publish()
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 24
        assert 2 <= most[0] <= 3


def test_a_host_that_hangs_delays_no_other(service, receiver):
    org = service(destination_concurrency=2, concurrency=8)
    with Receiver(host="127.0.0.2") as dead:
        dead.script("/in", Answer(behaviour="hang"))
        org.api.subscribe(url=dead.url("/in"), request_timeout_ms=20_000)
        org.api.subscribe(url=receiver.url("/in"))
        for _ in range(30):
            org.api.publish()
        org.installation.start_worker()
        started = time.monotonic()
        receiver.wait_for(30, timeout=15)
        assert time.monotonic() - started < 15
        assert 1 <= len(dead.deliveries) <= 2


# ---- several workers, and workers that die ----


def test_several_workers_share_the_work_without_duplicates(service):
    org = service()
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.02)) as receiver:
        for number in range(4):
            org.api.subscribe(url=receiver.url(f"/{number}"))
        workers = [org.installation.start_worker() for _ in range(3)]
        events = [org.api.publish().json["event_id"] for _ in range(50)]
        receiver.wait_for(200)
        assert [worker.stop() for worker in workers] == [0, 0, 0]
        arrived = sorted((delivery.path, delivery.event_id) for delivery in receiver.deliveries)
        assert arrived == sorted((f"/{number}", event) for number in range(4) for event in events)


def test_sigterm_lets_what_is_in_flight_finish(service):
    org = service()
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.8)) as receiver:
        org.api.subscribe(url=receiver.url("/in"))
        org.api.publish()
        worker = org.installation.start_worker()
        receiver.wait_for(1)
        assert worker.stop() == 0
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 1


def test_sigterm_hands_back_what_does_not_finish(service, receiver):
    org = service()
    receiver.script("/in", Answer(behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=60_000)
    org.api.publish()
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 10
    org.installation.deliver_once()  # at once: the claim was handed back, its lease need not run out
    assert len(receiver.deliveries) == 2


@pytest.mark.parametrize("who", ["child", "parent"])
def test_what_a_killed_worker_had_claimed_is_delivered_after_its_lease(service, receiver, who):
    org = service(clock=True)
    receiver.script("/in", Answer(behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=1000)
    org.api.publish()
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    child = worker.child()
    os.kill(child if who == "child" else worker.pid, signal.SIGKILL)
    eventually(lambda: not is_alive(child), what="the child's end")
    org.installation.set_clock(11_500)
    if who == "parent":
        org.installation.deliver_once()
    receiver.wait_for(2)
    assert receiver.deliveries[0].event_id == receiver.deliveries[1].event_id


def test_a_killed_child_is_replaced_and_everything_arrives(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=200)
    worker = org.installation.start_worker()
    accepted = []
    for round_number in range(3):
        accepted += [publish_through(org) for _ in range(10)]
        if round_number < 2:
            child = worker.child()
            os.kill(child, signal.SIGKILL)
            eventually(lambda gone=child: not is_alive(gone))
            eventually(lambda gone=child: worker.child() != gone)
    eventually(lambda: {delivery.event_id for delivery in receiver.at("/in")} >= set(accepted), timeout=45)
    assert worker.stop() == 0


def publish_through(org):
    """Repeats with one idempotency key until it is accepted, as a client does while the store recovers."""
    from fcgi_client import ServerGone

    headers = {"Idempotency-Key": str(uuid.uuid4())}

    def attempt():
        try:
            response = org.api.publish(headers=headers)
        except ServerGone:
            return None
        assert response.status in (202, 503)
        return response.json["event_id"] if response.status == 202 else None

    return eventually(attempt)


def test_no_second_attempt_starts_while_a_lease_runs(service, receiver):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=5000)
    org.api.publish()
    org.installation.start_worker()
    receiver.wait_for(1)
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1


# ---- --once and --for ----


def test_once_delivers_all_that_is_due_and_ends(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    for _ in range(40):
        org.api.publish()
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 40


def test_once_does_not_wait_for_retries_that_are_due_later(service, receiver):
    org = service()
    receiver.script("/in", Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    started = time.monotonic()
    org.installation.deliver_once()
    assert time.monotonic() - started < 4 and len(receiver.deliveries) == 1


def test_for_delivers_what_comes_meanwhile_and_ends(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    worker = org.installation.start_worker("--for", "3s")
    org.api.publish()
    receiver.wait_for(1)
    org.api.publish()
    receiver.wait_for(2)
    assert worker.process.wait(15) == 0


def test_lighttpd_takes_events_that_are_delivered(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "lighttpd"))
    made = org.api.subscribe(url=receiver.url("/in"))
    newest = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([newest, made["secret"]])
