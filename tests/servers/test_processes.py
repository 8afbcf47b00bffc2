"""Processes that end in the middle of their work, politely or not, behind each server: clients get an answer, soon."""

import os
import shutil
import signal
import subprocess
import threading
import time

import pytest
from api import SERVERS, SUBSCRIPTION, Organization, Response, make_door
from crowd import Clients
from fcgi_client import ServerGone
from harness import ROOT, eventually, is_alive

UNKNOWN = "0123456789abcdef01234567"
LASTING = [name for name in ("fcgi", *SERVERS) if "cgid" not in name or "fcgid" in name]
LASTING.remove("lighttpd-cgi")
# From kill -9 to the next answered request. mod_fcgid notices a process's end when it looks for it.
SILENCE_S = {"apache-fcgid": 3, "htaccess-fcgid": 3}
CLIENTS = 8

lasting = pytest.mark.parametrize("own", LASTING, indirect=True)


def ask(org, timeout=15):
    """The status of a read, 0 where the server has none to give."""
    try:
        raw = org.door.request("GET", f"{SUBSCRIPTION}/{UNKNOWN}", [("Authorization", f"Bearer {org.key}")], timeout=timeout)
        return Response(raw).status
    except (ServerGone, OSError):
        return 0


class Readers(Clients):
    """They ask all the time; when each answer came, what it was, and how long it took."""

    def __init__(self, org):
        super().__init__(CLIENTS)
        self.org, self.answers = org, []

    def once(self):
        started = time.monotonic()
        status = ask(self.org)
        now = time.monotonic()
        self.answers.append((now, status, now - started))

    def good_since(self, moment):
        return [at for at, status, _ in list(self.answers) if at >= moment and status == 404]


def warm(org):
    """All processes that there will be have the store open."""
    with Readers(org) as readers:
        eventually(lambda: len(readers.good_since(0)) > 100)
    return eventually(org.door.pids, what="a process")


@lasting
def test_after_kill_9_requests_are_answered_again_soon_and_nobody_hangs(own):
    silences = []
    for _ in range(3):
        victim = warm(own)[0]
        with Readers(own) as readers:
            eventually(lambda: len(readers.answers) > 20)
            killed = time.monotonic()
            own.door.kill(victim)
            # All of them, not one: who shared the store with it leaves it, too.
            eventually(lambda: len(readers.good_since(killed + 0.2)) > 3 * CLIENTS)
        moments = [killed, *sorted(readers.good_since(killed))]
        silences.append(max(after - before for before, after in zip(moments, moments[1:])))
        assert max(took for _, _, took in readers.answers) < 12
    # The bound holds for an idle machine: on a busy one a single round may be slower.
    assert min(silences) < SILENCE_S.get(own.door.name, 1), silences


@lasting
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_polite_signal_ends_one_process_in_the_middle_of_requests_and_costs_no_answer(own, name):
    victim = warm(own)[0]
    others = [pid for pid in own.door.pids() if pid != victim]
    with Readers(own) as readers:
        eventually(lambda: len(readers.answers) > 20)
        own.door.kill(victim, getattr(signal, name))
        eventually(lambda: not is_alive(victim), what="the process's end")
        ended = time.monotonic()
        eventually(lambda: len(readers.good_since(ended)) > 50)
    statuses = {status for _, status, _ in readers.answers}
    # lighttpd and mod_fcgid hold a process's connections themselves: who was about to be handed over gets their 5xx.
    own_errors = {500, 503} if own.door.name in ("lighttpd", "apache-fcgid", "htaccess-fcgid") else set()
    assert statuses <= {404} | own_errors, statuses
    bad = [answer for answer in readers.answers if answer[1] != 404]
    assert len(bad) <= 2 * CLIENTS, bad
    if own.door.name in ("fcgi", "lighttpd"):
        assert set(others) <= set(own.door.pids()), "a clean end is no reason for the others to leave"
    if own.door.name == "fcgi":
        eventually(lambda: own.door.pool.exits, what="the status of the one that ended")
        assert set(own.door.pool.exits) == {0}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("own", ["fcgi", "lighttpd"], indirect=True)
def test_who_survives_a_killed_process_starts_anew_without_ending(own):
    """The web server sees nothing of it: a process that ends would have it refuse requests for up to two seconds."""
    counts = []
    for _ in range(4):
        eventually(lambda: len(own.door.pids()) == 2)
        for _ in range(20):  # both have the store open
            eventually(lambda: ask(own) == 404)
        victim, survivor = own.door.pids()
        before = counts or [descriptors(survivor)]
        own.door.kill(victim)
        eventually(lambda: not is_alive(victim), what="the end of the one that was killed")
        time_limit = time.monotonic() + 1
        while time.monotonic() < time_limit:
            ask(own)
        for _ in range(20):
            eventually(lambda: ask(own) == 404)
        assert survivor in own.door.pids()
        counts.append(descriptors(survivor))
        assert counts[-1] <= before[0] + 20, "descriptors stay open from one life to the next"
    if own.door.name == "fcgi":
        assert set(own.door.pool.exits) == {-signal.SIGKILL}


def test_the_request_in_hand_is_finished_on_sigterm(install):
    """Signals in the middle of a stream of requests on one process: none is lost, they wait for the next process."""
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    made, stop, statuses = org.api.subscribe(), threading.Event(), []

    def signals():
        while not stop.is_set():
            for pid in org.door.pids():
                org.door.kill(pid, signal.SIGTERM)
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


@pytest.mark.parametrize("own", ["apache-cgid", "lighttpd-cgi", "htaccess-cgid"], indirect=True)
def test_a_plain_cgi_process_that_is_killed_costs_no_other_request(own):
    stop = threading.Event()

    def kill():
        while not stop.wait(0.02):
            for pid in own.door.pids()[:1]:
                own.door.kill(pid)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        answers = [ask(own) for _ in range(60)]
    finally:
        stop.set()
        killer.join()
    assert set(answers) <= {404, 500, 503, 0}
    started = time.monotonic()
    eventually(lambda: ask(own) == 404)
    assert time.monotonic() - started < 3


UNITS = ("hookturn-fcgi.socket", "hookturn-fcgi.service")


def test_the_units_are_ones_that_systemd_accepts(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is missing: on Debian it is in the package systemd")
    for name in UNITS:
        text = (ROOT / "conf" / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/local/lib/cgi-bin/hookturn.fcgi", "/bin/true"))
    done = subprocess.run([analyze, "verify", *(str(tmp_path / name) for name in UNITS)], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "hookturn" in line]
    assert done.returncode == 0 and not said, done.stderr
