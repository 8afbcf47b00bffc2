"""Backup, restore and rekey, killed before each step that they take on the disk, one after the other."""

import itertools
import shutil

from harness import BUILD
from test_backup import key_names

PROGRAM = BUILD / "tests/hookturn-kill"


def kills(installation, *words):
    """Runs the command, killed at its n-th step, for n = 1, 2, … until it is through; yields after each death."""
    for step in itertools.count(1):
        done = installation.run_program(PROGRAM, *words, env={"HOOKTURN_TEST_KILL_AT": str(step)})
        if done.returncode == 0:
            assert step > 5, "the steps were not counted"
            return
        assert b"signal 9" in done.stderr, done.stderr
        yield step


def test_at_each_step_of_a_restore_a_store_is_there_that_opens(service, receiver):
    org = service()
    installation, copy = org.installation, org.installation.directory / "copy"
    made = org.api.subscribe(url=receiver.url("/in"))
    org.door.pool.close()
    installation.cli("backup", "--with-key", copy, check=True)
    before = key_names(installation)
    installation.create_key(name="new")
    installation.cli("rekey", check=True)  # so that the backup has to bring its key
    seen = []
    for _ in kills(installation, "restore", copy):
        seen.append(key_names(installation))
    assert all(names in (before, before | {"new"}) for names in seen)
    assert seen == sorted(seen, key=len, reverse=True), "once the new store is there it stays"
    assert key_names(installation) == before and not (installation.data / "restoring").exists()
    installation.cli("publish", "--organization", org.id, "Order.Created", stdin=b"{}", check=True)
    installation.deliver_once()
    assert receiver.wait_for(1)[0].is_signed_with(made["secret"])


def test_at_each_step_of_a_backup_there_is_none_or_a_whole_one(install):
    installation = install()
    installation.create_key(name="old")
    copy = installation.directory / "copy"
    for _ in kills(installation, "backup", "--with-key", copy):
        if copy.exists():
            installation.cli("restore", copy, check=True)
            shutil.rmtree(copy)
    installation.cli("restore", copy, check=True)
    assert key_names(installation) == {"old"}
    assert not (installation.directory / "copy.hookturn-unfinished").exists()


def test_at_each_step_of_a_rekey_every_secret_opens(service, receiver):
    org = service()
    installation = org.installation
    made = [org.api.subscribe(url=receiver.url(f"/{number}")) for number in range(3)]
    org.door.pool.close()
    for count, _ in enumerate(kills(installation, "rekey"), 1):
        installation.cli("publish", "--organization", org.id, "Order.Created", stdin=b"{}", check=True)
        installation.deliver_once()
        for number, subscription in enumerate(made):
            deliveries = receiver.at(f"/{number}")
            assert len(deliveries) == count and deliveries[-1].is_signed_with(subscription["secret"])
    assert len((installation.data / "master.key").read_text().splitlines()) == 2
