"""The receivers that the documents show take real deliveries through a whole rotation, and refuse what is forged."""

import base64
import time
import uuid

import pytest
from api import SUBSCRIPTION
from crowd import at_once
from example_receiver import KINDS, ExampleReceiver
from receiver import sign

SECRET = "whsec_" + base64.b64encode(b"the secret that the receiver has"[:30]).decode()
OTHER = "whsec_" + base64.b64encode(b"a secret that is somebody else's"[:30]).decode()
BODY = b'{"organizationId":"o","traceId":"t","eventName":"Order.Created","timestamp":1,"payload":{"name":"\xc3\xa4 \\u00e4"}}'


@pytest.fixture(scope="module", params=KINDS)
def receiving(request):
    running = ExampleReceiver(request.param)
    yield running
    running.close()


def new_id():
    return uuid.uuid4().hex[:24]


# ---- real deliveries ----


def deliver(org, identity):
    """Publishes an event and delivers it once; (its id, the receiver's answer)."""
    event = org.api.publish().json["event_id"]
    org.installation.deliver_once()
    return event, org.api.delivery(identity + event).json["attempts"][-1]["response_status"]


def is_ready(org, identity):
    path = f"{SUBSCRIPTION}/{identity}/probe/secret"
    assert org.api.post(path).status == 202
    org.installation.deliver_once()
    probe = org.api.get(path).json
    assert probe["status"] == "DONE" and probe["forged_rejected"]
    return probe["ready"]


def test_a_rotation_breaks_nothing_and_the_probe_knows_when_it_is_over(service, receiving, no_retry):
    org = service()
    made = org.api.subscribe(url=f"http://127.0.0.1:{receiving.port}/hook", retry_policy=no_retry)
    identity, old = made["id"], made["secret"]
    receiving.give(OTHER)
    refused, status = deliver(org, identity)
    assert status == 401 and refused not in receiving.kept()
    receiving.give(old)
    assert is_ready(org, identity)
    events = [deliver(org, identity)]
    new = org.api.rotate(identity).json["secret"]
    events.append(deliver(org, identity))
    assert not is_ready(org, identity)
    receiving.give(new)
    events.append(deliver(org, identity))
    assert is_ready(org, identity)
    assert org.api.revoke(identity).json == {"revoked": 1}
    events.append(deliver(org, identity))
    assert [status for _, status in events] == [204] * 4
    for event, _ in events:
        assert receiving.kept()[event].decode() == org.api.delivery(identity + event).json["body"]
    receiving.give(old)
    assert deliver(org, identity)[1] == 401


def test_an_event_that_is_delivered_again_is_kept_once(service, receiving, no_retry):
    org = service()
    made = org.api.subscribe(url=f"http://127.0.0.1:{receiving.port}/hook", retry_policy=no_retry)
    receiving.give(made["secret"])
    event, _ = deliver(org, made["id"])
    place = receiving.inbox / f"{event}.json"
    first = place.stat()
    assert org.api.retry(made["id"] + event).status == 202
    org.installation.deliver_once()
    attempts = org.api.delivery(made["id"] + event).json["attempts"]
    assert [attempt["response_status"] for attempt in attempts] == [204, 204]
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (first.st_ino, first.st_mtime_ns)


def test_deliveries_of_a_clock_that_is_ten_minutes_late_are_refused(service, receiving, no_retry):
    org = service(clock=True)
    org.installation.set_clock(-600_000)
    made = org.api.subscribe(url=f"http://127.0.0.1:{receiving.port}/hook", retry_policy=no_retry)
    receiving.give(made["secret"])
    assert deliver(org, made["id"])[1] == 401


# ---- headers that hookturn does not make ----


def signature(secret=SECRET, body=BODY, shift=0):
    t = int(time.time()) + shift
    return t, sign(secret, t, body)


