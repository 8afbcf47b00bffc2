"""Batches: 1 to 1000 events, all or nothing."""

import uuid

import pytest
from api import EVENTS, OBJECT_ID, SUBSCRIPTION, Organization, make_door

ACCEPTED = {"event_id", "trace_id", "event_name", "delivery_count", "created_at"}
MAX_BODY = 131072


def event(name="A.b", **members):
    return {"event_name": name, "payload": {}, **members}


def test_each_event_is_answered_in_its_place(api):
    api.subscribe(events=["A.*"])
    api.subscribe(events=["A.b"])
    api.subscribe(workspace_ids=["w"])
    sent = [event("A.b"), event("A.c", trace_id="mine"), event("B.c"), event("A.b", workspace_id="w"), event("A.b")]
    response = api.publish_batch(sent)
    assert response.status == 202 and set(response.json) == {"data"}
    accepted = response.json["data"]
    assert [entry["event_name"] for entry in accepted] == [entry["event_name"] for entry in sent]
    assert [entry["delivery_count"] for entry in accepted] == [2, 1, 0, 3, 2]
    assert all(set(entry) == ACCEPTED and OBJECT_ID.fullmatch(entry["event_id"]) for entry in accepted)
    assert accepted[1]["trace_id"] == "mine"
    assert len({entry["event_id"] for entry in accepted}) == len({entry["trace_id"] for entry in accepted}) == 5


def test_each_event_is_kept_with_its_own_payload(api):
    made = api.subscribe()
    sent = [{"event_name": f"A.e{n}", "payload": {"n": n}, "agent_id": f"a{n}"} for n in range(20)]
    for given, accepted in zip(sent, api.publish_batch(sent).json["data"]):
        read = api.event(accepted["event_id"]).json
        assert read["payload"] == given["payload"] and read["agent_id"] == given["agent_id"]
        assert read["trace_id"] == accepted["trace_id"] and read["created_at"] == accepted["created_at"]
        assert read["delivery_ids"] == [made["id"] + accepted["event_id"]]


def test_one_event_is_a_batch_too(api):
    assert len(api.publish_batch([event()]).json["data"]) == 1


@pytest.mark.parametrize("subscriptions", [0, 3])
def test_a_thousand_are_accepted_and_one_more_is_400(api, subscriptions):
    for _ in range(subscriptions):
        api.subscribe()
    response = api.publish_batch([event() for _ in range(1000)])
    assert response.status == 202, response
    accepted = response.json["data"]
    assert len({entry["event_id"] for entry in accepted}) == 1000
    assert {entry["delivery_count"] for entry in accepted} == {subscriptions}
    assert api.publish_batch([event() for _ in range(1001)]).status == 400


def test_a_thousand_events_to_wide_fan_outs_are_all_there(install):
    """More deliveries than any one transaction writes."""
    installation = install()
    api = Organization(installation, make_door(installation, "fcgi")).api
    for number in range(60):
        api.subscribe(name=f"n{number}", enable_signed_webhooks=False)
    accepted = api.publish_batch([event() for _ in range(1000)]).json["data"]
    assert {entry["delivery_count"] for entry in accepted} == {60}
    assert len(set(api.event(accepted[999]["event_id"]).json["delivery_ids"])) == 60


