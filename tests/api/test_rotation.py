"""Rotation of a signing secret, as a client sees it. What receivers see of it is in tests/delivery."""

import hashlib
import re
import time
from datetime import datetime

import pytest
from api import SECRET, SUBSCRIPTION, Organization, make_door

HOUR_MS = 3600 * 1000
UNKNOWN = "0123456789abcdef01234567"


def milliseconds(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def fingerprint(secret):
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def fingerprints(api, identity):
    return [secret["fingerprint"] for secret in api.subscription(identity).json.get("signing_secrets", [])]


def test_the_answer_is_the_new_secret_and_the_old_ones_end_and_nothing_else(api):
    made = api.subscribe()
    before = int(time.time() * 1000)
    response = api.rotate(made["id"])
    after = int(time.time() * 1000)
    assert response.status == 200
    assert re.fullmatch(
        rb'\{"secret":"whsec_[A-Za-z0-9+/]{40}",'
        rb'"previous_secret_expires_at":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"\}\n?',
        re.sub(rb"\s+", b"", response.body),
    )
    assert list(response.json) == ["secret", "previous_secret_expires_at"]
    assert response.json["secret"] != made["secret"] and SECRET.fullmatch(response.json["secret"])
    assert before <= milliseconds(response.json["previous_secret_expires_at"]) - 72 * HOUR_MS <= after
    assert response.header("ETag")


def test_both_secrets_are_shown_by_fingerprint_newest_first(api):
    made = api.subscribe()
    rotated = api.rotate(made["id"])
    answer = rotated.json
    read = api.subscription(made["id"])
    newest, previous = read.json["signing_secrets"]
    assert newest["fingerprint"] == fingerprint(answer["secret"]) and "expires_at" not in newest
    assert previous == {
        "fingerprint": fingerprint(made["secret"]),
        "created_at": made["signing_secrets"][0]["created_at"],
        "expires_at": answer["previous_secret_expires_at"],
    }
    assert milliseconds(newest["created_at"]) == milliseconds(previous["expires_at"]) - 72 * HOUR_MS
    assert read.json["previous_secret_expires_at"] == answer["previous_secret_expires_at"]
    assert read.header("ETag") == rotated.header("ETag")
    for secret in (made["secret"], answer["secret"]):
        assert secret.encode() not in read.body


def test_the_etag_changes_and_updated_at_does_not(api):
    made = api.subscribe()
    etags = {api.subscription(made["id"]).header("ETag")}
    for _ in range(3):
        etags.add(api.rotate(made["id"]).header("ETag"))
    assert len(etags) == 4
    assert api.subscription(made["id"]).json["updated_at"] == made["updated_at"]


def test_rotating_again_takes_no_promised_window_back(api):
    made = api.subscribe()
    first = api.rotate(made["id"]).json
    second = api.rotate(made["id"]).json
    third = api.subscription(made["id"]).json
    assert [entry["fingerprint"] for entry in third["signing_secrets"]] == [
        fingerprint(secret) for secret in (second["secret"], first["secret"], made["secret"])
    ]
    assert third["signing_secrets"][2]["expires_at"] == first["previous_secret_expires_at"]
    assert third["signing_secrets"][1]["expires_at"] == second["previous_secret_expires_at"]
    assert third["previous_secret_expires_at"] == second["previous_secret_expires_at"]


def test_the_ninth_valid_secret_is_a_conflict_and_changes_nothing(api):
    made = api.subscribe()
    for _ in range(7):
        assert api.rotate(made["id"]).status == 200
    before = api.subscription(made["id"])
    response = api.rotate(made["id"])
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    after = api.subscription(made["id"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")
    assert len(after.json["signing_secrets"]) == 8


def test_an_unsigned_subscription_has_nothing_to_rotate(api):
    made = api.subscribe(enable_signed_webhooks=False)
    response = api.rotate(made["id"])
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    assert api.subscription(made["id"]).json == made


def test_a_paused_subscription_rotates_as_well(api):
    made = api.subscribe(active=False)
    assert api.rotate(made["id"]).status == 200


@pytest.mark.parametrize("identity", [UNKNOWN, "none", UNKNOWN.upper()])
def test_what_does_not_exist_is_not_rotated(api, identity):
    assert api.rotate(identity).status == 404


def test_only_manage_keys_rotate(org, api):
    made = api.subscribe()
    for scope in ["read", "publish", "operate"]:
        response = org.api_with(scope).rotate(made["id"])
        assert response.status == 403 and response.json["type"] == "FORBIDDEN"
    assert api.with_key(None).rotate(made["id"]).status == 401
    assert fingerprints(api, made["id"]) == [fingerprint(made["secret"])]
    assert org.api_with("manage").rotate(made["id"]).status == 200


@pytest.mark.parametrize(
    "body, content_type",
    [
        (None, None),
        (b"", None),
        (b"{}", "application/json"),
        (b'{"secret":"whsec_mine"}', "application/json"),
        (b"{ broken", "application/json"),
        (b"\xff\x00", "text/plain"),
        (b"a=b", "application/x-www-form-urlencoded"),
    ],
)
def test_a_body_and_its_media_type_are_ignored(api, body, content_type):
    response = api.rotate(api.subscribe()["id"], body=body, content_type=content_type)
    assert response.status == 200 and response.json["secret"] != "whsec_mine"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_nothing_but_post_rotates(api, method):
    made = api.subscribe()
    response = api.call(method, f"{SUBSCRIPTION}/{made['id']}/rotate/secret", body=b"{}" if method != "GET" else None)
    assert response.status == 405 and response.header("Allow") == "POST"
    assert fingerprints(api, made["id"]) == [fingerprint(made["secret"])]


def test_the_window_is_the_configured_one_and_ends_by_itself(install):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe()
    before = installation.now_ms()
    answer = api.rotate(made["id"])
    end = milliseconds(answer.json["previous_secret_expires_at"])
    assert before + 600_000 <= end <= installation.now_ms() + 600_000
    installation.set_clock(590_000)
    assert len(fingerprints(api, made["id"])) == 2
    assert api.subscription(made["id"]).header("ETag") == answer.header("ETag")
    installation.set_clock(600_000 + 60_000)
    read = api.subscription(made["id"])
    assert [entry["fingerprint"] for entry in read.json["signing_secrets"]] == [fingerprint(answer.json["secret"])]
    assert "previous_secret_expires_at" not in read.json
    assert read.header("ETag") != answer.header("ETag")
    assert read.json["updated_at"] == made["updated_at"]


def test_the_cap_counts_valid_secrets_alone(install):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe()
    for _ in range(7):
        assert api.rotate(made["id"]).status == 200
    assert api.rotate(made["id"]).status == 409
    installation.set_clock(700_000)
    for _ in range(7):
        assert api.rotate(made["id"]).status == 200
    assert api.rotate(made["id"]).status == 409