ACCEPTED = {
    "as hookturn writes it": lambda t, v1: f"t={t},v1={v1}",
    "ours is the last of many": lambda t, v1: f"t={t}," + ",".join(f"v1={i:064x}" for i in range(30)) + f",v1={v1}",
    "ours is the first of many": lambda t, v1: f"t={t},v1={v1}," + ",".join(f"v1={i:064x}" for i in range(30)),
    "spaces between": lambda t, v1: f"t={t} , v1={'0' * 64} ,\t v1={v1}",
    "schemes to come": lambda t, v1: f"v0=abc,t={t},v2={'1' * 64},v1={v1},alg=x=y,flag",
    "the time comes last": lambda t, v1: f"v1={v1},t={t}",
    "commas too many": lambda t, v1: f",t={t},,v1={v1},",
}
REFUSED = {
    "no value": lambda t, v1: f"t={t}",
    "an empty value": lambda t, v1: f"t={t},v1=",
    "no time": lambda t, v1: f"v1={v1}",
    "an empty time": lambda t, v1: f"t=,v1={v1}",
    "another time": lambda t, v1: f"t={t + 1},v1={v1}",
    "a negative time": lambda t, v1: f"t=-{t},v1={v1}",
    "a time that is no number": lambda t, v1: f"t=now,v1={v1}",
    "a time that overflows": lambda t, v1: f"t={2**64 + t},v1={v1}",
    "a time of thousands of digits": lambda t, v1: f"t={'9' * 6000},v1={v1}",
    "a value cut short": lambda t, v1: f"t={t},v1={v1[:-1]}",
    "a value too long": lambda t, v1: f"t={t},v1={v1}0",
    "bytes that are no ASCII": lambda t, v1: f"t={t},v1=" + "é" * 64,
    "another scheme": lambda t, v1: f"t={t},v0={v1},v2={v1}",
    "another separator": lambda t, v1: f"t={t};v1={v1}",
    "nothing": lambda t, v1: "",
    "garbage": lambda t, v1: "=,=v1,t==1,%00",
}


@pytest.mark.parametrize("header", ACCEPTED.values(), ids=ACCEPTED)
def test_a_header_is_read_as_the_scheme_allows(receiving, header):
    receiving.give(SECRET)
    event = new_id()
    assert receiving.post(BODY, {"X-Webhook-Id": event, "X-Webhook-Signature": header(*signature())}) == 204
    assert receiving.kept()[event] == BODY


@pytest.mark.parametrize("header", REFUSED.values(), ids=REFUSED)
def test_a_header_that_proves_nothing_is_refused(receiving, header):
    receiving.give(SECRET)
    event = new_id()
    assert receiving.post(BODY, {"X-Webhook-Id": event, "X-Webhook-Signature": header(*signature())}) == 401
    assert event not in receiving.kept()


@pytest.mark.parametrize(
    ("signed", "status"),
    [
        ({"secret": OTHER}, 401),
        ({"body": BODY + b" "}, 401),
        ({"shift": -600}, 401),
        ({"shift": 600}, 401),
        ({"shift": -200}, 204),
        ({"shift": 200}, 204),
    ],
    ids=str,
)
def test_secret_body_and_time_have_to_be_right(receiving, signed, status):
    receiving.give(SECRET)
    event = new_id()
    t, v1 = signature(**signed)
    assert receiving.post(BODY, {"X-Webhook-Id": event, "X-Webhook-Signature": f"t={t},v1={v1}"}) == status
    assert (event in receiving.kept()) == (status == 204)


def test_without_the_header_nothing_is_taken(receiving):
    receiving.give(SECRET)
    assert receiving.post(BODY, {"X-Webhook-Id": new_id()}) == 401
    assert receiving.post(None, {}, method="GET") >= 400


@pytest.mark.parametrize("event", ["", "../secret", "a/b", "x" * 65], ids=repr)
def test_an_event_id_that_would_be_another_file_is_refused(receiving, event):
    receiving.give(SECRET)
    before = receiving.kept()
    t, v1 = signature()
    assert receiving.post(BODY, {"X-Webhook-Id": event, "X-Webhook-Signature": f"t={t},v1={v1}"}) == 400
    assert receiving.kept() == before and (receiving.home / "secret").read_text() == f"{SECRET}\n"


@pytest.mark.parametrize("secret", ["", "changeme"], ids=repr)
def test_a_receiver_without_a_secret_takes_nothing_and_asks_for_a_repeat(receiving, secret):
    receiving.give(secret)
    event = new_id()
    t, v1 = signature(secret)
    assert receiving.post(BODY, {"X-Webhook-Id": event, "X-Webhook-Signature": f"t={t},v1={v1}"}) == 500
    assert event not in receiving.kept()


def test_a_body_without_end_is_not_kept(receiving):
    receiving.give(SECRET)
    event, body = new_id(), b"x" * (1 << 20) + b"y"
    t, v1 = signature(body=body)
    try:
        assert receiving.post(body, {"X-Webhook-Id": event, "X-Webhook-Signature": f"t={t},v1={v1}"}) == 413
    except ConnectionError:
        pass  # it closed before all was sent
    assert event not in receiving.kept()


def test_the_same_event_twice_at_once_is_kept_once_and_both_are_answered_well(receiving):
    receiving.give(SECRET)
    event = new_id()
    t, v1 = signature()
    headers = {"X-Webhook-Id": event, "X-Webhook-Signature": f"t={t},v1={v1}"}
    assert at_once(lambda _: receiving.post(BODY, headers), 8) == [204] * 8
    assert receiving.kept()[event] == BODY
