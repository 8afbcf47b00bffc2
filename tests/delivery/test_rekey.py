"""A new master key while clients rotate and deliveries flow."""

import random
import re
import time

from harness import eventually
from test_backup import Load, complaint


def key_names(installation):
    """The names of the keys in the master key file, the sealing one first."""
    lines = (installation.data / "master.key").read_text().splitlines()
    assert lines[0] == "hookturn-master-key 1"
    return [line.split()[0] for line in lines[1:]]


def assert_every_secret_signs(org, receiver, load):
    """One event more: each subscription's delivery is signed with its newest secret."""
    event = org.api.publish(event_name="Last.One").json["event_id"]
    secrets = {identity: secret for one in load for identity, (_, secret) in one.secrets.items()}

    def is_signed_by_each():
        arrived = [delivery for delivery in list(receiver.deliveries) if delivery.event_id == event]
        return all(any(delivery.is_signed_with(secret) for delivery in arrived) for secret in secrets.values())

    eventually(is_signed_by_each, timeout=60, what="a delivery that each subscription's newest secret has signed")


def test_a_rekey_changes_nothing_that_clients_and_receivers_see(service, receiver):
    org = service(processes=3)
    installation = org.installation
    for _ in range(2):
        installation.start_worker()
    made = org.api.subscribe(url=receiver.url("/in"), headers={"X-Token": "of the receiver"})
    before = org.api.subscription(made["id"])
    first = org.api.rotate(made["id"], headers={"Idempotency-Key": "june"})
    old = key_names(installation)
    load = [Load(org, receiver.url("/in")) for _ in range(2)]
    eventually(lambda: all(len(one.events) > 10 for one in load), what="some load")
    done = installation.cli("rekey", check=True).stdout.decode()
    for one in load:
        one.stop()
    new = key_names(installation)
    assert len(new) == 1 and new != old and new[0] in done
    again = org.api.rotate(made["id"], headers={"Idempotency-Key": "june"})
    assert again.header("Idempotent-Replayed") == "true" and again.json == first.json
    after = org.api.subscription(made["id"])
    assert after.json["headers"] == before.json["headers"] == {"X-Token": "of the receiver"}
    assert after.header("ETag") == first.header("ETag")
    assert_every_secret_signs(org, receiver, load)
    doctor = installation.cli("doctor").stdout.decode()
    assert re.search(rf"(?m)^ok +master key: .*fingerprint {new[0]}", doctor)


def test_a_rekey_that_is_killed_goes_on_and_loses_nothing(service, receiver):
    org = service(processes=2)
    installation = org.installation
    load = [Load(org, receiver.url("/in")) for _ in range(2)]
    eventually(lambda: all(len(one.events) > 30 for one in load), what="some load")
    for one in load:
        one.stop()
    keys = [org.api.rotate(identity, headers={"Idempotency-Key": "k"}) for identity in load[0].secrets]
    kept = {identity: answer for identity, answer in zip(load[0].secrets, keys, strict=True) if answer.status == 200}
    for identity, answer in kept.items():
        load[0].secrets[identity] = (time.time(), answer.json["secret"])
    for _ in range(12):
        installation.interrupt("rekey", within=0.08)
        assert 1 <= len(key_names(installation)) <= 2
        identity = random.choice(list(kept))
        eventually(lambda identity=identity: org.api.subscription(identity).status == 200, what="an answer")
    installation.cli("rekey", check=True)
    assert len(key_names(installation)) == 1
    for identity, answer in kept.items():
        again = org.api.rotate(identity, headers={"Idempotency-Key": "k"})
        assert again.header("Idempotent-Replayed") == "true" and again.json == answer.json
    installation.start_worker()
    assert_every_secret_signs(org, receiver, load)


def test_after_a_rekey_nothing_is_sealed_under_the_old_key(service):
    org = service()
    installation = org.installation
    for number in range(30):
        made = org.api.subscribe(name=f"s{number}", headers={"X-Token": "t"})
        assert org.api.rotate(made["id"], headers={"Idempotency-Key": "k"}).status == 200
    (old,) = key_names(installation)
    installation.cli("rekey", check=True)
    org.door.pool.close()
    copy = installation.directory / "copy"
    installation.cli("backup", copy, check=True)
    assert f"key {old}" not in (copy / "backup").read_text()
    (new,) = key_names(installation)
    assert f"key {new}\n" in (copy / "backup").read_text()


def test_an_unfinished_rekey_is_seen_by_doctor(install):
    installation = install()
    (first,) = key_names(installation)
    key = installation.data / "master.key"
    other = install()
    line = (other.data / "master.key").read_text().splitlines()[1]
    key.write_text(f"{key.read_text()}{line}\n")
    text = installation.cli("doctor").stdout.decode()
    assert re.search(r"(?m)^warning +master key: .*not finished.*hookturn rekey", text)
    installation.cli("rekey", check=True)
    assert key_names(installation) == [first], "it goes on with the key that was in front"


def test_a_key_file_that_cannot_be_replaced_is_refused_before_anything_changes(install):
    installation = install()
    elsewhere = installation.directory / "keys"
    elsewhere.mkdir()
    (installation.data / "master.key").rename(elsewhere / "master.key")
    installation.configure(master_key_file=str(elsewhere / "master.key"))
    before = (elsewhere / "master.key").read_bytes()
    (elsewhere / "master.key.new").mkdir()
    (elsewhere / "master.key.new/in the way").write_text("")
    assert "cannot write the master key" in complaint(installation.cli("rekey"))
    assert (elsewhere / "master.key").read_bytes() == before
