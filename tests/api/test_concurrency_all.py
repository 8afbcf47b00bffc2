"""Twenty clients on three processes: names, preconditions, idempotency, caps and the end of subscriptions."""

import time
import uuid

import pytest
from api import Organization, make_door
from crowd import CLIENTS, at_once, statuses
from harness import Installation

URL = "https://a.example/"


@pytest.fixture(scope="module", params=["fcgi", "lighttpd"])
def crowd(request):
    installation = Installation()
    try:
        yield (
            installation,
            make_door(installation, request.param, **({"processes": 3} if request.param == "fcgi" else {})),
        )
    finally:
        installation.close()


@pytest.fixture
def api(crowd):
    return Organization(*crowd).api


def body(name, **members):
    return {"name": name, "url": URL, "enable_signed_webhooks": True, **members}


# ---- names ----


@pytest.mark.parametrize("how", ["put", "patch", "mixed"])
def test_one_of_twenty_gets_the_name(api, how):
    made = [api.subscribe() for _ in range(CLIENTS)]

    def rename(number):
        identity = made[number]["id"]
        if how == "mixed" and number % 3 == 0:
            return api.create(**body("wanted"))
        if how == "put" or number % 2:
            return api.put(identity, body("wanted"))
        return api.patch(identity, {"name": "wanted"})

    answers = at_once(rename)
    assert len([answer for answer in answers if answer.status in (200, 201)]) == 1
    assert len([answer for answer in answers if answer.status == 409]) == CLIENTS - 1
    assert [entry["name"] for entry in api.pages()].count("wanted") == 1


def test_names_that_go_round_in_a_circle_stay_unique(api):
    made = [api.subscribe(name=f"n{number}")["id"] for number in range(6)]

    def rename(number):
        return [api.patch(made[number % 6], {"name": f"n{(number + step) % 8}"}).status for step in range(6)]

    assert set(sum(at_once(rename), [])) <= {200, 409}
    names = [entry["name"] for entry in api.pages()]
    assert len(names) == len(set(names)) == 6
    for number in range(8):  # a name is free exactly when nobody shows it
        assert api.create(**body(f"n{number}")).status == (409 if f"n{number}" in names else 201)


def test_a_deleted_name_is_taken_once(api):
    made = api.subscribe(name="again")
    answers = at_once(lambda n: api.delete(made["id"]) if n == 0 else api.create(**body("again")))
    assert answers[0].status == 204
    created = [answer for answer in answers[1:] if answer.status == 201]
    assert len(created) <= 1 and all(answer.status in (201, 409) for answer in answers[1:])
    assert [entry["name"] for entry in api.pages()] == ["again"] * len(created)


# ---- preconditions ----


def test_no_update_is_lost_between_those_who_ask_for_the_etag(api):
    made = api.subscribe(description="0")

    def add(number):
        for _ in range(3):
            while True:
                read = api.subscription(made["id"])
                new = str(int(read.json["description"]) + 1)
                headers = {"If-Match": read.header("ETag")}
                if number % 2:
                    answer = api.patch(made["id"], {"description": new}, headers=headers)
                else:
                    answer = api.put(made["id"], body(made["name"], description=new), headers=headers)
                assert answer.status in (200, 412), answer
                if answer.status == 200:
                    break

    at_once(add, 8)
    assert api.subscription(made["id"]).json["description"] == "24"


def test_one_etag_lets_one_change_through(api):
    made = api.subscribe()
    headers = {"If-Match": api.subscription(made["id"]).header("ETag")}

    def change(number):
        if number == 0:
            return api.delete(made["id"], headers=headers)
        if number % 2:
            return api.patch(made["id"], {"description": str(number)}, headers=headers)
        return api.put(made["id"], body(made["name"], description=str(number)), headers=headers)

    answers = at_once(change)
    done = [answer for answer in answers if answer.status in (200, 204)]
    assert len(done) == 1
    others = {answer.status for answer in answers} - {done[0].status}
    assert others <= {412, 404} and (others == {412} or done[0].status == 204)


def test_patches_of_different_members_are_all_kept(api):
    made = api.subscribe(headers={"X-0": "old"})
    answers = at_once(lambda n: api.patch(made["id"], {"headers": {f"X-{n}": str(n)}}))
    assert statuses(answers) == [200] * CLIENTS
    assert api.subscription(made["id"]).json["headers"] == {f"X-{n}": str(n) for n in range(CLIENTS)}
    assert len({answer.header("ETag") for answer in answers}) == CLIENTS


# ---- idempotency ----


@pytest.mark.parametrize("operation", ["put", "patch", "sign", "revoke", "batch"])
def test_one_key_does_it_once_for_all_twenty(api, operation):
    made = api.subscribe(enable_signed_webhooks=operation != "sign")
    if operation == "revoke":
        api.rotate(made["id"])
    headers, sent = {"Idempotency-Key": str(uuid.uuid4())}, body(str(uuid.uuid4()))
    calls = {
        "put": lambda _: api.put(made["id"], sent, headers=headers),
        "patch": lambda _: api.patch(made["id"], {"description": "d"}, headers=headers),
        "sign": lambda _: api.put(made["id"], sent, headers=headers),
        "revoke": lambda _: api.revoke(made["id"], headers=headers),
        "batch": lambda _: api.publish_batch([{"event_name": "A.b", "payload": {}}] * 5, headers=headers),
    }
    answers = at_once(calls[operation])
    assert statuses(answers) == [202 if operation == "batch" else 200] * CLIENTS
    assert len({answer.body for answer in answers}) == len({answer.header("ETag") for answer in answers}) == 1
    assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
    if operation == "revoke":
        assert answers[0].json == {"revoked": 1}
    if operation == "sign":
        assert answers[0].json["secret"] and len(api.subscription(made["id"]).json["signing_secrets"]) == 1


