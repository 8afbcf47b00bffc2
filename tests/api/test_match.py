"""Whom an event reaches after a subscription has changed: at once, in every process, whatever was remembered there."""

import random
import threading
import uuid

import pytest
from api import SUBSCRIPTION, Organization, make_door
from fcgi_client import ServerGone
from harness import eventually

URL = "https://hooks.example.com/"


def body(name, **members):
    return {"name": name, "url": URL, "enable_signed_webhooks": False, **members}


def reached(api, event_name="Order.Created", **members):
    accepted = api.publish(event_name, **members)
    assert accepted.status == 202, accepted
    identity, count = accepted.json["event_id"], accepted.json["delivery_count"]
    ids = api.event(identity).json["delivery_ids"]
    assert len(ids) == count and all(one.endswith(identity) for one in ids)
    return {one[:24] for one in ids}


@pytest.mark.parametrize("how", ["put", "patch"])
def test_a_changed_filter_decides_from_the_answer_on(api, how):
    made = api.subscribe(events=["A.b"])

    def change(**members):
        sent = body(made["name"], **members) if how == "put" else members
        assert getattr(api, how)(made["id"], sent).status == 200

    assert reached(api, "A.b") == {made["id"]} and reached(api, "A.c") == set()
    change(events=["A.c"])
    assert reached(api, "A.b") == set() and reached(api, "A.c") == {made["id"]}
    change(events=["A.*", "B.c"])
    assert reached(api, "A.b") == reached(api, "B.c") == {made["id"]} and reached(api, "B.b") == set()
    change(events=["*"])
    assert reached(api, "Z.z") == {made["id"]}
    change(events=["A.b"], agent_ids=["a1"])
    assert reached(api, "A.b") == set() and reached(api, "A.b", agent_id="a1") == {made["id"]}
    change(events=[], active=False)
    expected = {made["id"]} if how == "put" else set()  # the patch left its scope as it was
    assert reached(api, "A.b") == expected


def test_filters_and_scopes_together(api):
    everything = api.subscribe()["id"]
    star = api.subscribe(events=["*"])["id"]
    service = api.subscribe(events=["Order.*"], workspace_ids=["w1", "w2"])["id"]
    exact = api.subscribe(events=["Order.Created", "Bill.Paid"], agent_ids=["a1", "a 2"])["id"]
    paused = api.subscribe(events=["Order.Created"], active=False)["id"]
    assert reached(api, "Order.Created") == {everything, star, paused}
    assert reached(api, "Order.Created", workspace_id="w2") == {everything, star, paused, service}
    assert reached(api, "Order.Created", agent_id="a 2") == {everything, star, paused, exact}
    assert reached(api, "Bill.Paid", agent_id="a1", workspace_id="w1") == {everything, star, exact}
    assert reached(api, "Order.Sent", agent_id="a1", workspace_id="w1") == {everything, star, service}
    assert reached(api, "Order.Sent", workspace_id="w") == {everything, star}
    assert reached(api, "Order.Sent", workspace_id="w1 ") == {everything, star}


def test_five_hundred_filters_and_scopes_are_all_looked_at(api):
    made = api.subscribe(events=[f"S{n}.E{n}" for n in range(500)], agent_ids=[f"a{n}" for n in range(500)])
    for n in (0, 1, 250, 499):
        assert reached(api, f"S{n}.E{n}", agent_id=f"a{499 - n}") == {made["id"]}
    assert reached(api, "S500.E500", agent_id="a1") == reached(api, "S1.E1", agent_id="a500") == set()
    assert reached(api, "S1.E2", agent_id="a1") == set()


def test_rotation_and_revocation_change_nothing(api):
    made = api.subscribe()
    for _ in range(3):
        api.rotate(made["id"])
        assert reached(api) == {made["id"]}
    api.revoke(made["id"])
    assert reached(api) == {made["id"]}


@pytest.fixture
def two(install):
    """Two processes, each with a socket of its own: (client of one, client of the other)."""
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1, socket="one.sock"))
    other = Organization(installation, make_door(installation, "fcgi", processes=1, socket="two.sock"))
    return org.api, other.api.with_key(org.key)


class Model:
    """What the subscriptions are, beside the service: which of them an event must reach."""

    def __init__(self, seed):
        self.random, self.there = random.Random(seed), {}

    def members(self):
        pick = self.random
        events = pick.choice([[], ["*"], ["A.b"], ["A.*"], ["B.b"], ["A.b", "B.*"]])
        scope = pick.choice([{}, {}, {"agent_ids": ["a"]}, {"workspace_ids": ["w"]}])
        return {"events": events, "active": pick.random() < 0.7, **scope}

    def change(self, api):
        pick = self.random
        what = pick.choice(["create", "put", "patch", "delete"] if len(self.there) > 2 else ["create"])
        members = self.members()
        if what == "create":
            self.there[api.subscribe(**members)["id"]] = members
            return
        identity = pick.choice(sorted(self.there))
        if what == "delete":
            assert api.delete(identity).status == 204
            del self.there[identity]
        elif what == "put":
            assert api.put(identity, body(str(uuid.uuid4()), **members)).status == 200
            self.there[identity] = members
        else:
            assert api.patch(identity, {"events": members["events"]}).status == 200
            self.there[identity] = {**self.there[identity], "events": members["events"]}

    def expected(self, event_name, agent_id=None, workspace_id=None):
        service = event_name.partition(".")[0]

        def fits(members):
            named = not members["events"] or {"*", f"{service}.*", event_name} & set(members["events"])
            if "agent_ids" in members:
                return named and agent_id in members["agent_ids"]
            return named and ("workspace_ids" not in members or workspace_id in members["workspace_ids"])

        return {identity for identity, members in self.there.items() if fits(members)}


