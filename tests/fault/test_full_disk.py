"""A disk without room: writes are refused and change nothing, reads go on, and all is well once there is room."""

import json
import uuid

import pytest
from api import Api, Organization, make_door
from harness import eventually

TRIES_MAX = 400  # until the store notices: what it has room for already is still taken


@pytest.fixture
def org(small_install, receiver):
    installation = small_install(allow_destinations="127.0.0.0/8")
    made = Organization(installation, make_door(installation, "fcgi", processes=1))
    made.subscription = made.api.subscribe(url=receiver.url("/in"))
    return made


def publish_until_refused(org):
    """The keys of what was accepted, and the key of what was not."""
    accepted = []
    for _ in range(TRIES_MAX):
        key = str(uuid.uuid4())
        response = publish(org, key)
        if response.status != 202:
            assert response.status == 503, response
            return accepted, key
        accepted.append(key)
    raise AssertionError("a full disk was never noticed")


def publish(org, key):
    payload = {"token": key, "ballast": "x" * 60000}
    return org.api.publish(payload=payload, headers={"Idempotency-Key": key})


def check_reads(org):
    for _ in range(5):
        assert org.api.subscription(org.subscription["id"]).status == 200
        assert org.api.page().status == 200


def check_all_is_well(org, receiver, accepted):
    """What was accepted arrives, once for each key; and there is a reserve again."""
    org.installation.deliver_once()
    tokens = {}
    for delivery in receiver.at("/in"):
        tokens.setdefault(delivery.json["payload"]["token"], set()).add(delivery.event_id)
    assert set(tokens) == set(accepted) and all(len(ids) == 1 for ids in tokens.values())
    assert (org.installation.data / "store/reserve").exists()
    findings = {entry["name"]: entry["state"] for entry in json.loads(org.installation.cli("doctor", "--json").stdout)}
    assert findings["store"] == "ok" and findings["backlog"] == "ok", findings


def test_writes_are_503_and_change_nothing_while_reads_go_on(org, disk, receiver):
    disk.fill()
    accepted, refused = publish_until_refused(org)
    check_reads(org)
    assert org.api.rotate(org.subscription["id"]).status == 503
    assert len(org.api.subscription(org.subscription["id"]).json["signing_secrets"]) == 1
    assert org.api.get("/healthz").status == 200
    disk.make_room()
    assert publish(org, refused).status == 202  # the same process
    check_all_is_well(org, receiver, [*accepted, refused])


def test_recovery_on_a_full_disk_takes_the_reserve(org, disk, receiver):
    disk.fill()
    accepted, refused = publish_until_refused(org)
    disk.fill()
    (pid,) = org.door.pids()
    org.door.kill(pid)
    eventually(lambda: org.door.pids() not in ([], [pid]), what="another process")
    check_reads(org)
    assert not (org.installation.data / "store/reserve").exists()
    disk.make_room()
    eventually(lambda: publish(org, refused).status == 202)
    assert org.installation.cli("key", "list").returncode == 0  # who opens the store makes the reserve again
    check_all_is_well(org, receiver, [*accepted, refused])


def test_commands_say_that_the_disk_is_full(org, disk, receiver):
    disk.fill()
    accepted, _ = publish_until_refused(org)
    disk.fill()
    payload = json.dumps({"token": "command", "ballast": "x" * 100000}).encode()
    done = org.installation.cli("publish", "--organization", org.id, "A.b", stdin=payload)
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("hookturn: ")]
    assert done.returncode == 1 and len(said) == 1 and "space" in said[0] and done.stdout == b"", done
    assert org.installation.cli("key", "list").returncode == 0
    disk.make_room()
    check_all_is_well(org, receiver, accepted)


def test_processes_that_start_on_a_full_disk_still_read(org, disk, receiver):
    refused = str(uuid.uuid4())
    org.door.pool.close()
    org.installation.closers.remove(org.door.pool.close)
    org.door = make_door(org.installation, "cgi")
    org.api = Api(org.door, org.key)
    reserve = org.installation.data / "store/reserve"
    whole = reserve.stat().st_size
    for _ in range(3):
        disk.fill()
        check_reads(org)
        assert publish(org, refused).status == 503
    assert whole / 2 < reserve.stat().st_size < whole
    disk.make_room()
    assert publish(org, refused).status == 202
    assert reserve.stat().st_size == whole
    check_all_is_well(org, receiver, [refused])


def test_init_on_a_full_disk_says_so(org, disk):
    disk.fill()
    done = org.installation.cli("init", "--data", disk.path / "another")
    assert done.returncode == 1 and b"space" in done.stderr, done
