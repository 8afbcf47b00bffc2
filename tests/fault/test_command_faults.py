"""Every command with one call after the other failing: it ends with 0 or with 1 and a line that says why, the store holds
all or nothing, and the same command works the next time."""

import json
import shutil
import uuid

import pytest
from api import Api, Organization, make_door
from fault import KINDS, Faulty, check_end, count_in, numbers
from harness import BUILD, eventually
from receiver import Answer
from small_export import a_small_export, api_key_of

LEASE_MAX_S = 40  # the request's timeout and 10 s, and what the machine takes
NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}


class World:
    """What all commands work on: a subscription whose receiver takes everything."""

    def __init__(self, installation, receiver):
        self.installation, self.receiver = installation, receiver
        self.org = Organization(installation, make_door(installation, "cgi"))
        self.made = self.org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=1000, events=["A.b"])

    def keys(self):
        return {key["id"]: key for key in self.installation.list_keys()}

    def arrived(self, token):
        return [d for d in self.receiver.at("/in") if d.json["payload"].get("token") == token]

    def publish(self):
        token = str(uuid.uuid4())
        assert self.org.api.publish("A.b", {"token": token}).status == 202
        return token

    def check_secret(self):
        """The store works, and the secrets in it open."""
        token = self.publish()
        self.installation.deliver_once()
        assert self.arrived(token)[-1].is_signed_with(self.made["secret"])


class Command:
    """`prepare` returns the words of one run. `count` says how often that was done, 0 or 1, never anything between or
    beyond; None where it shows in nothing. `clear` makes way for the same words again, `finish` looks at what they did."""

    stdin = b""
    least = 0  # calls that fail, of each kind

    def __init__(self, world):
        self.world, self.installation, self.api = world, world.installation, world.org.api
        self.organization = ["--organization", world.org.id]

    def prepare(self):
        return self.words

    def count(self):
        return None

    def clear(self):
        pass

    def finish(self):
        pass


class KeyCreate(Command):
    def prepare(self):
        self.name = str(uuid.uuid4())
        return ["key", "create", *self.organization, "--name", self.name]

    def count(self):
        return [key["name"] for key in self.world.keys().values()].count(self.name)


class KeyList(Command):
    words = ["key", "list"]


class KeyRevoke(Command):
    def prepare(self):
        name = str(uuid.uuid4())
        self.installation.create_key(self.world.org.id, name=name)
        (self.id,) = [key["id"] for key in self.world.keys().values() if key["name"] == name]
        return ["key", "revoke", self.id]

    def count(self):
        return int("revoked_at" in self.world.keys()[self.id])


class Publish(Command):
    def prepare(self):
        self.token = str(uuid.uuid4())
        self.stdin = json.dumps({"token": self.token}).encode()
        return ["publish", *self.organization, "A.b"]

    def count(self):
        self.installation.deliver_once()
        return len({d.event_id for d in self.world.arrived(self.token)})


class Recover(Command):
    """All that failed is one step."""

    def __init__(self, world):
        super().__init__(world)
        world.receiver.script("/down", Answer(500))
        url = world.receiver.url("/down")
        self.id = self.api.subscribe(url=url, events=["Down.Here"], retry_policy=NO_RETRY)["id"]

    def prepare(self):
        self.api.publish("Down.Here")
        self.installation.deliver_once()
        assert self.count() == 0
        return ["recover", self.id, "--since", "2026-01-01T00:00:00Z"]

    def count(self):
        (status,) = {item["status"] for item in self.api.all_deliveries(self.id)}
        return {"FAILED": 0, "WAITING": 1}[status]


class Status(Command):
    words = ["status"]


class Doctor(Command):
    words = ["doctor"]


class Deliver(Command):
    """Whatever became of the workers, all goes out in the end, when the leases of those that died are over."""

    words = ["deliver", "--once"]

    def __init__(self, world):
        super().__init__(world)
        self.tokens = []

    def prepare(self):
        self.tokens.append(self.world.publish())
        return self.words

    def has_sent_all(self):
        self.installation.deliver_once()
        return all(self.world.arrived(token) for token in self.tokens)

    def end(self):
        eventually(self.has_sent_all, LEASE_MAX_S, "the delivery of what was left under a lease")


class Purge(Command):
    """What stands beyond `max_waiting` is cancelled in one step."""

    words = ["purge"]

    def __init__(self, world):
        super().__init__(world)
        self.installation.configure(max_waiting="1")
        self.no_limit = {"HOOKTURN_MAX_WAITING": "1000"}
        self.id = self.api.subscribe(events=["Held.Here"], active=False)["id"]

    def prepare(self):
        self.before = self.waiting()
        self.api.publish_batch([{"event_name": "Held.Here", "payload": {}}] * 3)
        self.installation.deliver_once(env=self.no_limit)  # what waits is counted once the worker has taken it over
        return self.words

    def waiting(self):
        return len(self.api.all_deliveries(self.id, status="WAITING"))

    def count(self):
        waiting = self.waiting()
        assert waiting in (self.before + 3, 1)
        return int(waiting == 1)