@pytest.mark.parametrize("seed", range(4))
def test_no_process_ever_matches_by_an_older_state(two, seed):
    model, chance = Model(seed), random.Random(seed)
    for _ in range(120):
        changer, publisher = two if chance.random() < 0.5 else two[::-1]
        model.change(changer)
        name, scope = (
            chance.choice(["A.b", "A.c", "B.b"]),
            chance.choice([{}, {"agent_id": "a"}, {"workspace_id": "w"}]),
        )
        assert reached(publisher, name, **scope) == model.expected(name, **scope)


def test_not_even_while_others_publish_all_the_time(two):
    """Other threads keep both processes' memories warm, and load them in the middle of changes."""
    changer, publisher = two
    made = [publisher.subscribe() for _ in range(40)]
    stop, failures = threading.Event(), []

    def publish(api):
        while not stop.is_set():
            answer = api.publish("Noise.Event")
            if answer.status != 202:
                failures.append(answer)

    threads = [threading.Thread(target=publish, args=(api,)) for api in two for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for number in range(80):
            name = f"Round.r{number}"
            assert changer.patch(made[number % 40]["id"], {"events": [name]}).status == 200
            others = 40 - min(number + 1, 40)  # those that still get everything
            assert publisher.publish(name).json["delivery_count"] == others + 1
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_a_batch_is_matched_by_one_state(two):
    """All events of a batch go to the same subscriptions, whatever changes meanwhile."""
    changer, publisher = two
    made, stop = changer.subscribe(), threading.Event()

    def toggle():
        while not stop.is_set():
            for name in ("A.b", "B.b"):
                changer.patch(made["id"], {"events": [name]})

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        for _ in range(60):
            sent = [{"event_name": name, "payload": {}} for name in ("A.b", "B.b") * 10]
            counts = [entry["delivery_count"] for entry in publisher.publish_batch(sent).json["data"]]
            assert counts in ([1, 0] * 10, [0, 1] * 10)
    finally:
        stop.set()
        thread.join()


class Stubborn:
    """A client that repeats what a dying process left unanswered, with the same Idempotency-Key where it has one."""

    def __init__(self, api):
        self.api = api

    def until_answered(self, call):
        def once():
            try:
                answer = call()
                return answer if answer.status != 503 else None
            except (ServerGone, OSError):
                return None

        return eventually(once, timeout=15, what="an answer")

    def subscribe(self, **members):
        sent, headers = {**body(str(uuid.uuid4())), **members}, {"Idempotency-Key": str(uuid.uuid4())}
        answer = self.until_answered(lambda: self.api.post(SUBSCRIPTION, sent, headers=headers))
        assert answer.status == 201, answer
        return answer.json

    def put(self, *sent):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.until_answered(lambda: self.api.put(*sent, headers=headers))

    def patch(self, *sent):
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        return self.until_answered(lambda: self.api.patch(*sent, headers=headers))

    def delete(self, identity):
        answer = self.until_answered(lambda: self.api.delete(identity))
        if answer.status == 404:  # the one that was not answered did it
            answer.status = 204
        return answer

    def publish(self, *sent, **members):
        return self.until_answered(lambda: self.api.publish(*sent, **members))

    def event(self, identity):
        return self.until_answered(lambda: self.api.event(identity))

    def page(self):
        return self.until_answered(lambda: self.api.page(100))


@pytest.mark.parametrize("seed", range(2))
def test_not_even_while_processes_are_killed(install, seed):
    installation = install(log_level="warn")
    org = Organization(installation, make_door(installation, "fcgi", processes=3))
    api, model, chance = Stubborn(org.api), Model(seed), random.Random(seed)
    stop = threading.Event()

    def kill():
        pick = random.Random(seed)
        while not stop.wait(0.1 + 0.1 * pick.random()):
            pids = org.door.pids()
            if pids:
                org.door.pool.kill(pick.choice(pids))

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        for _ in range(150):
            model.change(api)
            name, scope = chance.choice(["A.b", "A.c", "B.b"]), chance.choice([{}, {"agent_id": "a"}])
            assert reached(api, name, **scope) == model.expected(name, **scope)
    finally:
        stop.set()
        thread.join()
    assert {entry["id"] for entry in api.page().json["data"]} == set(model.there)


def test_many_organizations_are_remembered_apart(install):
    installation = install()
    door = make_door(installation, "fcgi", processes=1)
    organizations = [Organization(installation, door).api for _ in range(30)]
    made = [[api.subscribe()["id"] for _ in range(number % 4)] for number, api in enumerate(organizations)]
    for _ in range(2):
        for api, ids in zip(organizations, made):
            assert reached(api) == set(ids)
        ids = made[1]
        ids.append(organizations[1].subscribe()["id"])
