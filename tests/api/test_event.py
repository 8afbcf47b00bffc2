"""Publishing: what is accepted, and for whom. That it arrives is shown in tests/delivery."""

import time
import uuid
from datetime import datetime

import pytest
from api import EVENT, OBJECT_ID, TIME, Organization, make_door

ACCEPTED = {"event_id", "trace_id", "event_name", "delivery_count", "created_at"}


def count(api, event_name="Order.Created", **members):
    response = api.publish(event_name, **members)
    assert response.status == 202, response
    return response.json["delivery_count"]


def test_an_event_is_accepted_with_its_ids_and_the_number_of_its_deliveries(api):
    api.subscribe()
    before = int(time.time() * 1000)
    response = api.publish("Order.Created", {"any": ["thing", None, 1.0]})
    after = int(time.time() * 1000)
    assert response.status == 202
    accepted = response.json
    assert set(accepted) == ACCEPTED
    assert OBJECT_ID.fullmatch(accepted["event_id"])
    assert str(uuid.UUID(accepted["trace_id"])) == accepted["trace_id"]
    assert accepted["event_name"] == "Order.Created" and accepted["delivery_count"] == 1
    assert TIME.fullmatch(accepted["created_at"])
    created = round(datetime.fromisoformat(accepted["created_at"].replace("Z", "+00:00")).timestamp() * 1000)
    assert before <= created <= after


def test_without_subscribers_it_is_accepted_as_well(api):
    assert count(api) == 0


def test_every_event_gets_its_own_id_even_with_one_trace_id(api):
    accepted = [api.publish(trace_id="one").json for _ in range(4)]
    assert {entry["trace_id"] for entry in accepted} == {"one"}
    assert len({entry["event_id"] for entry in accepted}) == 4


@pytest.mark.parametrize(
    "events, matching, others",
    [
        ([], ["Order.Created", "a.b", "X_1.y_2"], []),
        (["*"], ["Order.Created", "a.b"], []),
        (["Order.*"], ["Order.Created", "Order.x"], ["Orders.Created", "order.Created", "Orde.r"]),
        (["Order.Created"], ["Order.Created"], ["Order.created", "order.Created", "Order.CreatedTwice", "Order.Creat"]),
        (["A.B", "C.*"], ["A.B", "C.x"], ["A.x", "B.C"]),
    ],
)
def test_the_filter_decides(api, events, matching, others):
    api.subscribe(events=events)
    assert [count(api, name) for name in matching] == [1] * len(matching)
    assert [count(api, name) for name in others] == [0] * len(others)


def test_the_scope_decides(api):
    api.subscribe()
    api.subscribe(workspace_ids=["w1", "w2"])
    api.subscribe(agent_ids=["a1"])
    assert count(api) == 1
    assert count(api, workspace_id="w2") == 2
    assert count(api, agent_id="a1") == 2
    assert count(api, agent_id="a1", workspace_id="w1") == 3
    assert count(api, agent_id="w1", workspace_id="a1") == 1
    assert count(api, workspace_id="W1") == 1


def test_whatever_id_a_subscription_can_list_an_event_can_name(api):
    long = "a" * 1000
    api.subscribe(agent_ids=[long])
    assert count(api, agent_id=long) == 1


def test_paused_subscriptions_are_included(api):
    api.subscribe(active=False)
    assert count(api) == 1


def test_a_subscription_is_matched_from_its_creation_on(api):
    for number in range(4):
        assert count(api) == number
        api.subscribe()


def test_other_organizations_are_not(shared_door, api):
    api.subscribe()
    assert count(Organization(*shared_door).api) == 0


def test_more_subscribers_than_one_transaction_writes(install):
    installation = install()
    api = Organization(installation, make_door(installation, "fcgi")).api
    for number in range(510):
        api.subscribe(name=f"n{number}", enable_signed_webhooks=False)
    assert count(api) == 510


@pytest.mark.parametrize(
    "member, value",
    [
        ("event_name", None),
        ("event_name", 5),
        ("event_name", ""),
        ("event_name", "Order"),
        ("event_name", "Order."),
        ("event_name", ".Created"),
        ("event_name", "Order.Created.Twice"),
        ("event_name", "Order.*"),
        ("event_name", "*"),
        ("event_name", "Order.Cre ated"),
        ("event_name", "Order.Cr\u00e9ated"),
        ("event_name", "Order-x.Created"),
        ("event_name", "A." + "b" * 127),
        ("event_name", "Webhook.Test"),
        ("event_name", "Webhook.Anything"),
        ("event_name", "A.b\x00"),
        ("payload", None),
        ("payload", []),
        ("payload", "text"),
        ("payload", 1),
        ("payload", True),
        ("trace_id", ""),
        ("trace_id", "a b"),
        ("trace_id", "t" * 129),
        ("trace_id", "\u00fc"),
        ("trace_id", "a.b"),
        ("trace_id", 5),
        ("agent_id", 5),
        ("agent_id", " "),
        ("agent_id", ""),
        ("workspace_id", []),
        ("workspace_id", ""),
    ],
)
def test_a_wrong_value_is_refused_with_its_member_named(api, member, value):
    body = {"event_name": "Order.Created", "payload": {}, member: value}
    response = api.post(EVENT, body)
    assert response.status == 400 and response.fields == {member}


def test_all_offending_members_are_named_at_once(api):
    assert api.post(EVENT, {"trace_id": "", "agent_id": 5}).fields == {"event_name", "payload", "trace_id", "agent_id"}


@pytest.mark.parametrize("member", ["trace_id", "agent_id", "workspace_id"])
def test_null_means_left_out(api, member):
    assert api.publish(**{member: None}).status == 202


@pytest.mark.parametrize("trace_id", ["t", "T-_9" * 32])
def test_a_trace_id_is_kept(api, trace_id):
    assert api.publish(trace_id=trace_id).json["trace_id"] == trace_id


def test_long_names_and_unknown_members_are_accepted(api):
    name = "A." + "b" * 126
    assert api.publish(name, whatever={"a": None}, event_id="mine").json["event_name"] == name


def test_the_service_webhook_is_ours_but_its_prefix_is_not(api):
    assert api.publish("Webhooks.Test").status == 202
    assert api.publish("webhook.Test").status == 202


def test_publishing_needs_the_scope(org, api):
    for scope in ["manage", "read", "operate"]:
        assert org.api_with(scope).publish().status == 403
    assert org.api_with("publish").publish().status == 202
    assert api.with_key(None).publish().status == 401


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{ "a" : 1.0e+2 ,\n "a" : 2 }',
        b'{"nul":"\\u0000","lone":"\\ud800","n":1e400,"big":123456789012345678901234567890}',
        '{"ü":"\U0001f600"}'.encode(),
    ],
)
def test_a_payload_may_hold_whatever_the_grammar_allows(api, payload):
    body = b'{"event_name":"Order.Created","payload":' + payload + b"}"
    assert api.post(EVENT, body=body).status == 202
