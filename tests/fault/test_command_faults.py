"""Every command with one call after the other failing: it ends with 0 or with 1 and a line that says why, the store holds
all or nothing, and the same command works the next time."""

import hashlib
import json
import uuid

import pytest
from api import Api, Organization, make_door
from fault import KINDS, Faulty, check_end, count_in, numbers
from harness import BUILD, eventually

LEASE_MAX_S = 40  # the request's timeout and 10 s, and what the machine takes
COMMANDS = ["key create", "key list", "key revoke", "publish", "status", "doctor", "deliver", "export", "import"]


def a_small_export(token):
    """One of some kinds, in an organization of its own."""
    organization, at = str(uuid.uuid4()), "2026-06-12T10:15:00.000Z"
    subscription, event = uuid.uuid4().hex[:24], "01" + uuid.uuid4().hex[:22]
    key = hashlib.sha256(f"hk_{token.replace('-', '')}{'A' * 11}".encode()).hexdigest()
    of = {"organization_id": organization, "created_at": at}
    both = {"subscription_id": subscription, "event_id": event}
    records = [
        {"type": "api_key", "id": uuid.uuid4().hex[:24], "sha256": key, "created_user_id": "u", "scopes": ["read"], **of},
        {"type": "subscription", "id": subscription, "version": 1, "updated_at": at, "created_user_id": "u", "name": token,
         "url": "https://hooks.example.com/", "active": True, **of},
        {"type": "event", "id": event, "name": "A.b", "trace_id": "t", "body": "{}", "subscription_ids": [subscription], **of},
        {"type": "delivery", "status": "FAILED", "attempt_count": 1, "finished_at": at, **both, **of},
        {"type": "attempt", "number": 1, "started_at": at, "duration_ms": 1, "response_headers": "", "response_body": "", **both},
    ]  # fmt: skip
    counts = dict.fromkeys(["api_key", "answer", "subscription", "probe", "event", "delivery", "attempt"], 0)
    counts.update({record["type"]: 1 for record in records})
    head = {"hookturn": "export", "format": 1, "made_at": at, "secrets": "plain", "counts": counts}
    body = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in [head, *records])
    digest = hashlib.sha256(body).hexdigest()
    end = {"hookturn": "end", "lines": len(records) + 1, "counts": counts, "unreadable": 0, "sha256": digest}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


class World:
    def __init__(self, installation, receiver):
        self.installation, self.receiver = installation, receiver
        self.org = Organization(installation, make_door(installation, "cgi"))
        self.org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=1000)

    def keys(self):
        return {key["id"]: key for key in self.installation.list_keys()}

    def prepare(self, name):
        """(the words, standard input, a function that says how often it has been done: 0, or 1)."""
        token = str(uuid.uuid4())
        organization = ["--organization", self.org.id]
        if name == "key create":
            return [*name.split(), *organization, "--name", token], b"", lambda: self.keys_named(token)
        if name == "key revoke":
            self.installation.create_key(self.org.id, name=token)
            (identity,) = [key["id"] for key in self.keys().values() if key["name"] == token]
            return [*name.split(), identity], b"", lambda: int("revoked_at" in self.keys()[identity])
        if name == "publish":
            payload = json.dumps({"token": token}).encode()
            return ["publish", *organization, "A.b"], payload, lambda: self.arrived(token)
        if name == "deliver":
            self.org.api.publish(payload={"token": token})
            return ["deliver", "--once"], b"", None
        if name == "import":
            content = a_small_export(token)
            return ["import"], content, lambda: self.imported(token)
        return name.split(), b"", None

    def imported(self, token):
        """The key and the subscription of one file come together."""
        door, key = self.org.door, f"hk_{token.replace('-', '')}{'A' * 11}"
        answer = Api(door, key).page()
        if answer.status == 401:
            return 0
        return len(answer.json["data"])

    def has_sent(self, count):
        """Whatever became of the workers, all goes out in the end, when the leases of those that died are over."""
        self.installation.deliver_once()
        return len({d.json["payload"]["token"] for d in self.receiver.at("/in")}) == count

    def keys_named(self, name):
        return [key["name"] for key in self.keys().values()].count(name)

    def arrived(self, token):
        self.installation.deliver_once()
        return len({d.event_id for d in self.receiver.at("/in") if d.json["payload"].get("token") == token})


def check_one(world, faulty, name, kind, number):
    words, stdin, count = world.prepare(name)
    outcome, _ = faulty.command(f"{kind}:{number}", words, stdin)
    check_end(outcome, kind)
    if outcome.status != 0:
        assert outcome.fired and (outcome.err.strip() or name == "doctor"), outcome
    if count is not None:
        done = count()
        assert done in (0, 1) and (outcome.status != 0 or done == 1), (done, outcome)
    if name == "key create" and outcome.status != 0:
        assert b"hk_" not in outcome.out, "a key was printed that may not be there"
    again = world.installation.cli(*words, stdin=stdin)
    assert again.returncode == 0, again.stderr
    return outcome.fired


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_call_that_fails_is_told_and_leaves_all_or_nothing(install, receiver, name, kind):
    installation = install(allow_destinations="127.0.0.0/8")
    world, faulty = World(installation, receiver), Faulty(installation)
    words, stdin, _ = world.prepare(name)
    outcome, notes = faulty.command(f"{kind}:0", words, stdin)
    assert outcome.status == 0, outcome
    fired = [check_one(world, faulty, name, kind, number) for number in numbers(count_in(notes), f"{name} {kind}")]
    assert not fired or any(fired), "no call ever failed"
    if name == "deliver":
        eventually(lambda: world.has_sent(len(fired) + 1), LEASE_MAX_S, "the delivery of what was left under a lease")


@pytest.mark.parametrize("kind", KINDS)
def test_an_export_to_a_file_that_fails_leaves_none_under_its_name(install, receiver, kind):
    installation = install(allow_destinations="127.0.0.0/8")
    World(installation, receiver).org.api.publish()
    faulty = Faulty(installation)
    outcome, notes = faulty.command(f"{kind}:0", ["export", installation.directory / "first.jsonl"])
    assert outcome.status == 0, outcome
    for number in numbers(count_in(notes), f"export {kind}"):
        path = installation.directory / f"{kind}-{number}.jsonl"
        outcome, _ = faulty.command(f"{kind}:{number}", ["export", path])
        check_end(outcome, kind)
        if path.exists():
            assert json.loads(path.read_text().splitlines()[-1])["hookturn"] == "end", outcome
        else:
            assert outcome.status != 0 and outcome.fired, outcome
            assert installation.cli("export", path).returncode == 0


@pytest.mark.parametrize("kind", ["write", "sync", "open", "store", "memory"])
def test_init_that_fails_can_be_repeated_once_its_remains_are_removed(install, kind):
    installation = install()
    faulty = Faulty(installation)

    def init(fault, number):
        data = installation.directory / f"data-{kind}-{number}"
        return data, faulty.command(fault, ["init", "--data", data])

    _, (outcome, notes) = init(f"{kind}:0", 0)
    assert outcome.status == 0, outcome
    fired = 0
    for number in numbers(count_in(notes), f"init {kind}"):
        data, (outcome, _) = init(f"{kind}:{number}", number)
        check_end(outcome, kind)
        fired += outcome.fired
        usable = installation.run_program(BUILD / "hookturn", "-c", data / "hookturn.conf", "key", "list")
        assert (usable.returncode == 0) == (outcome.status == 0), (outcome, usable)
        if outcome.status != 0:
            assert outcome.fired and outcome.err.strip(), outcome
    assert fired, "no call ever failed"
