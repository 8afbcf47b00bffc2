"""`worker = auto`: from publishing to a worker that nobody started by hand, and its end."""

import os
import re
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from api import EVENT, Organization, make_door
from harness import eventually, is_alive
from receiver import Answer, Receiver, make_certificate

AUTO = {"worker": "auto", "worker_idle": "60s"}


def stat_fields(pid):
    """From the state on: parent, process group, session, terminal; [] where it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def parent_of(pid):
    return int((stat_fields(pid) or [0, 0])[1])


def background(installation):
    """The processes of background workers, parents and children: the leader of their session has ended."""
    found = []
    for pid in installation.strays():
        fields = stat_fields(pid)
        if fields and fields[0] != "Z" and not Path(f"/proc/{fields[3]}").exists():
            found.append(pid)
    return found


def workers(installation):
    """The pids of the parents of background workers."""
    pids = background(installation)
    return [pid for pid in pids if parent_of(pid) not in pids]


def is_worker(pid):
    try:
        return b"deliver" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False


def end_workers(org):
    """True when none is left; one may still be about to start."""
    for pid in workers(org.installation):
        os.kill(pid, signal.SIGTERM)
    return not any(is_worker(pid) for pid in org.installation.strays())


def runs(org):
    return org.api.get("/healthz").json["worker"]["running"]


@pytest.fixture(params=["fcgi", "lighttpd"])
def auto(request, install):
    """auto(**conf) → an Organization of a new installation with `worker = auto`."""

    def make(**conf):
        installation = install(**{"allow_destinations": "127.0.0.0/8", **AUTO, **conf})
        return Organization(installation, make_door(installation, request.param))

    return make


def test_an_event_for_an_idle_installation_is_delivered_within_two_seconds(auto, receiver):
    org = auto()
    org.api.subscribe(url=receiver.url("/in"))
    assert not runs(org)
    published = time.monotonic()
    event = org.api.publish().json["event_id"]
    receiver.wait_for(1, timeout=10)
    assert time.monotonic() - published < 2
    assert receiver.deliveries[0].event_id == event and runs(org)


def test_a_herd_of_publishers_starts_one_worker(auto, receiver):
    org = auto()
    org.api.subscribe(url=receiver.url("/in"))
    with ThreadPoolExecutor(16) as crowd:
        statuses = list(crowd.map(lambda _: org.api.publish().status, range(64)))
    assert statuses == [202] * 64
    receiver.wait_for(64)
    assert len(workers(org.installation)) == 1
    log = (org.installation.data / "worker.log").read_text()
    assert log.count("event=worker_start ") == 1


def test_events_that_concern_nobody_start_none(auto):
    org = auto()
    org.api.subscribe(url="https://hooks.example.com/", events=["Other.Event"])
    assert org.api.publish().json["delivery_count"] == 0
    org.api.get("/healthz")
    assert workers(org.installation) == [] and not (org.installation.data / "worker.start").exists()


def test_manual_never_starts_one(auto):
    org = auto(worker="manual")
    org.api.subscribe(url="https://hooks.example.com/")
    assert org.api.publish().json["delivery_count"] == 1
    assert org.installation.cli("publish", "--organization", org.id, "Order.Created", stdin=b"{}", check=True)
    assert workers(org.installation) == [] and not runs(org)


def test_it_ends_when_it_was_idle_for_worker_idle_and_the_next_event_starts_another(auto, receiver):
    org = auto(worker_idle="300ms")
    org.api.subscribe(url=receiver.url("/in"))
    for number in range(1, 4):
        org.api.publish()
        receiver.wait_for(number)
        eventually(lambda: not runs(org), what="the worker's end")
        eventually(lambda: workers(org.installation) == [], what="the end of its processes")


def test_no_event_is_missed_while_workers_come_and_go(auto, receiver):
    """The worker ends as often as it can; whoever publishes just then must not rely on it."""
    org = auto(worker_idle="1ms")
    org.api.subscribe(url=receiver.url("/in"))
    published = []
    for number in range(60):
        published.append(org.api.publish().json["event_id"])
        if number % 3 == 0:
            receiver.wait_for(number + 1, timeout=5)
    receiver.wait_for(60, timeout=10)
    assert sorted(delivery.event_id for delivery in receiver.deliveries) == sorted(published)


def test_a_retry_needs_no_further_publisher(auto, receiver, fixed_retry):
    org = auto(worker_idle="100ms")
    receiver.script("/in", Answer(500), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=fixed_retry)
    org.api.publish()
    receiver.wait_for(2, timeout=10)
    eventually(lambda: not runs(org), what="the worker's end")


def test_what_a_paused_subscription_has_waiting_keeps_no_worker(auto, receiver):
    org = auto(worker_idle="300ms")
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    assert org.api.publish().json["delivery_count"] == 1
    eventually(lambda: not runs(org), what="the worker's end")
    assert receiver.deliveries == []
    assert org.api.patch(made["id"], {"active": True}).status == 200  # and that starts one again
    receiver.wait_for(1, timeout=5)


def test_publishing_on_the_command_line_starts_one_as_well(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8", **AUTO)
    org = Organization(installation, make_door(installation, "fcgi"))
    org.api.subscribe(url=receiver.url("/in"))
    done = installation.cli("publish", "--organization", org.id, "Order.Created", stdin=b'{"n": 1}', check=True)
    receiver.wait_for(1, timeout=5)
    assert b"No worker" not in done.stdout and len(workers(installation)) == 1


def test_it_belongs_to_nobody_and_inherits_nothing(auto, receiver):
    org = auto(log_level="info")
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    receiver.wait_for(1)
    (parent,) = workers(org.installation)
    (child,) = eventually(lambda: [pid for pid in background(org.installation) if parent_of(pid) == parent])
    for pid in (parent, child):
        fields = stat_fields(pid)
        assert int(fields[4]) == 0, "no terminal"
        assert int(fields[3]) not in {os.getsid(server) for server in org.door.pids()}, "its own session"
        names = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        data = str(org.installation.data)
        foreign = [name for name in names if not name.startswith((data, "/dev/null", "anon_inode", "socket:", "pipe:"))]
        assert foreign == []
        if pid == parent:  # the child has sockets of its own: to receivers, and what libcurl wakes itself with
            assert not any(name.startswith(("socket:", "pipe:")) for name in names), names
        assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null" and os.readlink(f"/proc/{pid}/cwd") == "/"
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        assert org.key.encode() not in environment and b"HTTP_" not in environment
        settings = (b"HOOKTURN_", b"HOME=", b"SSL_CERT_FILE=", b"SSL_CERT_DIR=")
        assert all(word.startswith(settings) for word in environment.split(b"\0") if word)
    assert parent_of(parent) not in org.door.pids()


def test_it_outlives_the_processes_that_started_it(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8", **AUTO)
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    receiver.wait_for(1)
    before = workers(installation)
    (pid,) = org.door.pids()
    org.door.pool.kill(pid, signal.SIGTERM)
    eventually(lambda: not is_alive(pid))
    eventually(lambda: org.api.publish().status == 202)
    receiver.wait_for(2)
    assert workers(installation) == before


def test_a_killed_one_is_replaced_with_the_next_event(auto, receiver):
    org = auto()
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=200)
    org.api.publish()
    receiver.wait_for(1)
    for pid in background(org.installation):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: workers(org.installation) == [])
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    eventually(lambda: org.door.request("GET", "/healthz").status == 200)
    eventually(lambda: org.api.publish(headers=headers).status == 202)
    receiver.wait_for(2, timeout=15)


def test_after_a_recovery_one_runs_again_without_another_event(auto, receiver):
    """Whoever was answered just before may not have come to starting one."""
    org = auto()
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    receiver.wait_for(1)
    for pid in background(org.installation):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: workers(org.installation) != [], what="another worker")


def test_crons_worker_beside_it_is_safe(auto, receiver):
    """Both share the work, nothing is sent twice; and when cron's is over, nothing is left behind."""
    org = auto(worker_idle="200ms")
    org.api.subscribe(url=receiver.url("/in"))
    stop, published = threading.Event(), []

    def publish():
        while not stop.is_set():
            published.append(org.api.publish().json["event_id"])

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(3):
            cron = org.installation.start_worker("--for", "700ms")
            assert cron.process.wait(20) == 0
    finally:
        stop.set()
        thread.join()
    receiver.wait_for(len(published), timeout=10)
    assert sorted(delivery.event_id for delivery in receiver.deliveries) == sorted(published)


