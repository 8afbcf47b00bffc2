"""`worker = auto` behind each server: publishing starts a worker, which neither the server nor its reload ends."""

import contextlib
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from api import EVENT, SERVERS, Organization, make_door
from harness import eventually, is_alive

through_servers = pytest.mark.parametrize("name", ["cgi", *SERVERS])


@pytest.fixture
def auto(install):
    """auto(door's name) → an Organization behind it. The command is where the server's user may read it."""

    def make(name):
        installation = install(worker="auto", worker_idle="60s", allow_destinations="127.0.0.0/8")
        org = Organization(installation, make_door(installation, name))
        program = installation.directory / "hookturn"
        shutil.copy(installation.command, program)
        (installation.data / "worker.program").write_text(f"{program}\n")
        return org

    return make


def processes(org):
    """Of workers in the background, parents and children."""
    found = []
    for pid in org.installation.strays():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--detach" in words and is_alive(pid):
            found.append(pid)
    return sorted(found)


def publishes(org):
    """False where the server itself answers, or not at all: it is still busy with its reload (mod_fcgid lets a request
    hang that came just then)."""
    headers = [("Authorization", f"Bearer {org.key}"), ("Content-Type", "application/json")]
    body = b'{"event_name": "A.b", "payload": {}}'
    try:
        return org.door.request("POST", EVENT, headers, body, timeout=3).status == 202
    except OSError:
        return False


@through_servers
def test_an_event_for_an_idle_installation_is_delivered_within_two_seconds(auto, receiver, name):
    org = auto(name)
    org.api.subscribe(url=receiver.url("/in"))
    assert processes(org) == []
    published = time.monotonic()
    assert org.api.publish().status == 202
    receiver.wait_for(1, timeout=10)
    assert time.monotonic() - published < 2


@through_servers
def test_a_herd_of_publishers_starts_one_worker(auto, receiver, name):
    org = auto(name)
    org.api.subscribe(url=receiver.url("/in"))
    with ThreadPoolExecutor(8) as crowd:
        statuses = list(crowd.map(lambda _: org.api.publish().status, range(24)))
    assert statuses == [202] * 24
    receiver.wait_for(24)
    eventually(lambda: len(processes(org)) == 2, what="a parent and its child, and no more")
    assert (org.installation.data / "worker.log").read_text().count("event=worker_start ") == 1


def with_a_worker(org, receiver):
    """Publishes one event, and returns the processes of the worker that this started."""
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    receiver.wait_for(1)
    return eventually(lambda: len(found := processes(org)) == 2 and found)


def end(org, pids):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # the parent may have ended its child already
            os.kill(pid, signal.SIGTERM)
    eventually(lambda: processes(org) == [], what="the worker's end")


@pytest.mark.parametrize("name", list(SERVERS))
def test_it_outlives_a_reload_of_the_server(auto, receiver, name):
    org = auto(name)
    before = with_a_worker(org, receiver)
    org.door.server.reload()
    eventually(lambda: publishes(org), timeout=60, what="an answer after the reload")
    receiver.wait_for(2)
    assert processes(org) == before
    end(org, before)


@pytest.mark.parametrize("name", list(SERVERS))
def test_it_outlives_a_stop_of_the_server(auto, receiver, name):
    org = auto(name)
    before = with_a_worker(org, receiver)
    org.door.server.stop_gracefully()
    org.door.server.process.wait(20)
    assert processes(org) == before
    end(org, before)
