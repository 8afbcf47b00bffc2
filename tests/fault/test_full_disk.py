"""A disk without room: writes are refused and change nothing, reads go on, and all is well once there is room."""

import collections
import json
import re
import uuid

import pytest
from api import Api, Organization, make_door
from fault import complaint
from harness import eventually

TRIES_MAX = 400  # until the store notices: what it has room for already is still taken


@pytest.fixture
def org(small_install, receiver, tmp_path):
    installation = small_install(allow_destinations="127.0.0.0/8")
    installation.conf_path = tmp_path / "hookturn.conf"  # a backup copies it by the path that it has for everybody
    installation.env["HOOKTURN_CONF"] = str(installation.conf_path)
    installation.configure()
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


# --- what an operator does ---

LEAVINGS = [0, 1 << 20, 6 << 20]  # bytes that are free: for nothing, for a little, for a part of a store


def check_no_space(done):
    assert re.search("space|full", complaint(done)), done
    assert done.stdout == b""


def store_files(installation):
    """The tables, and what stands beside the store."""
    return sorted(path.name for path in [*installation.data.iterdir(), *installation.data.glob("store/*.db")])


@pytest.mark.parametrize("leave", LEAVINGS)
def test_a_backup_to_a_full_disk_leaves_nothing_that_looks_like_one(org, disk, receiver, leave):
    installation, target = org.installation, disk.path / "copy"
    key = str(uuid.uuid4())
    assert publish(org, key).status == 202
    disk.fill(leave)
    check_no_space(installation.cli("backup", "--with-key", target))
    assert not list(disk.path.glob("copy*"))
    check_reads(org)
    disk.make_room()
    installation.cli("backup", "--with-key", target, check=True)
    check_all_is_well(org, receiver, [key])


@pytest.mark.parametrize("leave", LEAVINGS)
def test_a_restore_on_a_full_disk_keeps_the_store(org, disk, receiver, tmp_path, leave):
    installation, copy = org.installation, tmp_path / "copy"
    installation.cli("backup", "--with-key", copy, check=True)
    key = str(uuid.uuid4())
    assert publish(org, key).status == 202
    org.door.pool.close()
    installation.cli("rekey", check=True)  # so that the backup has to bring its key
    before, master_key = store_files(installation), (installation.data / "master.key").read_bytes()
    disk.fill(leave)
    check_no_space(installation.cli("restore", copy))
    assert store_files(installation) == before and (installation.data / "master.key").read_bytes() == master_key
    disk.make_room()
    check_all_is_well(org, receiver, [key])
    count = len(receiver.deliveries)
    installation.cli("restore", copy, check=True)
    installation.deliver_once()
    assert len(receiver.deliveries) == count, "the backup is older than the event"


def test_a_rekey_on_a_full_disk_loses_nothing_and_goes_on_later(org, disk, receiver):
    installation = org.installation
    headers = {"X-Long": "x" * 4000}
    made = [
        org.api.subscribe(url=receiver.url(f"/{number}"), events=["One.Event"], headers=headers) for number in range(100)
    ]
    accepted, _ = publish_until_refused(fill(org, disk))
    disk.fill()
    path = installation.data / "master.key"
    for _ in range(3):
        check_no_space(installation.cli("rekey"))
        check_reads(org)
    disk.make_room()
    installation.cli("publish", "--organization", org.id, "One.Event", stdin=b'{"token": "rekey"}', check=True)
    check_all_is_well(org, receiver, [*accepted, "rekey"])
    installation.cli("rekey", check=True)
    assert len(path.read_text().splitlines()) == 2, "a head, and one key"
    installation.cli("publish", "--organization", org.id, "One.Event", stdin=b'{"token": "rekey"}', check=True)
    installation.deliver_once()
    for number, subscription in enumerate(made):
        deliveries = receiver.at(f"/{number}")
        assert len(deliveries) == 2 and all(one.is_signed_with(subscription["secret"]) for one in deliveries)


def fill(org, disk):
    disk.fill()
    return org


def test_a_purge_on_a_full_disk_says_so_and_goes_on_later(org, disk, receiver):
    installation = org.installation
    held = org.api.subscribe(events=["Held.Here"], active=False)
    tokens = [f"held {number}" for number in range(400)]
    org.api.publish_batch([{"event_name": "Held.Here", "payload": {"token": token}} for token in tokens])
    installation.deliver_once()
    accepted, _ = publish_until_refused(fill(org, disk))
    disk.fill()
    installation.configure(max_waiting="10")
    check_no_space(installation.cli("purge"))
    check_reads(org)
    disk.make_room()
    installation.cli("purge", check=True)
    statuses = collections.Counter(item["status"] for item in org.api.all_deliveries(held["id"]))
    assert statuses == {"CANCELLED": 390, "WAITING": 10}
    installation.configure(max_waiting="100000")
    check_all_is_well(org, receiver, [*accepted, *tokens])


def test_a_worker_on_a_full_disk_goes_on_once_there_is_room(org, disk, receiver):
    """It may send what it cannot settle again and again, but loses nothing."""
    worker = org.installation.start_worker()
    accepted, refused = publish_until_refused(fill(org, disk))
    disk.fill()
    assert worker.process.poll() is None
    disk.make_room()
    eventually(lambda: publish(org, refused).status == 202)
    wanted = {*accepted, refused}
    eventually(lambda: {d.json["payload"]["token"] for d in receiver.at("/in")} == wanted, 60, "all deliveries")
    eventually(lambda: not org.api.all_deliveries(org.subscription["id"], status="WAITING"), 60, "their settlement")
    assert worker.process.poll() is None and worker.stop() == 0
    check_all_is_well(org, receiver, wanted)


def test_init_on_a_full_disk_says_so(org, disk):
    disk.fill()
    done = org.installation.cli("init", "--data", disk.path / "another")
    assert done.returncode == 1 and b"space" in done.stderr, done
