"""Subscriptions that are switched off because they do nothing but fail, and what brings them back."""

import pytest
from harness import free_port
from receiver import Answer

DAY_MS = 24 * 3600 * 1000
HOUR_MS = 3600 * 1000


def fail_at(org, offset_ms):
    """One more event, attempted at that time."""
    org.installation.set_clock(offset_ms)
    org.api.publish()
    org.installation.deliver_once()


def state(org, made):
    read = org.api.subscription(made["id"]).json
    return read["active"], read.get("disabled_reason")


def test_a_subscription_that_only_failed_for_disable_after_is_switched_off(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    fail_at(org, 0)
    fail_at(org, 5 * DAY_MS - HOUR_MS)
    assert state(org, made) == (True, None)
    fail_at(org, 5 * DAY_MS + HOUR_MS)
    assert state(org, made) == (False, "FAILING")
    count = len(receiver.deliveries)
    fail_at(org, 6 * DAY_MS)
    assert len(receiver.deliveries) == count, "what is switched off is sent nothing"


def test_the_retries_of_one_delivery_count_like_any_failure(service, receiver, fixed_retry):
    org = service(clock=True, disable_after="1h")
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryAttempts": 20})
    org.api.publish()
    org.installation.deliver_at(0)
    org.installation.deliver_at(HOUR_MS // 2)
    assert state(org, made) == (True, None)
    org.installation.deliver_at(HOUR_MS + 60_000)
    assert state(org, made) == (False, "FAILING")


def test_one_success_in_between_begins_anew(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500), Answer(200), Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    for day in (0, 3, 4, 8):
        fail_at(org, day * DAY_MS)
    assert state(org, made) == (True, None)
    fail_at(org, 9 * DAY_MS + HOUR_MS)
    assert state(org, made) == (False, "FAILING")


def test_blocked_and_refused_connections_are_failures(service, no_retry):
    org = service(clock=True, allow_destinations="127.0.0.1")
    blocked = org.api.subscribe(url="http://localhost:1/in", retry_policy=no_retry)
    refused = org.api.subscribe(url=f"http://127.0.0.1:{free_port()}/in", retry_policy=no_retry)
    org.installation.configure(allow_destinations="127.0.0.1/32:9")
    fail_at(org, 0)
    fail_at(org, 6 * DAY_MS)
    assert state(org, blocked) == (False, "FAILING")
    assert state(org, refused) == (False, "FAILING")


def fresh_put(org, made, url):
    body = {"name": made["name"], "url": url, "enable_signed_webhooks": True, "retry_policy": made["retry_policy"]}
    assert org.api.put(made["id"], {**body, "active": True}).status == 200


def fresh_patch(org, made, _):
    before = org.api.subscription(made["id"])
    after = org.api.patch(made["id"], {"active": True})
    assert after.status == 200
    if before.json["active"]:
        assert after.header("ETag") == before.header("ETag") and after.json == before.json, "nothing visible changed"


def pause_and_resume(org, made, _):
    assert org.api.patch(made["id"], {"active": False}).status == 200
    assert org.api.patch(made["id"], {"active": True}).status == 200


def another_url(org, made, url):
    assert org.api.patch(made["id"], {"url": url + "?other"}).status == 200


@pytest.mark.parametrize("begin_anew", [fresh_put, fresh_patch, pause_and_resume, another_url])
def test_a_fresh_start_gives_the_whole_time_again(service, receiver, no_retry, begin_anew):
    org = service(clock=True)
    for path in ("/in", "/in?other"):
        receiver.script(path, Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    fail_at(org, 0)
    org.installation.set_clock(4 * DAY_MS)
    begin_anew(org, made, receiver.url("/in"))
    fail_at(org, 6 * DAY_MS)
    fail_at(org, 10 * DAY_MS)
    assert state(org, made) == (True, None), "the failures before do not count"
    fail_at(org, 11 * DAY_MS + HOUR_MS)
    assert state(org, made) == (False, "FAILING")


def test_a_change_of_something_else_gives_no_time(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    fail_at(org, 0)
    org.installation.set_clock(4 * DAY_MS)
    assert org.api.patch(made["id"], {"description": "still there"}).status == 200
    fail_at(org, 6 * DAY_MS)
    assert state(org, made) == (False, "FAILING")


def test_time_spent_paused_is_not_failing(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    fail_at(org, 0)
    org.api.patch(made["id"], {"active": False})
    org.installation.set_clock(20 * DAY_MS)
    org.api.patch(made["id"], {"active": True})
    fail_at(org, 20 * DAY_MS + HOUR_MS)
    assert state(org, made) == (True, None)


@pytest.mark.parametrize("status, reason", [(410, "GONE"), (500, "FAILING")])
@pytest.mark.parametrize("method", ["put", "patch"])
def test_active_true_clears_the_reason_and_releases_what_waited(service, receiver, no_retry, status, reason, method):
    org = service(clock=True)
    receiver.script("/in", Answer(status))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    fail_at(org, 0)
    fail_at(org, 6 * DAY_MS)
    assert state(org, made) == (False, reason)
    receiver.script("/in", Answer(200))
    waiting = org.api.publish().json["event_id"]
    org.installation.deliver_once()
    assert waiting not in {delivery.event_id for delivery in receiver.deliveries}
    (fresh_put if method == "put" else fresh_patch)(org, made, receiver.url("/in"))
    assert state(org, made) == (True, None)
    org.installation.deliver_once()
    assert waiting in {delivery.event_id for delivery in receiver.deliveries}
