"""Many clients at once, on several processes: what must be unique is, and what was promised to one holds for all."""

import uuid

import pytest
from api import SUBSCRIPTION, Organization, make_door
from crowd import CLIENTS, at_once, statuses
from fcgi_client import ServerGone
from harness import Installation, eventually


@pytest.fixture(scope="module", params=["fcgi", "lighttpd", "nginx", "apache-fcgid", "apache-cgid"])
def crowd(request):
    installation = Installation()
    try:
        door = make_door(installation, request.param, **({"processes": 3} if request.param == "fcgi" else {}))
        yield installation, door
    finally:
        installation.close()


@pytest.fixture
def api(crowd):
    return Organization(*crowd).api


def test_one_of_twenty_gets_the_name(api):
    body = {"name": "wanted", "url": "https://a.example/", "enable_signed_webhooks": True}
    answers = at_once(lambda _: api.create(**body))
    assert statuses(answers) == [201] + [409] * (CLIENTS - 1)
    made = next(answer.json for answer in answers if answer.status == 201)
    assert api.subscription(made["id"]).json["name"] == "wanted"


def test_twenty_creations_are_twenty_subscriptions(api):
    made = at_once(lambda _: api.subscribe())
    assert len({one["id"] for one in made}) == CLIENTS and len({one["secret"] for one in made}) == CLIENTS
    assert all(api.subscription(one["id"]).status == 200 for one in made)


def test_one_idempotency_key_makes_one_secret_for_all_twenty(api):
    made = api.subscribe()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answers = at_once(lambda _: api.rotate(made["id"], headers=headers))
    assert statuses(answers) == [200] * CLIENTS
    assert len({answer.body for answer in answers}) == 1
    assert sum(answer.header("Idempotent-Replayed") is None for answer in answers) == 1
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 2


def test_one_idempotency_key_makes_one_subscription(api):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"name": "once", "url": "https://a.example/", "enable_signed_webhooks": True}
    answers = at_once(lambda _: api.post(SUBSCRIPTION, body, headers=headers))
    assert statuses(answers) == [201] * CLIENTS and len({answer.body for answer in answers}) == 1


def test_seven_of_twenty_rotations_fit_and_each_answer_is_true(api):
    made = api.subscribe()
    answers = at_once(lambda _: api.rotate(made["id"]))
    assert statuses(answers) == [200] * 7 + [409] * (CLIENTS - 7)
    rotated = [answer.json for answer in answers if answer.status == 200]
    assert len({one["secret"] for one in rotated}) == 7
    shown = api.subscription(made["id"]).json["signing_secrets"]
    assert len(shown) == 8
    promised = sorted(one["previous_secret_expires_at"] for one in rotated)
    assert sorted(entry["expires_at"] for entry in shown[1:]) == promised


def test_rotations_of_different_subscriptions_do_not_disturb_each_other(api):
    made = [api.subscribe() for _ in range(CLIENTS)]
    for _ in range(3):
        assert statuses(at_once(lambda n: api.rotate(made[n]["id"]))) == [200] * CLIENTS
    assert all(len(api.subscription(one["id"]).json["signing_secrets"]) == 4 for one in made)


def test_every_event_is_accepted_with_an_id_of_its_own(api):
    api.subscribe()
    answers = sum(at_once(lambda _: [api.publish() for _ in range(10)]), [])
    assert statuses(answers) == [202] * 10 * CLIENTS
    assert len({answer.json["event_id"] for answer in answers}) == 10 * CLIENTS
    assert all(answer.json["delivery_count"] == 1 for answer in answers)


def test_reading_while_others_write_always_gives_a_whole_state(api):
    made = api.subscribe()

    def work(number):
        if number < 4:
            return [api.rotate(made["id"]).status for _ in range(1)]
        return [len(api.subscription(made["id"]).json["signing_secrets"]) for _ in range(10)]

    seen = sum(at_once(work)[4:], [])
    assert set(seen) <= set(range(1, 6)) and len(api.subscription(made["id"]).json["signing_secrets"]) == 5


def test_what_was_acknowledged_survives_a_killed_process(install):
    """kill -9 of one of three processes in the middle: whatever was answered with 2xx is there afterwards."""
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=3))
    acknowledged = []

    def work(number):
        if number == 0:
            org.door.pool.kill(org.door.pids()[0])
            return
        for _ in range(15):
            try:
                answer = org.api.create(name=str(uuid.uuid4()), url="https://a.example/", enable_signed_webhooks=True)
            except ServerGone:
                continue
            assert answer.status in (201, 503)
            if answer.status == 201:
                acknowledged.append(answer.json["id"])

    at_once(work)
    assert acknowledged

    def read(identity):
        try:
            return org.api.subscription(identity).status
        except ServerGone:
            return 503

    for identity in acknowledged:
        assert eventually(lambda one=identity: (status := read(one)) != 503 and status, timeout=10) == 200
