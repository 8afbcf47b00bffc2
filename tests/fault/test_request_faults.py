"""Every operation of the API with one call after the other failing: what the client is told is true, the store holds all
or nothing, the next request works, and repeating with the same Idempotency-Key does it once."""

import uuid

import pytest
from api import DELIVERY, EVENT, EVENTS, METRICS, SUBSCRIPTION, SUBSCRIPTIONS, WHOAMI, Organization, make_door
from fault import KINDS, Faulty, Request, check_end, count_in, numbers
from receiver import Answer

URL = "https://hooks.example.com/in"
MAY_BE_TOLD = {
    "write": {500, 503},
    "short": {500, 503},
    "sync": {500, 503},
    "open": {500, 503},
    "change": {500, 503},
    "lock": {500, 503},
    "store": {500, 503},
    "conflict": set(),
    "memory": {500, 503},
}


class Operation:
    """`request` makes one; `count` says how often it has been done, by reading: 0 before, 1 afterwards, never anything
    between or beyond."""

    is_read = False

    def __init__(self, org):
        self.org, self.api = org, org.api


class Create(Operation):
    def request(self):
        self.name = str(uuid.uuid4())
        return Request(self.org, "POST", SUBSCRIPTION, {"name": self.name, "url": URL, "enable_signed_webhooks": True})

    def count(self):
        found = [entry for entry in self.api.pages() if entry["name"] == self.name]
        assert all(len(entry["signing_secrets"]) == 1 for entry in found)
        for entry in found:
            assert self.api.subscription(entry["id"]).status == 200
        return len(found)


class Changing(Operation):
    def __init__(self, org):
        super().__init__(org)
        self.made = self.api.subscribe()
        self.target = f"{SUBSCRIPTION}/{self.made['id']}"

    def now(self):
        response = self.api.get(self.target)
        assert response.status == 200
        return response.json


class Put(Changing):
    def request(self):
        self.name = str(uuid.uuid4())
        return Request(self.org, "PUT", self.target, {"name": self.name, "url": URL, "enable_signed_webhooks": True})

    def count(self):
        assert [entry["name"] for entry in self.api.pages()].count(self.now()["name"]) == 1
        return int(self.now()["name"] == self.name)


class Patch(Changing):
    def request(self):
        self.text = str(uuid.uuid4())
        return Request(self.org, "PATCH", self.target, {"description": self.text, "headers": {"X-Text": self.text}})

    def count(self):
        now = self.now()
        assert (now.get("description") == self.text) == (now.get("headers") == {"X-Text": self.text})
        return int(now.get("description") == self.text)


class Rotate(Changing):
    def request(self):
        self.api.revoke(self.made["id"])
        self.before = len(self.now()["signing_secrets"])
        return Request(self.org, "POST", f"{self.target}/rotate/secret")

    def count(self):
        return len(self.now()["signing_secrets"]) - self.before


class Revoke(Changing):
    def request(self):
        self.api.rotate(self.made["id"])
        self.before = len(self.now()["signing_secrets"])
        return Request(self.org, "POST", f"{self.target}/revoke/secret")

    def count(self):
        now = len(self.now()["signing_secrets"])
        assert now in (1, self.before)
        return int(now == 1)


class Delete(Operation):
    def request(self):
        self.made = self.api.subscribe()
        return Request(self.org, "DELETE", f"{SUBSCRIPTION}/{self.made['id']}")

    def count(self):
        is_gone = self.api.subscription(self.made["id"]).status == 404
        assert is_gone == (self.made["id"] not in {entry["id"] for entry in self.api.pages()})
        return int(is_gone)


class Publishing(Changing):
    """What was published is counted by what the worker sends in the end."""

    size = 1
    target_path = EVENT

    def __init__(self, org, receiver):
        super().__init__(org)
        self.receiver = receiver
        self.api.patch(self.made["id"], {"url": receiver.url("/in")})

    def event(self):
        return {"event_name": "A.b", "payload": {"token": self.token}}

    def request(self):
        self.token = str(uuid.uuid4())
        return Request(self.org, "POST", EVENT, self.event())

    def count(self):
        self.org.installation.deliver_once()
        arrived = {d.event_id for d in self.receiver.at("/in") if d.json["payload"]["token"] == self.token}
        assert len(arrived) % self.size == 0, "a part of a batch"
        return len(arrived) // self.size


class PublishBatch(Publishing):
    size = 3

    def request(self):
        self.token = str(uuid.uuid4())
        return Request(self.org, "POST", EVENTS, [self.event()] * self.size)


