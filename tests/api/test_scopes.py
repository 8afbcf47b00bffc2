"""Each operation with each set of scopes, and with another organization's key."""

import pytest
from api import DELIVERY, EVENT, EVENTS, METRICS, SUBSCRIPTION, SUBSCRIPTIONS, WHOAMI, Organization

UNKNOWN = "0123456789abcdef01234567"
PUT = {"name": "put", "url": "https://a.example/", "enable_signed_webhooks": True}
ALL = {"manage", "read", "publish", "operate"}
READERS = {"manage", "read"}

# (method, path, body, the scopes of which one is needed, status with it)
OPERATIONS = [
    ("POST", SUBSCRIPTION, {**PUT, "name": "post"}, {"manage"}, 201),
    ("GET", SUBSCRIPTION + "/{subscription}", None, READERS, 200),
    ("HEAD", SUBSCRIPTION + "/{subscription}", None, READERS, 200),
    ("GET", SUBSCRIPTIONS + "?page_size=1", None, READERS, 200),
    ("HEAD", SUBSCRIPTIONS + "?page_size=1", None, READERS, 200),
    ("PUT", SUBSCRIPTION + "/{subscription}", PUT, {"manage"}, 200),
    ("PATCH", SUBSCRIPTION + "/{subscription}", {"description": "d"}, {"manage"}, 200),
    ("POST", SUBSCRIPTION + "/{subscription}/rotate/secret", None, {"manage"}, 200),
    ("POST", SUBSCRIPTION + "/{subscription}/revoke/secret", None, {"manage"}, 200),
    ("POST", SUBSCRIPTION + "/{subscription}/probe/secret", None, {"manage"}, 202),
    ("GET", SUBSCRIPTION + "/{subscription}/probe/secret", None, READERS, 200),
    ("HEAD", SUBSCRIPTION + "/{subscription}/probe/secret", None, READERS, 200),
    ("DELETE", SUBSCRIPTION + "/{subscription}", None, {"manage"}, 204),
    ("POST", EVENT, {"event_name": "A.b", "payload": {}}, {"publish"}, 202),
    ("POST", EVENTS, [{"event_name": "A.b", "payload": {}}], {"publish"}, 202),
    ("GET", EVENT + "/{event}", None, READERS, 200),
    ("HEAD", EVENT + "/{event}", None, READERS, 200),
    ("GET", SUBSCRIPTION + "/{subscription}/deliveries?page_size=1", None, READERS, 200),
    ("HEAD", SUBSCRIPTION + "/{subscription}/deliveries?page_size=1", None, READERS, 200),
    ("POST", SUBSCRIPTION + "/{subscription}/recover", {"since": "2026-01-01T00:00:00Z"}, {"manage"}, 202),
    ("POST", SUBSCRIPTION + "/{subscription}/test", None, {"manage"}, 202),
    ("GET", DELIVERY + "/{subscription}{event}", None, READERS, 200),
    ("HEAD", DELIVERY + "/{subscription}{event}", None, READERS, 200),
    ("POST", DELIVERY + "/{subscription}{event}/retry", None, {"manage"}, 202),
    ("POST", DELIVERY + "/{subscription}{event}/cancel", None, {"manage"}, 200),
    ("GET", WHOAMI, None, ALL, 200),
    ("GET", METRICS, None, {"operate"}, 200),
    ("HEAD", METRICS, None, {"operate"}, 200),
]
SETS = [
    "manage",
    "read",
    "publish",
    "operate",
    "read,publish",
    "manage,operate",
    "publish,operate",
    "manage,read,publish",
]


def name_of(value):
    return value if isinstance(value, str) else ""


@pytest.fixture
def objects(api):
    subscription = api.subscribe()["id"]
    assert api.post(f"{SUBSCRIPTION}/{subscription}/probe/secret").status == 202
    return {"subscription": subscription, "event": api.publish().json["event_id"]}


@pytest.mark.parametrize("method, path, body, needed, status", OPERATIONS, ids=name_of)
def test_a_key_may_do_what_its_scopes_say(org, api, objects, method, path, body, needed, status):
    target = path.format(**objects)
    before = api.subscription(objects["subscription"])
    # Those that may not come first: had they changed anything, the others would see it.
    for scopes in sorted(SETS, key=lambda scopes: bool(set(scopes.split(",")) & needed)):
        client = org.api_with(scopes)
        if not set(scopes.split(",")) & needed:
            response = client.call(method, target, body)
            assert response.status == 403, (scopes, response)
            assert method == "HEAD" or response.json["type"] == "FORBIDDEN"
            after = api.subscription(objects["subscription"])
            assert after.json == before.json and after.header("ETag") == before.header("ETag")
            continue
        if method == "POST" and path == SUBSCRIPTION:
            body = {**body, "name": scopes}
        if method == "DELETE":
            target = path.format(subscription=api.subscribe()["id"])
        if path.endswith("/cancel"):
            target = path.format(**{**objects, "event": api.publish().json["event_id"]})
        response = client.call(method, target, body)
        assert response.status == status, (scopes, response)


@pytest.mark.parametrize("method, path, body, needed, status", OPERATIONS, ids=name_of)
def test_without_a_key_it_is_401(api, objects, method, path, body, needed, status):
    before = api.subscription(objects["subscription"])
    for key in (None, "hk_" + "A" * 43):
        assert api.with_key(key).call(method, path.format(**objects), body).status == 401
    assert api.subscription(objects["subscription"]).json == before.json


@pytest.mark.parametrize("method, path, body, needed, status", OPERATIONS, ids=name_of)
def test_a_missing_scope_is_told_before_the_body_is_judged(org, objects, method, path, body, needed, status):
    if needed == ALL:
        return
    scope = "read" if needed == {"publish"} else "publish"
    response = org.api_with(scope).call(method, path.format(**objects), body=b"{ broken")
    assert response.status == 403


@pytest.mark.parametrize("body", [b"", b"{}", b"{ broken"])
@pytest.mark.parametrize("method, action", [("PUT", ""), ("PATCH", ""), ("POST", "/recover")])
def test_another_organizations_objects_do_not_exist_whatever_the_body_is(
    shared_door, api, objects, method, action, body
):
    other = Organization(*shared_door).api
    for identity in (objects["subscription"], UNKNOWN, "no-id"):
        assert other.call(method, f"{SUBSCRIPTION}/{identity}{action}", body=body).status == 404
    mine = api.call(method, f"{SUBSCRIPTION}/{objects['subscription']}{action}", body=body)
    assert mine.status == (200 if (method, body) == ("PATCH", b"{}") else 400)


@pytest.mark.parametrize(
    "method, path, body", [row[:3] for row in OPERATIONS if "{" in row[1]], ids=name_of
)  # fmt: skip
def test_another_organizations_objects_do_not_exist(shared_door, api, objects, method, path, body):
    other = Organization(*shared_door).api
    before = api.subscription(objects["subscription"])
    theirs = other.call(method, path.format(**objects), body)
    nobodys = other.call(method, path.format(subscription=UNKNOWN, event=UNKNOWN), body)
    assert theirs.status == nobodys.status == 404
    if method != "HEAD":
        assert theirs.json["message"] == nobodys.json["message"], "it must not be told apart from what never was"
    after = api.subscription(objects["subscription"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")


def test_lists_and_events_of_organizations_are_apart(shared_door, api, objects):
    other = Organization(*shared_door).api
    assert other.page().json == {"data": []}
    assert other.publish().json["delivery_count"] == 0
    assert other.publish_batch([{"event_name": "A.b", "payload": {}}]).json["data"][0]["delivery_count"] == 0
