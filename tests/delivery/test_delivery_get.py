"""One delivery as its owner sees it: what was sent, and what came of each attempt."""

import json

import pytest
from api import TIME
from harness import eventually, free_port
from receiver import Answer


def sent_once(org, receiver, answer=None, **members):
    """The delivery of one event, after one round of the worker."""
    if answer:
        receiver.script("/in", answer)
    made = org.api.subscribe(**{"url": receiver.url("/in"), **members})
    event_id = org.api.publish("Order.Created", {"n": 1}).json["event_id"]
    org.installation.deliver_once()
    response = org.api.delivery(made["id"] + event_id)
    assert response.status == 200, response
    return response.json


def test_it_shows_the_attempts_in_order_and_the_body_as_sent(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(503, {"X-Why": "busy"}, b"later"), Answer(200, body=b"ok"))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    accepted = org.api.publish("Order.Created", {"n": 1}).json
    identity = made["id"] + accepted["event_id"]
    org.installation.deliver_at(0)
    waiting = org.api.delivery(identity).json
    assert waiting["status"] == "WAITING" and waiting["attempt_count"] == 1 and "finished_at" not in waiting
    assert waiting["next_attempt_at"] > waiting["attempts"][0]["started_at"]
    org.api.rotate(made["id"])
    org.installation.deliver_at(30_000)
    done = org.api.delivery(identity).json
    assert done["status"] == "DELIVERED" and done["attempt_count"] == 2 and "next_attempt_at" not in done
    assert TIME.fullmatch(done["finished_at"]) and done["finished_at"] >= done["attempts"][1]["started_at"]
    assert [delivery.body.decode() for delivery in receiver.deliveries] == [done["body"], done["body"]]
    first, second = done["attempts"]
    assert first == waiting["attempts"][0]
    assert (first["number"], second["number"]) == (1, 2)
    assert (first["response_status"], second["response_status"]) == (503, 200)
    assert (first["response_body"], second["response_body"]) == ("later", "ok")
    assert first["response_headers"] == {"content-length": "5", "x-why": "busy"}
    assert (first["signature_count"], second["signature_count"]) == (1, 2)
    assert "error" not in first and "error" not in second
    assert first["started_at"] < second["started_at"] and first["duration_ms"] < 20_000
    (item,) = org.api.all_deliveries(made["id"])
    assert item == {name: value for name, value in done.items() if name not in ("body", "attempts")}


@pytest.mark.parametrize(
    "payload",
    [b'{ "b" : 1.0e+2,\n\t"a":[ 1 , 2 ], "a": 12345678901234567890.10 }', '{"text":"\u00fc \\ud800 \\u0000"}'.encode()],
)
def test_the_body_is_what_receivers_get_byte_for_byte(service, receiver, payload):
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"))
    accepted = org.api.post("/v1/public/webhook/event", body=b'{"event_name":"A.b","payload":' + payload + b"}").json
    org.installation.deliver_once()
    shown = org.api.delivery(made["id"] + accepted["event_id"]).json["body"]
    assert shown.encode() == receiver.deliveries[0].body and payload in shown.encode()


@pytest.mark.parametrize(
    "sent, shown",
    [
        (b"plain", "plain"),
        ("\u00fc\U0001f600".encode(), "\u00fc\U0001f600"),
        (b"a\xffb\xc3", "a\ufffdb\ufffd"),
        (b'nul\0quote"back\\slash\x01', 'nul\0quote"back\\slash\x01'),
        (b"x" * 10_000, "x" * 4096),
        (b"x" * 4095 + "\u00fc".encode(), "x" * 4095 + "\ufffd"),
    ],
)
def test_what_a_receiver_answers_is_shown_in_valid_json(service, receiver, no_retry, sent, shown):
    delivery = sent_once(service(), receiver, Answer(500, body=sent), retry_policy=no_retry)
    assert delivery["status"] == "FAILED"
    assert delivery["attempts"][0]["response_body"] == shown


