"""`hookturn doctor`: each check as it is well and as it is not, and that it leaves everything as it was."""

import http.client
import json
import os
import re
import shutil
import subprocess
import threading
import time

import pytest
from api import make_door
from harness import BUILD, NOBODY, eventually, free_port
from stub import QuietHandler, StubServer

OURS = {
    "configuration", "configuration file", "settings", "log file", "data directory", "space", "permissions",
    "master key", "setup file", "store", "API keys", "worker", "worker program", "backlog", "clock", "clock source",
    "libcurl", "TLS trust", "open files", "limits",
}  # fmt: skip
WEB = {"web server", "web server clock", "Authorization"}


def examine(installation, *words, **more):
    """(exit status, {name: finding}); the lines for a person and the JSON must say the same."""
    done = installation.cli("doctor", "--json", *words, **more)
    findings = json.loads(done.stdout)
    for finding in findings:
        assert {"name", "state", "message"} <= set(finding) <= {"name", "state", "message", "remedy"}
        assert finding["state"] in ("ok", "warning", "problem") and finding["message"]
        assert "\n" not in finding["message"] + finding.get("remedy", "")
        assert finding["state"] == "ok" or finding.get("remedy") or re.search(r"[;:] ", finding["message"]), finding
    named = {finding["name"]: finding for finding in findings}
    assert len(named) == len(findings), "one line a check"
    assert done.returncode == (1 if any(finding["state"] == "problem" for finding in findings) else 0)
    return named


def problem(installation, name, *words, **more):
    finding = examine(installation, *words, **more)[name]
    assert finding["state"] == "problem", finding
    return finding


def warning(installation, name, *words, **more):
    finding = examine(installation, *words, **more)[name]
    assert finding["state"] == "warning", finding
    return finding


def states(findings, *left_out):
    return {name: finding["state"] for name, finding in findings.items() if name not in left_out}


@pytest.fixture
def served(install):
    installation = install()
    door = make_door(installation, "lighttpd")
    return installation, door.server.port


# ---- all is well ----


def test_a_healthy_installation_is_ok_but_for_the_missing_worker(install):
    installation = install()
    installation.create_key()
    found = examine(installation)
    assert set(found) == OURS
    worker = found["worker"]
    assert worker["state"] == "warning" and f"-c {installation.conf_path} deliver --for 55s" in worker["remedy"]
    assert set(states(found, "worker", "clock source").values()) == {"ok"}, found


def test_a_person_reads_one_line_a_check(install):
    installation = install()
    done = installation.cli("doctor")
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0 and done.stderr == b"" and len(lines) == len(OURS)
    assert all(re.match(r"(ok      |warning |problem ) [A-Za-z ]+: .", line) for line in lines), lines
    assert f"ok       configuration: {installation.conf_path}" in lines


def files_of(installation):
    """Names of all files but those of the processes that are alive; contents of those that are not the engine's."""
    paths = [path for path in installation.data.rglob("*") if "live" not in path.parts]
    ours = [path for path in paths if path.is_file() and "store" not in path.parts]
    return set(paths), {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in ours}


def test_nothing_is_changed(served):
    installation, port = served
    examine(installation, "--url", f"http://127.0.0.1:{port}")
    before = files_of(installation)
    examine(installation, "--url", f"http://127.0.0.1:{port}")
    assert files_of(installation) == before


def test_no_log_file_is_made(install):
    installation = install(log_file="<data_dir>/not-there-yet.log")
    assert examine(installation)["log file"]["state"] == "ok"
    assert not (installation.data / "not-there-yet.log").exists()