def test_what_comes_at_the_end_of_crons_worker_is_delivered_at_once(auto, receiver):
    """Whoever publishes sees that one runs, starts none, and it ends the moment after."""
    org = auto()
    org.api.subscribe(url=receiver.url("/in"))
    for number in range(1, 9):
        cron = org.installation.start_worker("--for", "150ms")
        eventually(lambda: runs(org) or cron.process.poll() is not None)
        time_limit = time.monotonic() + 0.02 * number  # at another moment of its end each time
        while time.monotonic() < time_limit:
            org.api.get("/healthz")
        published = time.monotonic()
        org.api.publish()
        receiver.wait_for(number, timeout=10)
        assert time.monotonic() - published < 2
        assert cron.process.wait(20) == 0
        eventually(lambda: end_workers(org), what="the end of all workers")


def test_detach_by_hand_starts_one_and_a_second_time_none(install):
    installation = install(**AUTO)
    installation.cli("-c", installation.conf_path, "deliver", "--detach", check=True)
    started = workers(installation)
    assert len(started) == 1
    done = installation.cli("-c", installation.conf_path, "deliver", "--detach", check=True)
    assert workers(installation) == started and done.stdout == b"" and done.stderr == b""
    os.kill(started[0], signal.SIGTERM)
    eventually(lambda: workers(installation) == [], what="its end after SIGTERM")
    assert re.search(r"event=worker_end status=ok", (installation.data / "worker.log").read_text())