def test_everything_arrives_once(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    api.subscribe(url=receiver.url())
    accepted = api.publish_batch([event(f"A.e{n}") for n in range(150)]).json["data"]
    installation.deliver_once()
    got = {delivery.event_id: delivery.header("X-Webhook-Event") for delivery in receiver.deliveries}
    assert len(receiver.deliveries) == 150
    assert got == {entry["event_id"]: entry["event_name"] for entry in accepted}


@pytest.mark.parametrize(
    "position, change, fields",
    [
        (0, {"event_name": "bad"}, {"0.event_name"}),
        (3, {"event_name": None}, {"3.event_name"}),
        (9, {"payload": []}, {"9.payload"}),
        (9, {"payload": None, "trace_id": "a b"}, {"9.payload", "9.trace_id"}),
        (5, {"event_name": "Webhook.Test"}, {"5.event_name"}),
        (5, {"agent_id": 5, "workspace_id": " "}, {"5.agent_id", "5.workspace_id"}),
    ],
)
def test_a_wrong_event_is_named_with_its_place_and_nothing_is_published(install, receiver, position, change, fields):
    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi", processes=1)).api
    api.subscribe(url=receiver.url())
    sent = [event() for _ in range(10)]
    sent[position].update(change)
    response = api.publish_batch(sent)
    assert response.status == 400 and response.fields == fields
    installation.deliver_once()
    assert receiver.deliveries == []


def test_all_wrong_events_are_named_at_once(api):
    response = api.publish_batch([event("bad"), event(), {}, event(trace_id="")])
    assert response.fields == {"0.event_name", "2.event_name", "2.payload", "3.trace_id"}


def test_an_error_answer_for_a_thousand_wrong_events_is_whole(api):
    response = api.publish_batch([{"event_name": "bad", "payload": 5} for _ in range(1000)])
    assert response.status == 400
    assert {"0.event_name", "0.payload"} <= response.fields


@pytest.mark.parametrize("sent", [b"[null]", b"[[]]", b"[5]", b'["A.b"]', b'[{"event_name":"A.b","payload":{}},null]'])
def test_what_is_no_event_is_400(api, sent):
    assert api.post(EVENTS, body=sent).status == 400


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b"{}", b"null", b"5", b'{"data":[]}', b'{"event_name":"A.b","payload":{}}']
)
def test_what_is_no_batch_is_400(api, sent):
    assert api.post(EVENTS, body=sent).status == 400


TWICE = {
    "payload": b'[{"event_name":"A.b","payload":{},"payload":{}}]',
    "event_name": b'[{"event_name":"A.b","payload":{},"event_name":"A.b"}]',
    "escaped": b'[{"event_name":"A.b","payload":{},"p\\u0061yload":{}}]',
    "unknown": b'[{"event_name":"A.b","payload":{}},{"event_name":"A.b","payload":{},"x":1,"x":2}]',
}


@pytest.mark.parametrize("name", TWICE)
def test_a_member_that_stands_twice_in_an_event_is_400(api, name):
    assert api.post(EVENTS, body=TWICE[name]).status == 400


def test_the_same_member_in_different_events_or_in_a_payload_is_fine(api):
    sent = b'[{"event_name":"A.b","payload":{"a":1,"a":2}},{"event_name":"A.b","payload":{"a":1}}]'
    assert api.post(EVENTS, body=sent).status == 202


def test_nesting_counts_from_the_array(api):
    def nested(levels):
        inner = levels - 3  # the array, the event, the payload
        return b'[{"event_name":"A.b","payload":{"a":' + b"[" * inner + b"]" * inner + b"}}]"

    assert api.post(EVENTS, body=nested(32)).status == 202
    assert api.post(EVENTS, body=nested(33)).status == 400


@pytest.mark.parametrize("text", [b"a\\u0000b", b"\\ud800"])
def test_nul_and_lone_surrogates_are_for_payloads_alone(api, text):
    good = b'[{"event_name":"A.b","payload":{"t":"' + text + b'"}}]'
    assert api.post(EVENTS, body=good).status == 202
    assert api.post(EVENTS, body=b'[{"event_name":"A.b","payload":{},"agent_id":"' + text + b'"}]').status == 400


def test_a_batch_of_128_kib_is_accepted_and_one_byte_more_is_413(api):
    def padded(size):
        head, tail = b'[{"event_name":"A.b","payload":{"p":"', b'"}}]'
        return head + b"x" * (size - len(head) - len(tail)) + tail

    assert api.post(EVENTS, body=padded(MAX_BODY)).status == 202
    assert api.post(EVENTS, body=padded(MAX_BODY + 1)).status == 413


@pytest.mark.parametrize("content_type", ["text/plain", "application/merge-patch+json", "application/x-ndjson"])
def test_another_media_type_is_415(api, content_type):
    assert api.post(EVENTS, body=b"[]", content_type=content_type).status == 415


def test_null_members_mean_left_out_and_unknown_ones_are_ignored(api):
    sent = [event(agent_id=None, trace_id=None, whatever=[None])]
    accepted = api.publish_batch(sent).json["data"]
    assert str(uuid.UUID(accepted[0]["trace_id"])) == accepted[0]["trace_id"]


def test_other_methods_are_405(api):
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        assert api.call(method, EVENTS, body=b"[]" if method != "GET" else None).header("Allow") == "POST"
    assert api.get(f"{EVENTS}/0123456789abcdef01234567").status == 404
    assert api.get(SUBSCRIPTION).status == 405