@pytest.mark.parametrize(
    "words", [["extra"], ["--url"], ["--url", "ftp://x"], ["--url", "http://x/?q"], ["--url", "http://x/#f"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_2(install, words):
    done = install().cli("doctor", *words)
    assert done.returncode == 2 and done.stdout == b""


# ---- the configuration ----


def test_a_broken_configuration_is_named_with_file_line_and_key_and_the_rest_goes_on(install):
    installation = install()
    line = installation.conf_path.read_text().count("\n") + 1
    with installation.conf_path.open("a") as file:
        file.write("concurrency = many\n")
    found = examine(installation)
    assert found["configuration"]["state"] == "problem"
    assert found["configuration"]["message"].startswith(f"{installation.conf_path}:{line}: concurrency: ")
    assert {"clock", "TLS trust", "limits"} < set(found) and "store" not in found


def test_without_a_file_the_defaults_hold(install):
    installation = install()
    shutil.copytree(installation.data, installation.home / ".hookturn", ignore=shutil.ignore_patterns("wake"))
    (installation.home / ".hookturn/hookturn.conf").unlink()
    found = examine(installation, env={"HOOKTURN_CONF": ""})
    assert found["configuration"]["message"] == "no file, the defaults hold"
    assert f"{BUILD}/hookturn deliver --for 55s" in found["worker"]["remedy"]


def test_a_configuration_that_others_can_change_is_a_problem(install):
    installation = install()
    installation.conf_path.chmod(0o622)
    assert problem(installation, "configuration file")["remedy"] == f"chmod go-w {installation.conf_path}"


@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": 4, "destination_concurrency": 5}, {"retention": "1h"}, {"disable_after": "1h"},
        {"secret_grace": "10m"}, {"worker": "auto", "worker_idle": "10ms"},
    ],
    ids=lambda settings: list(settings)[-1],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_a_warning(install, settings):
    assert list(settings)[-1] in warning(install(**settings), "settings")["message"]


def test_a_log_file_that_cannot_be_written_is_a_problem(install):
    assert "/nonexistent/x.log" in problem(install(log_file="/nonexistent/x.log"), "log file")["message"]


# ---- the data directory ----


def test_a_missing_data_directory_is_a_problem(install):
    installation = install()
    found = examine(installation, env={"HOOKTURN_DATA_DIR": "/nonexistent/data"})
    assert found["data directory"]["state"] == "problem" and "hookturn init" in found["data directory"]["message"]
    assert "store" not in found


def test_a_data_directory_open_to_others_is_a_problem(install):
    installation = install()
    installation.data.chmod(0o755)
    assert f"chmod 700 {installation.data}" in problem(installation, "data directory")["message"]


def test_a_user_who_does_not_own_the_data_directory_is_told(install):
    installation = install()
    if os.geteuid() == 0:
        program, conf = installation.directory / "hookturn", installation.directory / "for-nobody.conf"
        shutil.copy(BUILD / "hookturn", program)
        conf.write_text(f"data_dir = {installation.data}\n")
        for path, mode in ((installation.directory, 0o755), (program, 0o755), (conf, 0o644)):
            path.chmod(mode)
        prefix = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        done = installation.run_program(program, "-c", conf, "doctor", prefix=prefix)
    else:
        done = installation.cli("doctor", env={"HOOKTURN_DATA_DIR": "/usr/share"})
    assert done.returncode == 1 and b"run it as that user" in done.stdout and b"store:" not in done.stdout


def test_files_open_to_others_are_named_and_counted(install):
    installation = install()
    files = [installation.data / "one", installation.data / "two"]
    for path in files:
        path.write_text("x")
        path.chmod(0o644)
    found = problem(installation, "permissions")
    assert re.search(r"/data/(one|two) is not ours alone, and 1 more", found["message"])
    assert "chmod -R go-rwx" in found["remedy"]


def test_a_program_in_the_data_directory_may_be_read_by_others_but_not_changed(install):
    installation = install()
    program = installation.data / "bin/hookturn"
    program.parent.mkdir(mode=0o755)
    program.touch()
    program.chmod(0o755)
    assert examine(installation)["permissions"]["state"] == "ok"
    program.chmod(0o775)
    assert "bin/hookturn is not ours alone" in problem(installation, "permissions")["message"]
    program.parent.rename(installation.data / "binaries")
    assert examine(installation)["permissions"]["state"] == "problem"


def test_a_configuration_that_others_can_read_is_none(install):
    installation = install()
    installation.conf_path.chmod(0o644)
    assert examine(installation)["permissions"]["state"] == "ok"


def test_the_master_key_is_looked_at_and_never_shown(install):
    installation = install()
    key = installation.data / "master.key"
    secret = key.read_text().split()[-1]
    found = examine(installation)
    assert re.search(r", fingerprint [0-9a-f]{16}$", found["master key"]["message"])
    assert secret not in json.dumps(found)
    key.write_text("garbage\n")
    found = examine(installation)
    assert found["master key"]["state"] == "problem" and "backup" in found["master key"]["message"]
    assert found["store"]["state"] == "problem" and "API keys" not in found
    key.unlink()
    problem(installation, "master key")


# ---- the service ----


def test_a_store_of_a_newer_version_is_a_problem(install):
    installation = install()
    assert examine(installation)["store"]["message"] == "opens (bdb, format 2)"
    (installation.data / "store/format").write_text("hookturn-store 99\n")
    assert "newer hookturn" in problem(installation, "store")["message"]


def test_valid_keys_are_counted_and_none_is_a_warning(install):
    installation = install()
    assert "hookturn key create --organization" in warning(installation, "API keys")["remedy"]
    installation.create_key()
    installation.create_key()
    installation.cli("key", "revoke", installation.list_keys()[0]["id"], check=True)
    assert examine(installation)["API keys"]["message"] == "1 valid"


def test_a_running_worker_is_seen(install):
    installation = install()
    installation.start_worker()
    eventually(lambda: examine(installation)["worker"]["state"] == "ok")


def test_the_program_that_publishing_would_start_is_named(install):
    found = examine(install(worker="auto"))
    assert found["worker program"]["message"] == f"publishing starts {BUILD}/hookturn"
    assert "publishing starts one" in found["worker"]["remedy"]


def test_what_is_due_for_long_is_a_warning(install):
    installation = install(clock=True, allow_destinations="127.0.0.0/8")
    door = make_door(installation, "lighttpd")
    key = installation.create_key(scope="manage,publish")
    headers = [("Authorization", f"Bearer {key}"), ("Content-Type", "application/json")]
    subscription = {"name": "s", "url": f"http://127.0.0.1:{free_port()}/", "enable_signed_webhooks": True}
    for target, body in (("subscription", subscription), ("event", {"event_name": "A.b", "payload": {}})):
        answer = door.request("POST", f"/v1/public/webhook/{target}", headers, json.dumps(body).encode())
        assert answer.status in (201, 202), answer
    installation.deliver_once()  # nobody listens: it is due again in some seconds
    assert examine(installation)["backlog"]["state"] == "ok"
    installation.set_clock(30 * 60_000)
    assert "waited for 29 min" in warning(installation, "backlog")["message"]


# ---- the machine ----


def test_a_clock_that_was_set_back_is_a_problem(install):
    installation = install(clock=True)
    installation.set_clock(3_600_000)
    installation.create_key()
    assert examine(installation)["clock"]["state"] == "ok"
    installation.set_clock(0)
    assert "something was done here at" in problem(installation, "clock")["message"]
    installation.set_clock(-10 * 365 * 86_400_000)
    assert "was not there yet" in problem(installation, "clock")["message"]


def test_missing_certificate_authorities_are_a_problem(install):
    installation = install()
    assert re.match(r"\d+ authorities in /", examine(installation)["TLS trust"]["message"])
    empty = installation.directory / "empty"
    empty.mkdir()
    env = {"SSL_CERT_FILE": str(empty / "none.pem"), "SSL_CERT_DIR": str(empty)}
    found = problem(installation, "TLS trust", env=env)
    assert str(empty / "none.pem") in found["message"] and "SSL_CERT_FILE" in found["remedy"]


def test_limits_of_the_process_are_held_against_the_settings(install):
    installation = install(concurrency=256)
    run = installation.run_program

    def limited(program, *words, **more):
        return run("/usr/bin/env", "bash", "-c", 'ulimit -n 200; ulimit -S -t 3600; exec "$@"', "-", program, *words, **more)

    installation.run_program = limited
    found = examine(installation)
    assert found["open files"]["state"] == "problem" and "ulimit -n 320" in found["open files"]["remedy"]
    assert found["limits"]["message"].startswith("3600 s of processor time")


# ---- the web server ----


class Stub(StubServer):
    """A web server that is not ours: `answer(path, headers)` gives (status, headers, body) of every GET."""

    def __init__(self, answer):
        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                status, headers, body = answer(self.path, self.headers)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() + self.server.ahead)

        super().__init__(Handler)
        self.server.ahead = 0


def forwarding(port, without=()):
    """A proxy that drops some headers."""

    def answer(path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        kept = {name: value for name, value in headers.items() if name.lower() not in (*without, "host")}
        connection.request("GET", path, headers=kept)
        got = connection.getresponse()
        body = got.read()
        connection.close()
        return got.status, [("Content-Type", got.getheader("Content-Type", ""))], body

    return answer


@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_a_web_server_as_it_is_shipped_is_well(served, slashes):
    installation, port = served
    found = examine(installation, "--url", f"http://127.0.0.1:{port}{slashes}")
    assert set(found) == OURS | WEB
    assert {found[name]["state"] for name in WEB} == {"ok"}, found
    assert installation.list_keys() == [], "the key was taken back"


def test_no_key_is_ever_printed(served):
    installation, port = served
    for words in (["--json"], []):
        done = installation.cli("doctor", "--url", f"http://127.0.0.1:{port}", *words)
        assert b"hk_" not in done.stdout + done.stderr
    assert "hk_" not in (installation.directory / "backend.log").read_text()


def test_a_server_that_swallows_authorization_is_found_out(served):
    installation, port = served
    with Stub(forwarding(port, without=("authorization",))) as proxy:
        found = problem(installation, "Authorization", "--url", proxy.url)
    assert "does not hand over" in found["message"] and "CGIPassAuth On" in found["remedy"]
    assert "%{HTTP:Authorization}" in found["remedy"]
    assert installation.list_keys() == []


def test_a_server_that_has_another_store_is_found_out(served, install):
    installation, port = served
    installation.deliver_once()
    other = install()
    found = problem(other, "Authorization", "--url", f"http://127.0.0.1:{port}")
    assert "another store" in found["message"] and str(other.conf_path) in found["remedy"]


@pytest.mark.parametrize(
    ("status", "headers", "body", "message", "remedy"),
    [
        (200, [], b"<html>Welcome</html>", "something else than hookturn", "hookturn.fcgi"),
        (200, [], b'{"status":"ok"}', "something else than hookturn", "hookturn.fcgi"),
        (301, [("Location", "https://other.example/\x1b[2Jx")], b"", "redirects", "--url"),
        (401, [("WWW-Authenticate", 'Basic realm="intern"')], b"", "login of its own", "exempt"),
        (403, [], b"no", "refuses", "ExecCGI"),
        (404, [], b"<html>", "finds nothing", "rewrite"),
        (500, [], b"<html>", "cannot run", "error log"),
        (503, [], b"", "cannot run", "error log"),
        (503, [], b'{"status":503,"message":"the store is recovering","trace_id":"x"}', "the store is recovering", "log"),
        (404, [], b'{"status":404,"message":"no such path","trace_id":"x"}', "no such path", "base_path"),
        (200, [], b'{"status":"ok","version":"9.9.9"}', "hookturn 9.9.9 answers", "one version"),
        (200, [], b"[" * 3000, "something else", "hookturn.fcgi"),
    ],
)  # fmt: skip
def test_each_wrong_answer_has_its_remedy(install, status, headers, body, message, remedy):
    with Stub(lambda *_: (status, headers, body)) as stub:
        found = problem(install(), "web server", "--url", stub.url)
    assert message in found["message"] and remedy in found["remedy"], found
    assert "\x1b" not in found["message"]


def test_no_answer_has_its_remedy(install):
    installation = install()
    found = problem(installation, "web server", "--url", f"http://127.0.0.1:{free_port()}")
    assert "start the web server" in found["remedy"]
    assert installation.list_keys() == []
    with Stub(lambda *_: (200, [], b"")) as stub:
        found = problem(installation, "web server", "--url", stub.url.replace("http:", "https:"))
    assert "certificate" in found["remedy"]


@pytest.mark.parametrize(("ahead", "state"), [(20, "warning"), (-300, "problem")])
def test_a_web_server_with_another_time_is_found_out(served, ahead, state):
    installation, port = served
    with Stub(forwarding(port)) as proxy:
        proxy.server.ahead = ahead
        found = examine(installation, "--url", proxy.url)
    assert found["web server clock"]["state"] == state
    assert ("ahead of" if ahead > 0 else "behind") in found["web server clock"]["message"]


def test_a_signal_ends_it_and_the_key_is_taken_back(served):
    installation, port = served
    asked, go_on = threading.Event(), threading.Event()
    forward = forwarding(port)

    def answer(path, headers):
        if path.endswith("/whoami"):
            asked.set()
            go_on.wait(30)
        return forward(path, headers)

    with Stub(answer) as proxy:
        process = subprocess.Popen(
            [str(installation.command), "doctor", "--url", proxy.url], env=installation.env,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=installation.directory,
        )  # fmt: skip
        assert asked.wait(20) and len(installation.list_keys()) == 1
        process.terminate()
        assert process.wait(8) == 1, "before the request's own time is over"
        assert installation.list_keys() == []
        go_on.set()
        process.communicate()
