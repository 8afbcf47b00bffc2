"""Revoking: every previous secret stops signing now."""

import hashlib

import pytest
from api import SUBSCRIPTION, Organization, make_door

UNKNOWN = "0123456789abcdef01234567"


def fingerprint(secret):
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def fingerprints(api, identity):
    return [entry["fingerprint"] for entry in api.subscription(identity).json["signing_secrets"]]


@pytest.mark.parametrize("rotations", [0, 1, 2, 7])
def test_the_answer_counts_the_secrets_that_ended(api, rotations):
    made = api.subscribe()
    newest = ([made["secret"]] + [api.rotate(made["id"]).json["secret"] for _ in range(rotations)])[-1]
    response = api.revoke(made["id"])
    assert response.status == 200 and response.json == {"revoked": rotations}
    assert fingerprints(api, made["id"]) == [fingerprint(newest)]
    assert api.revoke(made["id"]).json == {"revoked": 0}
    assert fingerprints(api, made["id"]) == [fingerprint(newest)]


def test_the_etag_follows_and_updated_at_does_not(api):
    made = api.subscribe()
    rotated = api.rotate(made["id"])
    response = api.revoke(made["id"])
    read = api.subscription(made["id"])
    assert response.header("ETag") == read.header("ETag") != rotated.header("ETag")
    assert read.json["updated_at"] == made["updated_at"]
    assert "previous_secret_expires_at" not in read.json and "expires_at" not in read.json["signing_secrets"][0]


def test_no_secret_stands_in_the_answer(api):
    made = api.subscribe()
    rotated = api.rotate(made["id"]).json
    response = api.revoke(made["id"])
    assert b"whsec_" not in response.body and rotated["secret"].encode() not in response.body


def test_there_is_room_for_rotations_again(api):
    made = api.subscribe()
    for _ in range(7):
        assert api.rotate(made["id"]).status == 200
    assert api.rotate(made["id"]).status == 409
    assert api.revoke(made["id"]).json == {"revoked": 7}
    for _ in range(7):
        assert api.rotate(made["id"]).status == 200
    assert api.rotate(made["id"]).status == 409


def test_what_ended_by_itself_is_not_counted(install):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe()
    api.rotate(made["id"])
    installation.set_clock(500_000)
    api.rotate(made["id"])
    installation.set_clock(700_000)  # the first window is over, the second is not
    assert api.revoke(made["id"]).json == {"revoked": 1}


def test_deliveries_are_signed_with_the_newest_alone_from_then_on(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe(url=receiver.url())
    rotated = api.rotate(made["id"]).json
    api.publish()
    installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([rotated["secret"], made["secret"]])
    api.publish()  # published before, sent after: what counts is the time of the attempt
    assert api.revoke(made["id"]).json == {"revoked": 1}
    installation.deliver_once()
    assert receiver.deliveries[1].is_signed_by_exactly([rotated["secret"]])


def test_an_unsigned_subscription_has_nothing_to_revoke(api):
    made = api.subscribe(enable_signed_webhooks=False)
    response = api.revoke(made["id"])
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    assert api.subscription(made["id"]).json == made


@pytest.mark.parametrize("identity", [UNKNOWN, "none", UNKNOWN.upper()])
def test_what_does_not_exist_is_404(api, identity):
    assert api.revoke(identity).status == 404


@pytest.mark.parametrize(
    "body, content_type", [(b"{ broken", "application/json"), (b"\xff\x00", "text/plain"), (None, None)]
)
def test_a_body_and_its_media_type_are_ignored(api, body, content_type):
    assert api.revoke(api.subscribe()["id"], body=body, content_type=content_type).json == {"revoked": 0}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_nothing_but_post_revokes(api, method):
    made = api.subscribe()
    api.rotate(made["id"])
    response = api.call(method, f"{SUBSCRIPTION}/{made['id']}/revoke/secret", body=b"{}" if method != "GET" else None)
    assert response.status == 405 and response.header("Allow") == "POST"
    assert len(fingerprints(api, made["id"])) == 2
