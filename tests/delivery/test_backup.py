"""Backups of a service that goes on working, and what a restore makes of them."""

import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest
from harness import NOBODY, eventually


def complaint(done):
    """The one line of a command that failed."""
    text = done.stderr.decode()
    assert done.returncode == 1, (done.returncode, text)
    assert re.fullmatch(r"hookturn: [^\n]+\n", text), text
    assert done.stdout == b""
    return text


def stop_service(org):
    """Ends the FastCGI processes and workers; the pool starts no others."""
    org.door.pool.close()
    for worker in org.installation.workers:
        worker.stop()


def stores(installation):
    return sorted(path.name for path in installation.data.iterdir() if path.name.startswith("store"))


def key_names(installation):
    return {key["name"] for key in installation.list_keys()}


class Load(threading.Thread):
    """Creates, rotates and publishes until it is told to stop; remembers what was answered, and when."""

    def __init__(self, org, url):
        super().__init__()
        self.org, self.url, self.stopping = org, url, threading.Event()
        self.secrets, self.events, self.problems = {}, [], []
        self.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            try:
                self.step(number)
            except Exception as error:  # noqa: BLE001  a thread's exception is seen by nobody else
                self.problems.append(repr(error))
                return

    def step(self, number):
        api = self.org.api
        made = api.subscribe(url=self.url, name=f"load-{id(self)}-{number}")
        self.secrets[made["id"]] = (time.time(), made["secret"])
        if number % 3 == 0:
            identity = random.choice(list(self.secrets))
            answer = api.rotate(identity)
            assert answer.status in (200, 409), answer
            if answer.status == 200:
                self.secrets[identity] = (time.time(), answer.json["secret"])
        event = api.publish()
        assert event.status == 202, event
        self.events.append((time.time(), event.json["event_id"]))

    def stop(self):
        self.stopping.set()
        self.join(30)
        assert not self.problems, self.problems


def test_a_backup_under_load_has_all_that_was_answered_before(service, receiver):
    org = service(processes=3)
    installation = org.installation
    installation.start_worker()
    load = [Load(org, receiver.url("/in")) for _ in range(3)]
    eventually(lambda: all(len(one.events) > 20 for one in load), what="some load")
    started = time.time()
    done = installation.cli("backup", installation.directory / "copy", check=True)
    assert "verified" in done.stdout.decode() and done.stderr == b""
    for one in load:
        one.stop()
    stop_service(org)
    installation.cli("restore", installation.directory / "copy", check=True)
    org = type(org)(installation, type(org.door)(installation, socket="again.sock"))  # another organization's key
    assert installation.cli("status", check=True).returncode == 0
    restored = type(org.api)(org.door, load[0].org.key)
    for one in load:
        for identity, (at, secret) in one.secrets.items():
            if at < started:
                answer = restored.subscription(identity)
                assert answer.status == 200, (identity, answer)
        for at, event in one.events:
            if at < started:
                assert restored.event(event).status == 200
    count = len(receiver.deliveries)
    installation.deliver_once()  # and every secret in it signs
    signed = receiver.deliveries[count:]
    assert all(len(delivery.header("X-Webhook-Signature").split("v1=")) >= 2 for delivery in signed)


def test_a_backup_is_private_whole_and_without_the_key(service):
    installation = service().installation
    target = installation.directory / "copy"
    installation.cli("backup", target, check=True)
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    files = [path for path in target.rglob("*") if path.is_file()]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    assert (target / "hookturn.conf").read_bytes() == installation.conf_path.read_bytes()
    assert not (target / "master.key").exists()
    key = (installation.data / "master.key").read_bytes().split()[-1]
    assert not any(key in path.read_bytes() for path in files)
    installation.cli("backup", installation.directory / "with", "--with-key", check=True)
    assert (installation.directory / "with/master.key").read_bytes() == (installation.data / "master.key").read_bytes()


def test_a_backup_refuses_a_place_that_is_taken_or_closed(service):
    installation = service().installation
    taken = installation.directory / "taken"
    taken.mkdir()
    (taken / "something").write_text("of mine")
    assert "choose another place" in complaint(installation.cli("backup", taken))
    assert [path.name for path in taken.iterdir()] == ["something"]
    assert "choose a directory" in complaint(installation.cli("backup", installation.directory / "no/such/place"))
    link, empty = installation.directory / "link", installation.directory / "empty"
    empty.mkdir()
    link.symlink_to(empty)
    assert "choose another place" in complaint(installation.cli("backup", link))
    assert link.is_symlink() and list(empty.iterdir()) == []
    assert installation.cli("backup").returncode == 2
    assert installation.cli("restore").returncode == 2