def test_one_key_with_two_bodies_does_one_of_them(api):
    made, headers = api.subscribe(), {"Idempotency-Key": str(uuid.uuid4())}
    answers = at_once(lambda n: api.patch(made["id"], {"description": f"d{n % 2}"}, headers=headers))
    kept = api.subscription(made["id"]).json["description"]
    for number, answer in enumerate(answers):
        assert answer.status == (200 if f"d{number % 2}" == kept else 409)


# ---- secrets ----


def test_rotations_and_revocations_never_make_more_than_eight(api):
    made = api.subscribe()

    def work(number):
        if number % 5 == 0:
            return [api.revoke(made["id"]) for _ in range(3)]
        return [api.rotate(made["id"]) for _ in range(3)]

    answers = sum(at_once(work), [])
    assert {answer.status for answer in answers} <= {200, 409}
    rotated = [answer for answer in answers if answer.status == 200 and "secret" in answer.json]
    revoked = sum(answer.json["revoked"] for answer in answers if answer.status == 200 and "revoked" in answer.json)
    shown = api.subscription(made["id"]).json["signing_secrets"]
    assert len(shown) == 1 + len(rotated) - revoked <= 8
    assert len({answer.json["secret"] for answer in rotated}) == len(rotated)


def test_twenty_who_turn_signing_on_get_one_secret(api):
    made = api.subscribe(enable_signed_webhooks=False)
    answers = at_once(lambda _: api.patch(made["id"], {"enable_signed_webhooks": True}))
    assert statuses(answers) == [200] * CLIENTS
    assert sum("secret" in answer.json for answer in answers) == 1
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 1


def test_signing_turned_on_and_off_by_many_always_ends_whole(api):
    made = api.subscribe()
    at_once(lambda n: [api.patch(made["id"], {"enable_signed_webhooks": bool((n + step) % 2)}) for step in range(3)])
    after = api.subscription(made["id"]).json
    assert ("signing_secrets" in after) == after["signing_enabled"]
    assert api.rotate(made["id"]).status == (200 if after["signing_enabled"] else 409)


# ---- the end ----


def test_one_of_twenty_deletes_it(api):
    made = api.subscribe()
    assert statuses(at_once(lambda _: api.delete(made["id"]))) == [204] + [404] * (CLIENTS - 1)


def test_nothing_brings_a_deleted_one_back(api):
    made = api.subscribe()

    def work(number):
        calls = [
            lambda: api.delete(made["id"]),
            lambda: api.put(made["id"], body(f"p{number}")),
            lambda: api.patch(made["id"], {"description": str(number)}),
            lambda: api.rotate(made["id"]),
            lambda: api.revoke(made["id"]),
        ]
        return calls[number % 5]().status

    found = at_once(work)
    assert found.count(204) == 1 and set(found) <= {200, 204, 404, 409}
    assert api.subscription(made["id"]).status == 404 and list(api.pages()) == []
    assert api.publish().json["delivery_count"] == 0


def test_the_cap_on_subscriptions_is_exact(install):
    installation = install(max_subscriptions=10)
    api = Organization(installation, make_door(installation, "fcgi", processes=3)).api
    assert statuses(at_once(lambda n: api.create(**body(f"n{n}")))) == [201] * 10 + [409] * 10
    ids = [entry["id"] for entry in api.pages()]
    assert len(ids) == 10
    answers = at_once(lambda n: api.delete(ids[n // 2]) if n < 8 else api.create(**body(f"m{n}")))
    assert statuses(answers[:8]) == [204] * 4 + [404] * 4
    left = 4 - sum(answer.status == 201 for answer in answers[8:])
    assert left >= 0
    assert [api.create(**body(f"late{n}")).status for n in range(left + 1)] == [201] * left + [409]
    assert len(list(api.pages())) == 10


def test_batches_of_many_publishers_are_whole(api):
    made = [api.subscribe()["id"] for _ in range(3)]
    answers = at_once(lambda n: api.publish_batch([{"event_name": f"A.e{n}", "payload": {}}] * 50))
    assert statuses(answers) == [202] * CLIENTS
    ids = [entry["event_id"] for answer in answers for entry in answer.json["data"]]
    assert len(set(ids)) == 50 * CLIENTS
    event = api.event(ids[-1]).json
    assert sorted(event["delivery_ids"]) == sorted(identity + ids[-1] for identity in made)


def test_processes_that_just_started_take_a_rush_at_once(install):
    """In a new store, all of them first use every table while the others write to it."""
    for _ in range(4):
        installation = install()
        api = Organization(installation, make_door(installation, "fcgi", processes=3)).api
        for _ in range(3):
            api.subscribe()
        started = time.monotonic()
        answers = at_once(lambda n, api=api: api.publish_batch([{"event_name": f"A.e{n}", "payload": {}}] * 50))
        assert statuses(answers) == [202] * CLIENTS
        assert time.monotonic() - started < 4