def test_an_answer_without_a_body_shows_none(service, receiver):
    (attempt,) = sent_once(service(), receiver, Answer(204))["attempts"]
    assert attempt["response_status"] == 204 and "response_body" not in attempt


def test_headers_that_come_twice_are_one_value(service, receiver):
    answer = Answer(200)
    answer.headers = [("Set-Cookie", "a=1"), ("X-Odd", "t\xe9st \xff"), ("set-cookie", "b=2"), ("SET-COOKIE", ""), ("X-Empty", "")]
    (attempt,) = sent_once(service(), receiver, answer)["attempts"]
    headers = attempt["response_headers"]
    assert headers["set-cookie"] == "a=1, b=2, " and headers["x-empty"] == ""
    assert headers["x-odd"] == "t\ufffdst \ufffd"


def test_of_many_headers_the_first_are_shown(service, receiver):
    (attempt,) = sent_once(service(), receiver, Answer(200, {f"X-{n}": "v" * 1000 for n in range(20)}))["attempts"]
    assert {"x-0", "x-6"} < set(attempt["response_headers"]) and "x-19" not in attempt["response_headers"]


def test_what_brought_no_answer_says_why(service, receiver, no_retry):
    org = service()
    hanging = sent_once(org, receiver, Answer(behaviour="hang"), request_timeout_ms=200, retry_policy=no_retry)
    refused = sent_once(org, receiver, url=f"http://127.0.0.1:{free_port()}/", retry_policy=no_retry)
    garbage = sent_once(org, receiver, Answer(behaviour="garbage"), retry_policy=no_retry)
    assert [one["attempts"][0]["error"] for one in (hanging, refused, garbage)] == ["TIMEOUT", "CONNECT", "PROTOCOL"]
    for one in (hanging, refused, garbage):
        assert "response_status" not in one["attempts"][0] and "response_headers" not in one["attempts"][0]


def test_an_unsigned_attempt_counts_no_signature(service, receiver):
    assert sent_once(service(), receiver, enable_signed_webhooks=False)["attempts"][0]["signature_count"] == 0


def test_what_is_no_delivery_is_404(service):
    org, other = service(), service()
    made = org.api.subscribe(events=["A.b"])
    event_id = org.api.publish("A.b").json["event_id"]
    unmatched = org.api.publish("A.c").json["event_id"]
    assert org.api.delivery(made["id"] + event_id).status == 200
    for wrong in (made["id"], event_id, made["id"] + unmatched, event_id + made["id"], made["id"] + event_id.upper() + "G",
                  made["id"] + event_id + "0", "0" * 48, "x" * 48):  # fmt: skip
        response = org.api.delivery(wrong)
        assert response.status == 404 and response.json["message"] == "no such delivery", wrong
    assert other.api.delivery(made["id"] + event_id).status == 404


def test_a_deleted_subscriptions_deliveries_stay_readable(service, receiver):
    org = service()
    delivered = sent_once(org, receiver)
    waiting = org.api.publish().json["event_id"]
    org.api.delete(delivered["subscription_id"])
    assert org.api.delivery(delivered["id"]).json == delivered
    cancelled = org.api.delivery(delivered["subscription_id"] + waiting).json
    assert cancelled["status"] == "CANCELLED" and cancelled["attempts"] == [] and json.loads(cancelled["body"])
    org.installation.deliver_once()
    assert org.api.delivery(cancelled["id"]).json == cancelled and len(receiver.deliveries) == 1


def test_of_very_many_attempts_the_last_are_shown(service, receiver, no_retry):
    org = service()
    identity = sent_once(org, receiver, Answer(500), retry_policy=no_retry)["id"]
    worker = org.installation.start_worker()
    for number in range(2, 204):
        assert org.api.retry(identity).status == 202
        eventually(lambda: org.api.delivery(identity).json["attempt_count"] == number)
    worker.stop()
    delivery = org.api.delivery(identity).json
    assert delivery["attempt_count"] == 203
    assert [attempt["number"] for attempt in delivery["attempts"]] == list(range(4, 204))
