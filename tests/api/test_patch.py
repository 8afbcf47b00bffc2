"""PATCH: an RFC 7396 merge patch; the result obeys PUT's rules."""

import hashlib

import pytest
from api import SECRET, Organization, make_door

URL = "https://hooks.example.com/in"
UNKNOWN = "0123456789abcdef01234567"
FULL = {
    "events": ["Order.Created", "Invoice.*"],
    "active": False,
    "headers": {"X-One": "1", "X-Two": "2"},
    "description": "all of it",
    "workspace_ids": ["w1", "w2"],
    "request_timeout_ms": 2500,
    "retry_policy": {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 3, "maxRetryDelayMs": 2000},
}
MERGE = "application/merge-patch+json"


def public(subscription):
    return {name: value for name, value in subscription.items() if name not in ("secret", "updated_at")}


@pytest.mark.parametrize("content_type", ["application/json", MERGE, "Application/Merge-Patch+JSON; charset=utf-8"])
def test_one_member_changes_and_all_others_stay(api, content_type):
    made = api.subscribe(**FULL)
    response = api.patch(made["id"], {"description": "new"}, content_type=content_type)
    assert response.status == 200, response
    assert public(response.json) == {**public(made), "description": "new"}
    read = api.subscription(made["id"])
    assert read.json == response.json and read.header("ETag") == response.header("ETag")


@pytest.mark.parametrize(
    "patch",
    [
        {"name": "renamed"},
        {"url": "http://other.example.com/x?y"},
        {"active": True},
        {"events": []},
        {"events": ["*"]},
        {"workspace_ids": ["w3"]},
        {"request_timeout_ms": 100},
        {"description": ""},
        {"name": "several", "active": True, "events": ["A.b"]},
    ],
)
def test_each_member_can_be_patched(api, patch):
    made = api.subscribe(**FULL)
    after = api.patch(made["id"], patch).json
    expected = {**public(made), **patch}
    if patch.get("description") == "":
        assert after.get("description", "") == ""
        after.pop("description", None), expected.pop("description")
    assert public(after) == expected


def test_null_takes_a_member_away(api):
    made = api.subscribe(**FULL)
    gone = {
        "description": None,
        "headers": None,
        "workspace_ids": None,
        "request_timeout_ms": None,
        "retry_policy": None,
    }
    after = api.patch(made["id"], {**gone, "events": None, "active": None}).json
    assert not set(gone) & set(after)
    assert (after["events"], after["active"], after["scope"]) == ([], True, "ORGANIZATION")


@pytest.mark.parametrize("member", ["name", "url", "enable_signed_webhooks"])
def test_what_is_required_cannot_be_taken_away(api, member):
    made = api.subscribe()
    response = api.patch(made["id"], {member: None})
    assert response.status == 400 and response.fields == {member}
    assert api.subscription(made["id"]).json["updated_at"] == made["updated_at"]


def test_objects_are_merged_member_by_member(api):
    made = api.subscribe(**FULL)
    after = api.patch(made["id"], {"headers": {"X-Two": None, "X-Three": "3"}}).json
    assert after["headers"] == {"X-One": "1", "X-Three": "3"}
    after = api.patch(made["id"], {"headers": {"X-One": "new"}}).json
    assert after["headers"] == {"X-One": "new", "X-Three": "3"}
    after = api.patch(made["id"], {"retry_policy": {"maxRetryAttempts": 0}}).json
    assert after["retry_policy"] == {**FULL["retry_policy"], "maxRetryAttempts": 0}
    after = api.patch(made["id"], {"retry_policy": {"retryStrategy": None}}).json
    assert after["retry_policy"]["retryStrategy"] == "EXPONENTIAL_BACKOFF"


def test_objects_are_merged_into_nothing_as_well(api):
    made = api.subscribe()
    after = api.patch(made["id"], {"headers": {"X-A": "1", "X-B": None}, "retry_policy": {"maxRetryAttempts": 2}}).json
    assert after["headers"] == {"X-A": "1"}
    assert after["retry_policy"] == {
        "retryStrategy": "EXPONENTIAL_BACKOFF", "maxRetryAttempts": 2, "maxRetryDelayMs": 36000000,
    }  # fmt: skip


def test_the_last_header_taken_away_leaves_none(api):
    made = api.subscribe(headers={"X-A": "1"})
    after = api.patch(made["id"], {"headers": {"X-A": None}}).json
    assert not after.get("headers")


def test_header_values_survive_patches_of_other_members(org, api):
    made = api.subscribe(headers={"Authorization": "Bearer theirs"})
    assert api.patch(made["id"], {"description": "d"}).json["headers"] == {"Authorization": "Bearer theirs"}


def test_a_header_whose_name_differs_in_case_alone_is_twice_there(api):
    made = api.subscribe(headers={"X-A": "1"})
    response = api.patch(made["id"], {"headers": {"x-a": "2"}})
    assert response.status == 400 and {field.partition(".")[0] for field in response.fields} == {"headers"}
    assert api.patch(made["id"], {"headers": {"X-A": None, "x-a": "2"}}).json["headers"] == {"x-a": "2"}


def test_arrays_are_replaced_as_a_whole_and_hold_no_null(api):
    made = api.subscribe(**FULL)
    assert api.patch(made["id"], {"events": ["A.b"]}).json["events"] == ["A.b"]
    response = api.patch(made["id"], {"events": ["A.c", None]})
    assert response.status == 400 and {field.partition(".")[0].partition("[")[0] for field in response.fields} == {
        "events"
    }


