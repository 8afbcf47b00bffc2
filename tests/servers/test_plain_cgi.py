"""hookturn.fcgi as plain CGI without a server: the process's own limits, a reader that goes away, and its exit status."""

import os
import signal
import subprocess

import pytest
from api import EVENT, SUBSCRIPTION, Organization, cgi_params, make_door
from fcgi_client import parse_cgi
from harness import eventually

UNKNOWN = "0123456789abcdef01234567"
BODY = b'{"event_name":"A.b","payload":{"p":"' + b"x" * 3000 + b'"}}'


@pytest.fixture
def org(install):
    installation = install()
    return Organization(installation, make_door(installation, "cgi"))


def params(org, method, target, body=None):
    headers = [("Authorization", f"Bearer {org.key}"), ("Content-Type", "application/json")]
    return {name: str(value) for name, value in cgi_params(method, target, headers, body).items()}


def start(org, method, target, body=None, prefix=(), **more):
    return subprocess.Popen(
        [*org.installation.as_user, *prefix, str(org.installation.fcgi)],
        stdin=subprocess.PIPE,
        stderr=org.installation.stderr,
        env={**org.installation.env, **params(org, method, target, body)},
        **more,
    )


LIMITS = {
    "descriptors": "--nofile=16",
    "memory": "--as=268435456",
    "processes": "--nproc=1",
    "file size": "--fsize=4096",
    "processor time": "--cpu=2",
}


NOT_UNDER_SANITIZERS = {
    "descriptors": "Berkeley DB leaks a handle of its own when a file cannot be opened, and the leak checker says so",
    "memory": "the sanitizers need terabytes of addresses",
    "processes": "the leak checker needs a process of its own at the end",
}


def is_sanitized(org):
    return b"__asan_init" in org.installation.fcgi.read_bytes()


@pytest.mark.parametrize("name", LIMITS)
def test_under_a_hosts_limits_the_answer_is_an_orderly_one(org, name):
    if name in NOT_UNDER_SANITIZERS and is_sanitized(org):
        pytest.skip(NOT_UNDER_SANITIZERS[name])
    made = org.api.subscribe()
    org.installation.give_away()
    for method, target, body in (("GET", f"{SUBSCRIPTION}/{made['id']}", None), ("POST", EVENT, BODY)):
        process = start(org, method, target, body, prefix=["prlimit", LIMITS[name]], stdout=subprocess.PIPE)
        out, _ = process.communicate(body or b"", 30)
        answer = parse_cgi(out)
        assert answer.status in (200, 202, 500, 503), answer
        assert answer.status < 500 or b'"trace_id"' in answer.body
        assert process.returncode == 0
    # Whatever came of it, the store is whole and takes the next one.
    assert org.api.publish().status == 202
    assert org.api.subscription(made["id"]).status == 200


def recoveries(org):
    return (org.installation.directory / "stderr.log").read_text(errors="replace").count("event=recovery")


def live_entries(org):
    return list(org.installation.data.rglob("live/*"))


@pytest.mark.parametrize("method, target, body", [("GET", "/v1/openapi.json", None), ("POST", EVENT, BODY)])
def test_a_reader_that_has_gone_ends_it_quietly_and_leaves_the_store_clean(org, method, target, body):
    assert org.api.publish().status == 202
    before = recoveries(org)
    reader, writer = os.pipe()
    os.close(reader)
    process = start(org, method, target, body, stdout=writer)
    os.close(writer)
    process.communicate(body or b"", 30)
    assert process.returncode == 0
    assert org.api.publish().status == 202
    assert live_entries(org) == [] and recoveries(org) == before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1", "SIGHUP", "SIGINT", "SIGPIPE"])
def test_a_signal_in_the_middle_of_the_request_does_not_cost_the_answer(org, name):
    process = start(org, "POST", EVENT, BODY, stdout=subprocess.PIPE)
    process.stdin.write(BODY[:100])
    process.stdin.flush()
    program = f"/proc/{process.pid}/status"
    number = getattr(signal, name)

    def is_prepared():
        fields = dict(line.split(":\t", 1) for line in open(program).read().splitlines() if ":\t" in line)
        return any(int(fields[name], 16) >> (number - 1) & 1 for name in ("SigBlk", "SigIgn", "SigCgt"))

    eventually(is_prepared, what="the program's start")
    process.send_signal(number)
    out, _ = process.communicate(BODY[100:], 30)
    assert parse_cgi(out).status == 202 and process.returncode == 0


def test_many_at_once_each_get_their_answer(org):
    org.api.subscribe()
    processes = [start(org, "POST", EVENT, BODY, stdout=subprocess.PIPE) for _ in range(20)]
    outs = [process.communicate(BODY, 60)[0] for process in processes]
    assert [parse_cgi(out).status for out in outs] == [202] * 20
    assert len({out.rpartition(b"event_id")[2][:40] for out in outs}) == 20


def test_without_a_web_server_it_says_what_it_is_for(org):
    done = org.installation.run_program(org.installation.fcgi)
    assert done.returncode == 2 and done.stdout == b"" and b"web server" in done.stderr