class Delivering(Publishing):
    """What is done by hand to one delivery; no worker runs, so what is made due stays so."""

    action = ""
    status_before, status_after = "WAITING", "WAITING"

    def request(self):
        self.id = self.made["id"] + self.api.publish().json["event_id"]
        self.prepare()
        assert self.api.delivery(self.id).json["status"] == self.status_before
        return Request(self.org, "POST", f"{DELIVERY}/{self.id}/{self.action}")

    def prepare(self):
        pass

    def count(self):
        status = self.api.delivery(self.id).json["status"]
        assert status in (self.status_before, self.status_after)
        return int(status == self.status_after)


class Retry(Delivering):
    action, status_before = "retry", "DELIVERED"

    def prepare(self):
        self.org.installation.deliver_once()


class Cancel(Delivering):
    action, status_after = "cancel", "CANCELLED"


class Recover(Delivering):
    status_before = "FAILED"

    def __init__(self, org, receiver):
        super().__init__(org, receiver)
        once = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}
        self.api.patch(self.made["id"], {"retry_policy": once})
        receiver.script("/in", Answer(500))

    def request(self):
        super().request()
        return Request(self.org, "POST", f"{self.target}/recover", {"since": "2026-01-01T00:00:00.000Z"})

    def prepare(self):
        self.org.installation.deliver_once()


class SendTest(Publishing):
    def request(self):
        self.before = self.tests()
        return Request(self.org, "POST", f"{self.target}/test")

    def tests(self):
        self.org.installation.deliver_once()
        return len({d.event_id for d in self.receiver.at("/in")})

    def count(self):
        return self.tests() - self.before


class Probe(Operation):
    def request(self):
        self.target = f"{SUBSCRIPTION}/{self.api.subscribe()['id']}/probe/secret"
        return Request(self.org, "POST", self.target)

    def count(self):
        response = self.api.get(self.target)
        assert response.status == 404 or response.json["status"] == "PENDING"
        return int(response.status == 200)


class Reading(Changing):
    is_read = True

    def __init__(self, org, path):
        super().__init__(org)
        event = self.api.publish().json["event_id"]
        self.api.post(f"{self.target}/probe/secret")
        self.path = path.format(id=self.made["id"], event=event)

    def request(self):
        return Request(self.org, "GET", self.path, key=self.org.key_with("operate") if self.path == METRICS else None)

    def count(self):
        return 1


WRITES = {"create": Create, "put": Put, "patch": Patch, "rotate": Rotate, "revoke": Revoke, "delete": Delete,
          "publish": Publishing, "publish_batch": PublishBatch, "retry": Retry, "cancel": Cancel, "recover": Recover,
          "test": SendTest, "probe": Probe}  # fmt: skip
READS = {"get": SUBSCRIPTION + "/{id}", "deliveries": SUBSCRIPTION + "/{id}/deliveries?page_size=10",
         "get_delivery": DELIVERY + "/{id}{event}", "list": SUBSCRIPTIONS + "?page_size=10", "get_event": EVENT + "/{event}",
         "get_probe": SUBSCRIPTION + "/{id}/probe/secret", "whoami": WHOAMI, "metrics": METRICS, "healthz": "/healthz"}  # fmt: skip


def make_operation(name, org, receiver):
    if name in READS:
        return Reading(org, READS[name])
    kind = WRITES[name]
    return kind(org, receiver) if issubclass(kind, Publishing) else kind(org)


def check_one(operation, faulty, kind, number):
    request = operation.request()
    outcome, _ = request.send_faulty(faulty, f"{kind}:{number}")
    check_end(outcome, kind)
    status = outcome.response.status if outcome.response else None
    count = operation.count()  # the next request works
    assert count in (0, 1), (outcome, count)
    if status is None:
        assert kind == "memory" and outcome.fired, outcome
    elif status < 300:
        assert count == 1, f"it was answered with {status}, and it was not done: {outcome}"
    else:
        assert status in MAY_BE_TOLD[kind] and outcome.fired, outcome
        assert count == 0 or status == 500 or operation.is_read, f"nothing was changed, the answer says: {outcome}"
    again = request.send()
    assert again.status < 300 or (again.status == 404 and request.method == "DELETE" and count == 1), again
    assert operation.count() == 1, f"done twice, or not at all: {outcome}, then {again}"
    return outcome.fired


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [*WRITES, *READS])
def test_a_call_that_fails_leaves_all_or_nothing(install, receiver, name, kind):
    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "cgi"))
    faulty = Faulty(installation)
    operation = make_operation(name, org, receiver)
    _, notes = operation.request().send_faulty(faulty, f"{kind}:0")
    count = count_in(notes)
    fired = [check_one(operation, faulty, kind, number) for number in numbers(count, f"{name} {kind}")]
    assert count == 0 or any(fired), "no call ever failed"