def test_a_backup_that_is_interrupted_or_killed_leaves_nothing_that_looks_like_one(service):
    installation = service().installation
    target, unfinished = installation.directory / "copy", installation.directory / "copy.hookturn-unfinished"
    for number in (signal.SIGTERM, signal.SIGKILL) * 4:
        shutil.rmtree(unfinished, ignore_errors=True)
        status = installation.interrupt("backup", target, number=number)
        if target.exists():
            assert (target / "backup").exists() and (status == 0 or number == signal.SIGKILL)
            shutil.rmtree(target)
        elif number == signal.SIGTERM:
            assert status != 0 and not unfinished.exists()
    installation.cli("backup", target, check=True)
    assert not unfinished.exists()


def test_a_restore_refuses_while_idle_processes_have_the_store_open(service):
    org = service()
    installation = org.installation
    installation.cli("backup", installation.directory / "copy", check=True)
    assert org.api.page().status == 200
    text = complaint(installation.cli("restore", installation.directory / "copy"))
    assert "stop them first" in text
    assert org.api.page().status == 200 and stores(installation) == ["store"]
    stop_service(org)
    worker = installation.start_worker()
    worker.child()
    eventually(lambda: list((installation.data / "store/live").iterdir()), what="the worker's entry")
    assert "stop them first" in complaint(installation.cli("restore", installation.directory / "copy"))
    worker.stop()
    installation.cli("restore", installation.directory / "copy", check=True)
    assert len(stores(installation)) == 2


def test_a_killed_restore_leaves_the_old_store_or_the_new_one(install):
    installation = install()
    installation.create_key(name="old")
    installation.cli("backup", "--with-key", installation.directory / "copy", check=True)
    installation.create_key(name="new")
    installation.cli("rekey", check=True)  # so that the key has to change with the store
    outcomes = set()
    for _ in range(30):
        installation.interrupt("restore", installation.directory / "copy", within=0.12)
        names = key_names(installation)
        assert names in ({"old"}, {"old", "new"})
        outcomes.add(frozenset(names))
        if names == {"old"}:  # once more from the start
            installation.create_key(name="new")
            installation.cli("rekey", check=True)
    installation.cli("restore", installation.directory / "copy", check=True)
    assert key_names(installation) == {"old"} and not (installation.data / "restoring").exists()
    done = json.loads(installation.cli("doctor", "--json").stdout)
    assert done and not any(check.get("state") == "problem" for check in done if isinstance(check, dict))


def test_a_restore_onto_a_new_machine_takes_configuration_and_key_from_the_backup(service, receiver):
    org = service()
    installation = org.installation
    made = org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    copy = installation.directory / "copy"
    installation.cli("backup", "--with-key", copy, check=True)
    stop_service(org)
    shutil.rmtree(installation.data)
    installation.data.mkdir(mode=0o700)
    installation.cli("-c", copy / "hookturn.conf", "restore", copy, check=True)
    assert installation.conf_path.read_bytes() == (copy / "hookturn.conf").read_bytes()
    assert stores(installation) == ["store"]
    installation.deliver_once()
    assert receiver.wait_for(1)[0].is_signed_with(made["secret"])


def test_a_damaged_backup_changes_nothing(install):
    installation = install()
    installation.create_key(name="old")
    copy = installation.directory / "copy"
    installation.cli("backup", copy, check=True)
    installation.create_key(name="new")
    content = (copy / "store/apikey.db").read_bytes()
    at = content.index(b"old")
    (copy / "store/apikey.db").write_bytes(content[:at] + b"0ld" + content[at + 3 :])
    assert "apikey.db is damaged" in complaint(installation.cli("restore", copy))
    (copy / "backup").unlink()
    assert "is no backup" in complaint(installation.cli("restore", copy))
    assert key_names(installation) == {"old", "new"} and stores(installation) == ["store"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_root_backs_up_and_restores_as_the_owner(install):
    installation = install()
    installation.directory.chmod(0o755)
    subprocess.run(["chown", "-R", str(NOBODY), str(installation.data)], check=True)
    place = installation.directory / "backups"
    place.mkdir(mode=0o700)
    assert f"user {NOBODY}" in complaint(installation.cli("backup", place / "copy"))
    os.chown(place, NOBODY, NOBODY)
    installation.cli("backup", place / "copy", check=True)
    installation.cli("restore", place / "copy", check=True)
    assert {path.stat().st_uid for path in installation.data.rglob("*")} == {NOBODY}
