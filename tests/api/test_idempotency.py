"""Idempotency-Key: an answer that got lost can be asked for again, and nothing is done twice."""

import threading
import uuid

import pytest
from api import EVENT, SUBSCRIPTION, Organization, make_door

HOUR_MS = 3600 * 1000


def body(**members):
    return {"name": str(uuid.uuid4()), "url": "https://a.example/", "enable_signed_webhooks": True, **members}


def with_key(key=None):
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def assert_replay_of(first, again):
    assert again.status == first.status and again.body == first.body
    for name in ("Location", "ETag", "Content-Type"):
        assert again.header(name) == first.header(name)
    assert again.header("Idempotent-Replayed") == "true" and first.header("Idempotent-Replayed") is None
    assert again.header("X-Trace-Id") != first.header("X-Trace-Id")


def test_a_repeated_rotation_yields_the_same_secret_and_rotates_once(api):
    made = api.subscribe()
    headers = with_key()
    first = api.rotate(made["id"], headers=headers)
    assert first.status == 200
    for _ in range(4):
        assert_replay_of(first, api.rotate(made["id"], headers=headers))
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 2


def test_a_repeated_creation_yields_the_same_subscription_and_secret(api):
    given, headers = body(), with_key()
    first = api.post(SUBSCRIPTION, given, headers=headers)
    assert first.status == 201 and first.json["secret"]
    assert_replay_of(first, api.post(SUBSCRIPTION, given, headers=headers))


def test_a_repeated_event_is_published_once(api):
    api.subscribe()
    given, headers = {"event_name": "A.b", "payload": {"x": 1}}, with_key()
    first = api.post(EVENT, given, headers=headers)
    assert first.status == 202 and first.json["delivery_count"] == 1
    assert_replay_of(first, api.post(EVENT, given, headers=headers))


def test_another_body_with_the_same_key_is_a_conflict(api):
    given, headers = body(), with_key()
    first = api.post(SUBSCRIPTION, given, headers=headers)
    other = api.post(SUBSCRIPTION, {**given, "name": "another"}, headers=headers)
    assert other.status == 409 and other.json["type"] == "CONFLICT"
    assert "secret" not in other.json
    assert_replay_of(first, api.post(SUBSCRIPTION, given, headers=headers))


def test_a_body_that_is_not_taken_is_not_compared(api):
    made, headers = api.subscribe(), with_key()
    first = api.rotate(made["id"], headers=headers)
    for ignored in [b"{}", b"other", None]:
        assert_replay_of(first, api.rotate(made["id"], headers=headers, body=ignored))


def test_keys_belong_to_the_path(api):
    one, two, headers = api.subscribe(), api.subscribe(), with_key()
    first, second = api.rotate(one["id"], headers=headers), api.rotate(two["id"], headers=headers)
    assert first.status == second.status == 200 and first.json["secret"] != second.json["secret"]
    assert second.header("Idempotent-Replayed") is None


def test_keys_belong_to_the_organization(shared_door, api):
    given, headers = body(), with_key()
    first = api.post(SUBSCRIPTION, given, headers=headers)
    other = Organization(*shared_door).api.post(SUBSCRIPTION, given, headers=headers)
    assert other.status == 201 and other.json["id"] != first.json["id"]
    assert other.header("Idempotent-Replayed") is None


def test_another_key_of_the_organization_gets_the_replay_too(org, api):
    made, headers = api.subscribe(), with_key()
    first = api.rotate(made["id"], headers=headers)
    assert_replay_of(first, org.api_with("manage").rotate(made["id"], headers=headers))


def test_a_replay_needs_the_scope_as_well(org, api):
    made, headers = api.subscribe(), with_key()
    api.rotate(made["id"], headers=headers)
    assert org.api_with("read").rotate(made["id"], headers=headers).status == 403
    assert api.with_key(None).rotate(made["id"], headers=headers).status == 401


def test_different_keys_rotate_each(api):
    made = api.subscribe()
    secrets = {api.rotate(made["id"], headers=with_key()).json["secret"] for _ in range(3)}
    assert len(secrets) == 3
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 4


