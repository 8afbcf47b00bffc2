"""hookturn.fcgi under the real lighttpd with the configuration that is shipped, and under signals."""

import os
import signal
import subprocess
import threading
import time

import pytest
from api import SUBSCRIPTION, Api, Organization, Response, make_door
from fcgi_client import ServerGone
from harness import eventually, is_alive
from lighttpd import PATTERN, Lighttpd
from server import edit, find_program

UNKNOWN = "0123456789abcdef01234567"


@pytest.fixture(params=["fcgi", "lighttpd"])
def running(request, install):
    installation = install()
    return Organization(installation, make_door(installation, request.param))


def test_the_shipped_configuration_is_one_that_lighttpd_accepts(tmp_path):
    (tmp_path / "hookturn.conf").write_text(edit(Lighttpd.shipped.read_text(), PATTERN, {"program": "/bin/true"}))
    conf = tmp_path / "lighttpd.conf"
    conf.write_text(f'server.document-root = "{tmp_path}"\nserver.port = 1\ninclude "{tmp_path}/hookturn.conf"\n')
    done = subprocess.run([find_program("lighttpd"), "-tt", "-f", str(conf)], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_it_shares_the_server_with_a_site(install):
    installation = install()
    door = make_door(installation, "lighttpd")
    (installation.directory / "www/index.txt").write_text("a site")
    (installation.directory / "www/v1x.txt").write_text("not ours")
    assert door.server.request("GET", "/index.txt")[2] == b"a site"
    assert door.server.request("GET", "/v1x.txt")[2] == b"not ours"
    for target in ("/v1", "/v1/", "/v1/x"):
        assert Api(door).get(target).status == 401


def test_the_path_arrives_whole_and_decoded_once(install):
    installation = install()
    org = Organization(installation, make_door(installation, "lighttpd"))
    made = org.api.subscribe()
    headers = [("Authorization", f"Bearer {org.key}")]
    status, _, body = org.door.server.request("GET", f"/v1/public/webhook/subscripti%6Fn/{made['id']}", headers)
    assert status == 200 and made["id"].encode() in body
    response = org.api.get(f"{SUBSCRIPTION}/{UNKNOWN}?x=1")
    assert response.status == 404 and response.json["path"] == f"{SUBSCRIPTION}/{UNKNOWN}"
    assert org.api.create(name="n", url="https://a.example/", enable_signed_webhooks=False).header("Location").startswith(
        f"{SUBSCRIPTION}/"
    )


def answer(org):
    """The status of a read, 0 where the server has none to give."""
    try:
        raw = org.door.request("GET", f"{SUBSCRIPTION}/{UNKNOWN}", [("Authorization", f"Bearer {org.key}")], timeout=10)
        return Response(raw).status
    except (ServerGone, OSError):
        return 0


def test_after_kill_9_requests_are_answered_again_within_a_second(running):
    silences = []
    for _ in range(3):
        assert eventually(lambda: answer(running) == 404)
        eventually(lambda: len(running.door.pids()) == 2)
        for _ in range(4):  # all of them have the store open
            answer(running)
        victim = running.door.pids()[0]
        killed = time.monotonic()
        if running.door.name == "fcgi":
            running.door.pool.kill(victim)
        else:
            os.kill(victim, signal.SIGKILL)
        last_bad = killed
        while time.monotonic() < killed + 1.5:
            if answer(running) != 404:
                last_bad = time.monotonic()
        silences.append(last_bad - killed)
        assert eventually(lambda: answer(running) == 404)
    # The bound holds for an idle machine: on a busy one a single round may be slower.
    assert min(silences) < 1.0, silences


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_who_survives_a_killed_process_starts_anew_without_ending(running):
    """The web server sees nothing of it: a process that ends would have it refuse requests for up to two seconds."""
    counts = []
    for _ in range(4):
        eventually(lambda: len(running.door.pids()) == 2)
        for _ in range(20):  # both have the store open
            eventually(lambda: answer(running) == 404)
        victim, survivor = running.door.pids()
        before = counts or [descriptors(survivor)]
        os.kill(victim, signal.SIGKILL) if running.door.name == "lighttpd" else running.door.pool.kill(victim)
        eventually(lambda: not is_alive(victim), what="the end of the one that was killed")
        time_limit = time.monotonic() + 1
        while time.monotonic() < time_limit:
            answer(running)
        for _ in range(20):
            eventually(lambda: answer(running) == 404)
        assert survivor in running.door.pids()
        counts.append(descriptors(survivor))
        assert counts[-1] <= before[0] + 20, "descriptors stay open from one life to the next"
    if running.door.name == "fcgi":
        assert set(running.door.pool.exits) == {-signal.SIGKILL}


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_polite_signal_ends_one_process_and_no_other_notices(running, name):
    assert eventually(lambda: answer(running) == 404)
    eventually(lambda: len(running.door.pids()) == 2)
    before = running.door.pids()
    os.kill(before[0], getattr(signal, name))
    eventually(lambda: not is_alive(before[0]), what="the process's end")
    assert eventually(lambda: answer(running) == 404)
    time_limit = time.monotonic() + 1
    while time.monotonic() < time_limit:
        status = answer(running)
        assert status == 404 or (status == 503 and running.door.name == "lighttpd")  # its own, of a moment
    assert before[1] in running.door.pids(), "a clean end is no reason for the others to leave"
    if running.door.name == "fcgi":
        assert set(running.door.pool.exits) == {0}


def test_the_request_in_hand_is_finished_on_sigterm(install):
    """Signals in the middle of a stream of requests on one process: none is lost, they wait for the next process."""
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    made, stop, statuses = org.api.subscribe(), threading.Event(), []

    def signals():
        while not stop.is_set():
            for pid in org.door.pids():
                org.door.pool.kill(pid, signal.SIGTERM)
            stop.wait(0.05)

    thread = threading.Thread(target=signals)
    thread.start()
    try:
        for _ in range(500):
            statuses.append(org.api.subscription(made["id"]).status)
    finally:
        stop.set()
        thread.join()
    assert set(statuses) == {200} and len(statuses) == 500
    assert set(org.door.pool.exits) == {0}