def test_a_start_that_fails_is_logged_and_costs_no_event(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8", **AUTO)
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    org.api.subscribe(url=receiver.url("/in"))
    (installation.data / "worker.log").mkdir()  # no worker can open it
    for _ in range(5):
        assert org.api.publish().status == 202
    text = eventually(lambda: (installation.directory / "stderr.log").read_text().count("worker_start_failed"))
    assert text == 1, "not with every event"
    assert receiver.deliveries == []
    (installation.data / "worker.log").rmdir()
    eventually(lambda: org.api.publish().status == 202 and runs(org), what="a start after a pause")
    eventually(lambda: len(receiver.deliveries) >= 6)


def test_the_program_is_found_when_hookturn_fcgi_was_copied_elsewhere(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8", **AUTO)
    alone = installation.directory / "public_html"
    alone.mkdir()
    copy = alone / "hookturn.fcgi"
    copy.write_bytes(installation.fcgi.read_bytes())
    copy.chmod(0o755)

    class Elsewhere(type(installation)):
        fcgi = copy

    installation.__class__ = Elsewhere
    org = Organization(installation, make_door(installation, "fcgi"))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    receiver.wait_for(1, timeout=5)


def test_settings_from_the_environment_hold_in_the_worker_as_well(install, receiver):
    installation = install(worker="auto")
    installation.env["HOOKTURN_ALLOW_DESTINATIONS"] = "127.0.0.0/8"
    org = Organization(installation, make_door(installation, "fcgi"))
    org.api.subscribe(url=receiver.url("/in"))
    assert org.api.post(EVENT, {"event_name": "A.b", "payload": {}}).status == 202
    receiver.wait_for(1, timeout=5)


@pytest.mark.parametrize("kind", ["fcgi", "cgi"])
def test_the_authorities_of_the_environment_hold_in_the_worker_as_well(install, tmp_path, kind):
    installation = install(worker="auto", allow_destinations="127.0.0.0/8")
    certificate = make_certificate(tmp_path)
    installation.env["SSL_CERT_FILE"] = str(certificate[0])
    org = Organization(installation, make_door(installation, kind))
    with Receiver(tls=certificate) as receiver:
        org.api.subscribe(url=receiver.url("/in", host="localhost"))
        org.api.publish()
        receiver.wait_for(1, timeout=5)