def test_an_error_is_not_kept_but_worked_out_anew(api):
    taken = api.subscribe()
    given, headers = body(name=taken["name"]), with_key()
    assert api.post(SUBSCRIPTION, given, headers=headers).status == 409
    invalid = api.post(SUBSCRIPTION, {"name": "incomplete"}, headers=headers)
    assert invalid.status == 400
    free = {**given, "name": str(uuid.uuid4())}
    made = api.post(SUBSCRIPTION, free, headers=headers)
    assert made.status == 201 and made.header("Idempotent-Replayed") is None


def test_a_refused_rotation_is_not_kept(api):
    made, headers = api.subscribe(enable_signed_webhooks=False), with_key()
    for _ in range(2):
        response = api.rotate(made["id"], headers=headers)
        assert response.status == 409 and response.header("Idempotent-Replayed") is None


@pytest.mark.parametrize("key", ["x", "k" * 255, "with \"quotes\" ,;: and spaces", "~!@#$%^&*()"])
def test_1_to_255_printable_characters_are_a_key(api, key):
    made = api.subscribe()
    first = api.rotate(made["id"], headers={"Idempotency-Key": key})
    assert first.status == 200
    assert_replay_of(first, api.rotate(made["id"], headers={"Idempotency-Key": key}))


@pytest.mark.parametrize("key", ["k" * 256, "tab\there", "\u00fcmlaut"])
def test_any_other_key_is_refused_and_nothing_is_done(api, key):
    made = api.subscribe()
    response = api.rotate(made["id"], headers={"Idempotency-Key": key.encode().decode("latin-1")})
    assert response.status == 400
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 1


def test_an_empty_key_is_refused(fcgi_org):
    made = fcgi_org.api.subscribe()
    assert fcgi_org.api.rotate(made["id"], headers={"Idempotency-Key": ""}).status == 400


def test_a_key_on_get_means_nothing(api):
    made, headers = api.subscribe(), with_key()
    for _ in range(2):
        response = api.get(f"{SUBSCRIPTION}/{made['id']}", headers=headers)
        assert response.status == 200 and response.header("Idempotent-Replayed") is None
    assert api.rotate(made["id"], headers=headers).status == 200


def test_one_that_comes_while_the_first_is_in_flight_waits_for_it(api):
    made, headers = api.subscribe(), with_key()
    answers, barrier = [], threading.Barrier(8)

    def rotate():
        barrier.wait()
        answers.append(api.rotate(made["id"], headers=headers))

    threads = [threading.Thread(target=rotate) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1
    assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 2


def test_after_24_hours_the_key_is_free_again(install):
    installation = install(clock=True)
    api = Organization(installation, make_door(installation, "fcgi")).api
    given, headers = {"event_name": "A.b", "payload": {"x": 1}}, with_key()
    first = api.post(EVENT, given, headers=headers)
    installation.set_clock(24 * HOUR_MS - 60_000)
    assert_replay_of(first, api.post(EVENT, given, headers=headers))
    installation.set_clock(24 * HOUR_MS + 60_000)
    again = api.post(EVENT, {"event_name": "A.c", "payload": {}}, headers=headers)
    assert again.status == 202 and again.header("Idempotent-Replayed") is None


def test_the_end_of_a_secrets_window_destroys_the_replays_that_hold_it(install):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi")).api
    creation, first, second = with_key(), with_key(), with_key()
    given = body()
    made = api.post(SUBSCRIPTION, given, headers=creation).json
    rotated = api.rotate(made["id"], headers=first)
    installation.set_clock(590_000)
    newest = api.rotate(made["id"], headers=second)
    installation.set_clock(660_000)  # the window of the first secret is over, that of the second is not
    gone = api.post(SUBSCRIPTION, given, headers=creation)
    assert gone.status == 409 and made["secret"] not in gone.body.decode()
    assert_replay_of(rotated, api.rotate(made["id"], headers=first))
    installation.set_clock(1_300_000)
    assert api.rotate(made["id"], headers=first).status == 409
    assert_replay_of(newest, api.rotate(made["id"], headers=second))
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 1


def test_replays_outlive_the_processes(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi"))
    made, headers = org.api.subscribe(), with_key()
    first = org.api.rotate(made["id"], headers=headers)
    for pid in org.door.pids():
        org.door.pool.kill(pid, 15)
    assert_replay_of(first, org.api.rotate(made["id"], headers=headers))