class Backup(Command):
    """There is none, or a whole one."""

    def prepare(self):
        self.target = self.installation.directory / f"copy-{uuid.uuid4()}"
        return ["backup", "--with-key", self.target]

    def count(self):
        unfinished = self.target.with_name(self.target.name + ".hookturn-unfinished")
        assert not (unfinished / "backup").exists(), "something that looks like one"
        if self.target.exists():
            self.finish()
        return int(self.target.exists())

    def clear(self):
        shutil.rmtree(self.target, ignore_errors=True)

    def finish(self):
        self.installation.cli("restore", self.target, check=True)
        remove_aside(self.installation)


class Restore(Command):
    """The old store or the one of the backup, which has to bring its key."""

    def __init__(self, world):
        super().__init__(world)
        self.backup = self.installation.directory / "backup"
        self.installation.cli("backup", "--with-key", self.backup, check=True)
        self.before = set(world.keys())

    def prepare(self):
        self.installation.create_key()
        self.installation.cli("rekey", check=True)
        (self.added,) = set(self.world.keys()) - self.before
        return ["restore", self.backup]

    def count(self):
        keys = set(self.world.keys())
        assert keys in (self.before, self.before | {self.added})
        self.world.check_secret()
        return int(keys == self.before)

    def finish(self):
        assert set(self.world.keys()) == self.before
        remove_aside(self.installation)


class Rekey(Command):
    """What it overlooks is lost with the old key, so every call fails once."""

    words = ["rekey"]
    least = 60

    def count(self):
        self.world.check_secret()

    def finish(self):
        self.world.check_secret()
        assert len((self.installation.data / "master.key").read_text().splitlines()) == 2, "a head, and one key"


class Export(Command):
    words = ["export"]


class ExportToFile(Command):
    """There is none, or a whole one."""

    def prepare(self):
        self.path = self.installation.directory / f"{uuid.uuid4()}.jsonl"
        return ["export", self.path]

    def count(self):
        if self.path.exists():
            self.finish()
        return int(self.path.exists())

    def clear(self):
        self.path.unlink(missing_ok=True)

    def finish(self):
        assert json.loads(self.path.read_text().splitlines()[-1])["hookturn"] == "end"


class Import(Command):
    """The key and the subscription of one file come together."""

    words = ["import"]

    def prepare(self):
        self.token = str(uuid.uuid4())
        self.stdin = a_small_export(self.token)
        return self.words

    def count(self):
        answer = Api(self.world.org.door, api_key_of(self.token)).page()
        return 0 if answer.status == 401 else len(answer.json["data"])


def remove_aside(installation):
    """The stores that restores have left."""
    for path in installation.data.glob("store.before-*"):
        shutil.rmtree(path)


COMMANDS = {"key create": KeyCreate, "key list": KeyList, "key revoke": KeyRevoke, "publish": Publish, "recover": Recover,
            "status": Status, "doctor": Doctor, "deliver": Deliver, "purge": Purge, "backup": Backup, "restore": Restore,
            "rekey": Rekey, "export": Export, "export FILE": ExportToFile, "import": Import}  # fmt: skip


def check_one(command, faulty, name, fault):
    words = command.prepare()
    outcome, _ = faulty.command(fault, words, command.stdin)
    check_end(outcome, fault.partition(":")[0])
    if outcome.status != 0:
        assert outcome.fired and (outcome.err.strip() or name == "doctor"), outcome
        assert b"hk_" not in outcome.out, "a key was printed that may not be there"
    done = command.count()
    if done is not None:
        assert done in (0, 1) and (outcome.status != 0 or done == 1), (done, outcome)
    command.clear()
    again = command.installation.cli(*words, stdin=command.stdin)
    assert again.returncode == 0, (outcome, again.stderr)
    command.finish()
    return outcome.fired


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_a_call_that_fails_is_told_and_leaves_all_or_nothing(install, receiver, name, kind):
    installation = install(allow_destinations="127.0.0.0/8")
    faulty = Faulty(installation)
    command = COMMANDS[name](World(installation, receiver))
    outcome, notes = faulty.command(f"{kind}:0", command.prepare(), command.stdin)
    assert outcome.status == 0, outcome
    command.finish()
    count = count_in(notes)
    which = numbers(count, f"{name} {kind}", command.least)
    fired = [check_one(command, faulty, name, f"{kind}:{number}") for number in which]
    assert not fired or any(fired), "no call ever failed"
    if name == "deliver":
        command.end()


@pytest.mark.parametrize("kind", ["write", "short", "sync", "open", "change", "lock", "store", "memory"])
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