def test_the_result_obeys_the_rules_not_the_patch_alone(api):
    made = api.subscribe(workspace_ids=["w1"])
    response = api.patch(made["id"], {"agent_ids": ["a1"]})
    assert response.status == 400 and response.fields and response.fields <= {"agent_ids", "workspace_ids"}
    after = api.patch(made["id"], {"agent_ids": ["a1"], "workspace_ids": None}).json
    assert after["agent_ids"] == ["a1"] and "workspace_ids" not in after and after["scope"] == "AGENT"
    full = api.subscribe(headers={f"X-{n}": "v" for n in range(50)})
    assert api.patch(full["id"], {"headers": {"X-50": "v"}}).status == 400
    assert api.patch(full["id"], {"headers": {"X-0": None, "X-50": "v"}}).status == 200


@pytest.mark.parametrize(
    "patch, fields",
    [
        ({"name": " "}, {"name"}),
        ({"name": 5, "url": "x", "events": "A.b"}, {"name", "url", "events"}),
        ({"retry_policy": {"maxRetryAttempts": 21}}, {"retry_policy.maxRetryAttempts"}),
        ({"retry_policy": 5}, {"retry_policy"}),
        ({"headers": "x"}, {"headers"}),
        ({"enable_signed_webhooks": "no"}, {"enable_signed_webhooks"}),
        ({"url": "http://10.0.0.1/"}, {"url"}),
        ({"request_timeout_ms": 60001, "active": "yes"}, {"request_timeout_ms", "active"}),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_changes_nothing(api, patch, fields):
    made = api.subscribe(**FULL)
    before = api.subscription(made["id"])
    response = api.patch(made["id"], patch)
    assert response.status == 400 and response.fields == fields
    after = api.subscription(made["id"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")


# ---- what changes nothing ----


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"active": False},
        {"enable_signed_webhooks": True},
        {"agent_ids": None},
        {"no_such_member": 5, "id": "x", "secret": "y", "created_at": None},
        {"headers": {}},
        {"headers": {"X-One": "1", "X-None": None}},
        {"retry_policy": {"maxRetryAttempts": 3}},
        {**FULL},
    ],
)
def test_a_patch_that_changes_nothing_changes_neither_etag_nor_updated_at(install, patch):
    installation = install(clock=True)
    api = Organization(installation, make_door(installation, "fcgi", processes=1)).api
    made = api.subscribe(**FULL)
    api.rotate(made["id"])
    before = api.subscription(made["id"])
    installation.set_clock(60_000)
    response = api.patch(made["id"], patch)
    assert response.status == 200 and response.json == before.json
    assert response.header("ETag") == before.header("ETag")
    after = api.subscription(made["id"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")


def test_a_patch_that_changes_something_changes_both(install):
    installation = install(clock=True)
    api = Organization(installation, make_door(installation, "fcgi", processes=1)).api
    made = api.subscribe(**FULL)
    before = api.subscription(made["id"])
    installation.set_clock(60_000)
    response = api.patch(made["id"], {"description": "other"})
    assert response.json["updated_at"] > before.json["updated_at"]
    assert response.header("ETag") != before.header("ETag")


# ---- signing ----


def test_signing_is_switched_as_by_put(api):
    made = api.subscribe()
    off = api.patch(made["id"], {"enable_signed_webhooks": False}).json
    assert off["signing_enabled"] is False and not {"secret", "signing_secrets"} & set(off)
    on = api.patch(made["id"], {"enable_signed_webhooks": True}).json
    assert SECRET.fullmatch(on["secret"]) and on["secret"] != made["secret"]
    fingerprint = hashlib.sha256(on["secret"].encode()).hexdigest()[:12]
    assert [entry["fingerprint"] for entry in on["signing_secrets"]] == [fingerprint]
    assert "secret" not in api.patch(made["id"], {"enable_signed_webhooks": True, "description": "d"}).json


def test_a_patch_without_it_leaves_signing_as_it_is(api):
    signed, unsigned = api.subscribe(), api.subscribe(enable_signed_webhooks=False)
    after = api.patch(signed["id"], {"description": "d"}).json
    assert after["signing_secrets"] == signed["signing_secrets"] and "secret" not in after
    assert api.patch(unsigned["id"], {"description": "d"}).json["signing_enabled"] is False


# ---- the rest ----


def test_a_name_that_another_has_is_a_conflict(api):
    api.subscribe(name="taken")
    made = api.subscribe(name="mine")
    response = api.patch(made["id"], {"name": "taken"})
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    assert api.subscription(made["id"]).json["name"] == "mine"
    assert api.patch(made["id"], {"name": "other"}).status == 200
    assert api.create(name="mine", url=URL, enable_signed_webhooks=True).status == 201


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b"5", b'"text"', b'{"name":"a","name":"b"}', b"{}{}"])
def test_what_is_no_json_object_is_400(api, sent):
    made = api.subscribe()
    assert api.patch(made["id"], body=sent, content_type=MERGE).status == 400
    assert api.subscription(made["id"]).json["name"] == made["name"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/json-patch+json", "application/merge-patch"])
def test_another_media_type_is_415(api, content_type):
    assert api.patch(api.subscribe()["id"], body=b"{}", content_type=content_type).status == 415


@pytest.mark.parametrize("identity", [UNKNOWN, "x", UNKNOWN.upper()])
def test_what_does_not_exist_is_404(api, identity):
    assert api.patch(identity, {"description": "d"}).status == 404


def test_active_again_clears_the_reason_why_the_service_switched_it_off(install, receiver):
    from receiver import Answer

    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe(url=receiver.url("/gone"))
    receiver.script("/gone", Answer(410))
    api.publish()
    installation.deliver_once()
    kept = api.patch(made["id"], {"description": "d"}).json
    assert kept["disabled_reason"] == "GONE" and kept["active"] is False
    cleared = api.patch(made["id"], {"active": True}).json
    assert "disabled_reason" not in cleared and cleared["active"] is True
