"""DELETE: the subscription is gone for everyone, at once."""

import pytest
from api import SUBSCRIPTION, Organization, make_door

UNKNOWN = "0123456789abcdef01234567"
BODY = {"name": "again", "url": "https://hooks.example.com/", "enable_signed_webhooks": True}


def test_it_is_204_and_empty(api):
    response = api.delete(api.subscribe()["id"])
    assert response.status == 204 and response.body == b"" and response.header("ETag") is None


def test_afterwards_it_does_not_exist_for_any_operation(api):
    made = api.subscribe()
    assert api.delete(made["id"]).status == 204
    assert api.subscription(made["id"]).status == 404
    assert api.head(f"{SUBSCRIPTION}/{made['id']}").status == 404
    assert api.put(made["id"], BODY).status == 404
    assert api.patch(made["id"], {"description": "d"}).status == 404
    assert api.rotate(made["id"]).status == 404
    assert api.revoke(made["id"]).status == 404
    assert api.delete(made["id"]).status == 404
    assert made["id"] not in [entry["id"] for entry in api.pages()]


def test_its_name_is_free(api):
    first = api.subscribe(name="again")
    for _ in range(3):
        api.delete(first["id"])
        second = api.subscribe(name="again")
        assert second["id"] > first["id"] and second["secret"] != first["secret"]
        first = second


def test_a_name_can_be_taken_over_by_another(api):
    made, other = api.subscribe(name="again"), api.subscribe()
    assert api.patch(other["id"], {"name": "again"}).status == 409
    api.delete(made["id"])
    assert api.patch(other["id"], {"name": "again"}).status == 200


def test_nothing_is_published_to_it(api):
    made = api.subscribe()
    kept = api.subscribe()
    assert api.publish().json["delivery_count"] == 2
    api.delete(made["id"])
    accepted = api.publish().json
    assert accepted["delivery_count"] == 1
    assert api.event(accepted["event_id"]).json["delivery_ids"] == [kept["id"] + accepted["event_id"]]


def test_earlier_events_still_name_their_deliveries(api):
    made = api.subscribe()
    accepted = api.publish().json
    api.delete(made["id"])
    event = api.event(accepted["event_id"]).json
    assert event["delivery_count"] == 1 and event["delivery_ids"] == [made["id"] + accepted["event_id"]]


def test_what_waits_for_it_is_not_sent(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    gone, kept = api.subscribe(url=receiver.url("/gone")), api.subscribe(url=receiver.url("/kept"))
    for _ in range(3):
        api.publish()
    assert api.delete(gone["id"]).status == 204
    installation.deliver_once()
    assert len(receiver.at("/kept")) == 3 and receiver.at("/gone") == []
    assert api.subscription(kept["id"]).status == 200


@pytest.mark.parametrize(
    "body, content_type", [(b"{ broken", "application/json"), (b"\xff", "text/plain"), (b"", None)]
)
def test_a_body_and_its_media_type_are_ignored(api, body, content_type):
    assert api.delete(api.subscribe()["id"], body=body, content_type=content_type).status == 204


@pytest.mark.parametrize("identity", [UNKNOWN, "x", UNKNOWN.upper(), "%20"])
def test_what_does_not_exist_is_404(api, identity):
    assert api.delete(identity).status == 404


def test_a_deleted_one_counts_no_more(install):
    installation = install(max_subscriptions=3)
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = [api.subscribe() for _ in range(3)]
    refused = api.create(**BODY)
    assert refused.status == 409 and refused.json["type"] == "CONFLICT"
    assert api.put(made[0]["id"], BODY).status == 200  # it is no more than before
    api.delete(made[1]["id"])
    api.delete(made[1]["id"])  # counts once
    assert api.create(**{**BODY, "name": "third"}).status == 201
    assert api.create(**{**BODY, "name": "fourth"}).status == 409


def test_other_subscriptions_keep_their_secrets(api):
    one, two = api.subscribe(), api.subscribe()
    api.delete(one["id"])
    assert api.subscription(two["id"]).json["signing_secrets"] == two["signing_secrets"]
    assert api.rotate(two["id"]).status == 200
