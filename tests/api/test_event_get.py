"""GET of an event: what was published, and the deliveries that it became."""

import json

import pytest
from api import EVENT, TIME, Organization

UNKNOWN = "0123456789abcdef01234567"


def test_everything_that_was_published_is_read_back(api):
    api.subscribe(workspace_ids=["w1"])
    accepted = api.publish(
        "Order.Created", {"n": [1, None]}, trace_id="trace-1", agent_id="a1", workspace_id="w1", unknown=5
    ).json
    response = api.event(accepted["event_id"])
    assert response.status == 200
    event = response.json
    ids = event.pop("delivery_ids")
    assert event == {
        "event_id": accepted["event_id"],
        "trace_id": "trace-1",
        "event_name": "Order.Created",
        "created_at": accepted["created_at"],
        "agent_id": "a1",
        "workspace_id": "w1",
        "payload": {"n": [1, None]},
        "delivery_count": 1,
    }
    assert TIME.fullmatch(event["created_at"]) and len(ids) == 1


def test_what_was_not_given_is_left_out(api):
    event = api.event(api.publish().json["event_id"]).json
    assert not {"agent_id", "workspace_id"} & set(event)
    assert event["delivery_count"] == 0 and event["delivery_ids"] == []


@pytest.mark.parametrize("count", [1, 2, 5])
def test_each_matching_subscription_is_one_delivery(api, count):
    made = [api.subscribe(active=bool(n % 2)) for n in range(count)]
    api.subscribe(events=["Other.Event"])
    accepted = api.publish().json
    event = api.event(accepted["event_id"]).json
    assert event["delivery_count"] == accepted["delivery_count"] == count
    assert sorted(event["delivery_ids"]) == sorted(entry["id"] + accepted["event_id"] for entry in made)


def test_later_subscriptions_change_nothing(api):
    accepted = api.publish().json
    api.subscribe()
    assert api.event(accepted["event_id"]).json["delivery_count"] == 0


PAYLOADS = [
    b"{}",
    b'{ "b" : 1.0e+2,\n\t"a":[ 1 , 2 ], "a": 12345678901234567890.10 }',
    '{"text":"\u00fc \U0001f600 \\u00fc \\/ \\ud800","nul":"\\u0000"}'.encode(),
    b'{"n":1e400,"m":-0,"deep":' + b"[" * 29 + b"]" * 29 + b"}",
    b'{"null":null,"true":true,"":""}',
    b'{"long":"' + b"x" * 120_000 + b'"}',
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_the_payload_is_the_published_one_byte_for_byte(org, payload):
    sent = b' {"trace_id":"t","payload":' + payload + b' , "event_name":"Order.Created"}\n'
    accepted = org.api.post(EVENT, body=sent)
    assert accepted.status == 202, accepted
    raw = org.door.request("GET", f"{EVENT}/{accepted.json['event_id']}", [("Authorization", f"Bearer {org.key}")])
    assert raw.status == 200 and raw.body.count(b'"payload":' + payload) == 1
    assert json.loads(raw.body)["event_name"] == "Order.Created"


def test_keys_that_read_may_and_publishers_may_not(org, api):
    identity = api.publish().json["event_id"]
    for scope, status in [("read", 200), ("manage", 200), ("publish", 403), ("operate", 403)]:
        assert org.api_with(scope).event(identity).status == status
    assert api.with_key(None).event(identity).status == 401


def test_another_organizations_event_does_not_exist(shared_door, api):
    identity = api.publish().json["event_id"]
    assert Organization(*shared_door).api.event(identity).status == 404
    assert api.event(identity).status == 200


@pytest.mark.parametrize("identity", [UNKNOWN, "x", UNKNOWN.upper(), UNKNOWN + "0", "f" * 24, "0" * 24])
def test_what_is_no_event_of_ours_does_not_exist(api, identity):
    assert api.event(identity).status == 404


def test_a_subscriptions_id_is_no_events(api):
    assert api.event(api.subscribe()["id"]).status == 404
    assert api.subscription(api.publish().json["event_id"]).status == 404


def test_methods(api):
    target = f"{EVENT}/{api.publish().json['event_id']}"
    assert api.head(target).status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = api.call(method, target, body=b"{}")
        assert response.status == 405 and set(response.header("Allow").split(", ")) == {"GET", "HEAD"}
