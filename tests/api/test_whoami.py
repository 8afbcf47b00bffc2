"""Whose key is this?"""

import re

import pytest
from api import TIME, WHOAMI
from harness import eventually


def listed(org):
    return {entry["id"]: entry for entry in org.installation.list_keys()}


@pytest.mark.parametrize(
    "scope", ["manage", "read", "publish", "operate", "manage,read,publish,operate", "read,publish"]
)
def test_any_key_may_ask_and_gets_what_the_command_lists(org, scope):
    response = org.api_with(scope, name="the name").get(WHOAMI)
    assert response.status == 200
    answer = response.json
    assert set(answer) == {"id", "name", "organization_id", "created_user_id", "scopes"}
    assert (answer["name"], answer["organization_id"], answer["created_user_id"]) == ("the name", org.id, "tester")
    assert sorted(answer["scopes"]) == sorted(scope.split(","))
    entry = listed(org)[answer["id"]]
    assert {name: entry[name] for name in answer} == answer


def test_the_end_of_a_key_that_has_one_is_told(org):
    answer = org.api_with("read", expires="1h").get(WHOAMI).json
    assert TIME.fullmatch(answer["expires_at"]) and answer["expires_at"] == listed(org)[answer["id"]]["expires_at"]


def test_a_key_without_a_name_has_an_empty_one(org):
    answer = org.api_with("read").get(WHOAMI).json
    assert answer["name"] == "" == listed(org)[answer["id"]]["name"]


def test_the_key_itself_is_not_in_the_answer(org):
    key = org.key_with("read")
    response = org.api.with_key(key).get(WHOAMI)
    assert key.encode() not in response.body and not re.search(rb"hk_", response.body)


def test_different_keys_are_told_apart(org):
    one, two = org.api_with("read").get(WHOAMI).json, org.api_with("read").get(WHOAMI).json
    assert one["id"] != two["id"] and one["organization_id"] == two["organization_id"]


def test_without_a_valid_key_it_is_401(org, api):
    assert api.with_key(None).get(WHOAMI).status == 401
    assert api.with_key("hk_" + "A" * 43).get(WHOAMI).status == 401


def test_a_revoked_key_is_nobody(org):
    api = org.api_with("read")
    identity = api.get(WHOAMI).json["id"]
    org.installation.cli("key", "revoke", identity, check=True)
    eventually(lambda: api.get(WHOAMI).status == 401, timeout=5)


def test_methods(api):
    assert api.head(WHOAMI).status == 200
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = api.call(method, WHOAMI, body=b"{}")
        assert response.status == 405 and set(response.header("Allow").split(", ")) == {"GET", "HEAD"}
    assert api.get(f"{WHOAMI}/x").status == 404
