"""After a whole run at debug level no file, no log and no process's arguments hold a secret in any common spelling."""

import base64
import os
import re
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from api import METRICS, SUBSCRIPTION, Organization, make_door
from harness import children_of, eventually
from receiver import Answer
from secret_search import every_spelling, holders, master_key_spellings, process_texts


def test_no_secret_stands_in_clear_anywhere(service, receiver, fixed_retry):
    org = service(log_level="debug")
    installation, api = org.installation, org.api
    installation.configure(log_file=str(installation.directory / "hookturn.log"))
    for pid in org.door.pids():  # the log file counts from the next start on
        org.door.pool.kill(pid, 15)
    header_value = "Bearer subscriber-value-4711-0815"
    receiver.script("/failing", Answer(500, body=b"no"), Answer(200))
    secrets, keys = [], [org.key, org.key_with("read"), org.key_with("publish")]
    for path in ("/one", "/failing"):
        made = api.post(
            SUBSCRIPTION,
            {"name": path, "url": receiver.url(path), "enable_signed_webhooks": True, "retry_policy": fixed_retry},
            headers={"Idempotency-Key": f"make-{path}"},
        )
        assert made.status == 201
        secrets.append(made.json["secret"])
        for number in range(2):
            answers = {api.rotate(made.json["id"], headers={"Idempotency-Key": f"turn-{number}"}).json["secret"] for _ in "ab"}
            assert len(answers) == 1
            secrets += answers
    api.post(
        SUBSCRIPTION,
        {"name": "headers", "url": receiver.url("/headers"), "enable_signed_webhooks": False,
         "headers": {"Authorization": header_value}},
        headers={"Idempotency-Key": "with-headers"},
    )  # fmt: skip
    # Requests that fail, with keys in them: they must not show up in the log either.
    api.with_key(keys[1]).rotate(made.json["id"])
    api.with_key(org.key[:-1] + ("A" if org.key[-1] != "A" else "B")).publish()
    api.post(SUBSCRIPTION, {"name": "x", "headers": {"Host": header_value}})
    api.publish()
    worker = installation.start_worker()
    receiver.wait_for(4)
    assert receiver.at("/headers")[0].header("Authorization") == header_value
    needles = every_spelling(keys, secrets, [header_value])
    texts = process_texts([*org.door.pids(), worker.pid, *children_of(worker.pid)])
    assert len({pid for pid, _, _ in texts}) == 4
    assert [(pid, name) for pid, name, text in texts for needle in needles if needle in text] == []
    assert holders(installation.directory, needles) == []
    assert worker.stop() == 0
    assert holders(installation.directory, needles) == []
    assert (installation.directory / "hookturn.log").stat().st_size > 0


def test_the_search_finds_what_it_is_to_find(tmp_path):
    """The test above is worth something only if it would find a leak."""
    secret = "whsec_" + base64.b64encode(bytes(range(30))).decode()
    needles = every_spelling([], [secret], [])
    for content in (secret.encode(), bytes(range(30)), secret.encode().hex().encode(), base64.b64encode(b"x" + secret.encode() + b"y")):
        (tmp_path / "leak").write_bytes(b"..." + content + b"...")
        assert holders(tmp_path, needles)


# ---- what commands make, and what they and the service say ----

HEADER_VALUE = "Bearer subscriber-value-2342-1138"
NAME = "the one that holds secrets"


def outputs(org):
    """Everything that is printed or answered for a person or a program to read, by its name."""
    cli, api, found = org.installation.cli, org.api, {}
    for words in (["status"], ["status", "--json"], ["doctor"], ["doctor", "--json"], ["key", "list"], ["key", "list", "--json"]):
        done = cli(*words)
        found[" ".join(words)] = done.stdout + done.stderr
    operator = api.with_key(org.key_with("operate"))
    subscription = next(api.pages())["id"]
    found["metrics"] = operator.get(METRICS).body
    found["healthz"] = api.get("/healthz").body
    found["whoami"] = api.get("/v1/whoami").body
    found["list"] = api.page().body
    found["subscription"] = api.subscription(subscription).body
    found["deliveries"] = api.deliveries(subscription).body
    found["subscription by a key for reading"] = api.with_key(org.key_with("read")).subscription(subscription).body
    for name, answer in {
        "400": api.post(SUBSCRIPTION, {"name": "y", "url": "x", "headers": {"Host": HEADER_VALUE}}),
        "401": api.with_key(org.key[:-1] + ("A" if org.key[-1] != "A" else "B")).page(),
        "403": operator.page(),
        "404": api.get(f"{SUBSCRIPTION}/{'0' * 24}"),
        "409": api.create(name=NAME, url="https://hooks.example.com/", enable_signed_webhooks=True, headers={"X": HEADER_VALUE}),
        "415": api.post(SUBSCRIPTION, body=b"x", content_type="text/plain"),
    }.items():
        assert answer.status == int(name)
        found[name] = answer.body
    return found



def test_neither_backups_nor_what_restore_puts_aside_nor_any_output_holds_a_secret(service, receiver, no_retry):
    """The master key stands in its own file and in the backup that was asked to hold it, and nowhere else."""
    org = service(worker="manual", log_level="debug")
    installation, api = org.installation, org.api
    members = {"name": NAME, "url": receiver.url("/in"), "retry_policy": no_retry, "headers": {"X-Token": HEADER_VALUE}}
    made = api.subscribe(**members)
    turned = api.rotate(made["id"], headers={"Idempotency-Key": "turn"}).json["secret"]
    api.publish()
    installation.deliver_once()
    receiver.wait_for(1)
    needles = every_spelling([org.key], [made["secret"], turned], [HEADER_VALUE])
    assert (installation.data / "store/master.proof").stat().st_size > 0
    said = outputs(org)
    masters = master_key_spellings(installation.data / "master.key")
    shown_to_managers = {"list", "subscription"}  # a subscriber's own headers, to who may change them
    for name, text in said.items():
        allowed = every_spelling([], [], [HEADER_VALUE]) if name in shown_to_managers else set()
        assert [needle for needle in (needles - allowed) | masters if needle in text] == [], name

    backups = installation.directory / "backups"
    backups.mkdir()
    for words in ([backups / "plain"], ["--with-key", backups / "with-key"]):
        done = installation.cli("backup", *words, check=True)
        assert not [needle for needle in needles | masters if needle in done.stdout + done.stderr]
    org.door.pool.close()
    installation.cli("rekey", check=True)
    installation.cli("restore", backups / "with-key", check=True)
    masters |= master_key_spellings(installation.data / "master.key")
    assert [path for path in installation.data.iterdir() if path.name.startswith("store") and path.name != "store"]
    assert holders(installation.directory, needles) == []
    with_master = set(holders(installation.directory, masters))
    assert (backups / "with-key/master.key") in with_master
    assert all(path.name.startswith("master.key") for path in with_master), with_master
    assert not [path for path in with_master if (backups / "plain") in path.parents]


def test_a_worker_that_publishing_starts_has_no_key_in_its_arguments_environment_log_or_figures(install, receiver):
    """As plain CGI the request's key is in the environment of the process that starts it."""
    installation = install(worker="auto", worker_idle="60s", allow_destinations="127.0.0.0/8", log_level="debug")
    org = Organization(installation, make_door(installation, "cgi"))
    made = org.api.subscribe(url=receiver.url("/in"), headers={"X-Token": HEADER_VALUE})
    secrets = [made["secret"], org.api.rotate(made["id"]).json["secret"]]
    org.api.publish()
    receiver.wait_for(1)
    needles = every_spelling([org.key], secrets, [HEADER_VALUE]) | master_key_spellings(installation.data / "master.key")
    workers = installation.strays()
    assert len(workers) == 2, "the worker's parent and its child"
    texts = process_texts(workers)
    assert {name for _, name, _ in texts} == ({"cmdline", "environ"} if os.getuid() == 0 else {"cmdline"})
    assert [(pid, name) for pid, name, text in texts for needle in needles if needle in text] == []
    eventually(lambda: (installation.data / "worker.state").stat().st_size > 0)
    assert (installation.data / "worker.log").stat().st_size > 0
    assert {path.name for path in holders(installation.directory, needles)} == {"master.key"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may see the programs' environment")
def test_a_worker_that_a_command_starts_has_not_the_key_of_the_shell_around_it(service, receiver):
    org = service(worker="auto", worker_idle="60s")
    org.api.subscribe(url=receiver.url("/in"))
    settings = {"HOOKTURN_KEY": org.key, "HOOKTURN_LOG_LEVEL": "warn"}
    org.installation.cli("publish", "--organization", org.id, "Order.Created", stdin=b"{}", env=settings, check=True)
    receiver.wait_for(1)
    environments = [text for _, name, text in process_texts(org.installation.strays()) if name == "environ"]
    with_settings = [text for text in environments if b"HOOKTURN_LOG_LEVEL=warn" in text]
    assert len(with_settings) == 2, "settings are handed on to the worker, parent and child"
    assert not any(org.key.encode() in text for text in with_settings)


# ---- cores ----


def allow_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def died_of(process, number):
    """Whether it left a core; it must have died of that signal."""
    status = os.waitpid(process.pid, 0)[1]
    process.returncode = -number
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == number
    return os.WCOREDUMP(status)


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT], ids=["SIGSEGV", "SIGABRT"])
def test_no_program_leaves_a_core(install, receiver, tmp_path, number):
    common = {"cwd": tmp_path, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    try:
        common["preexec_fn"] = allow_cores
        witness = subprocess.Popen(["cat"], **common)
    except subprocess.SubprocessError:
        pytest.skip("this user may not raise the limit of cores")
    witness.send_signal(number)
    if not died_of(witness, number):
        pytest.skip("this machine writes no cores at all")
    for core in tmp_path.iterdir():
        core.unlink()

    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "fcgi"))
    org.api.subscribe(url=receiver.url("/in"))
    # AddressSanitizer would take the signal for a finding of its own.
    common["env"] = {**installation.env, "ASAN_OPTIONS": f"{installation.env['ASAN_OPTIONS']}:handle_segv=0"}
    worker = subprocess.Popen([installation.command, "deliver"], **common)
    child = eventually(lambda: children_of(worker.pid), what="the worker's child")[0]
    org.api.publish()
    receiver.wait_for(1)  # it has signed: the secret was in its memory
    os.kill(child, number)
    eventually(lambda: children_of(worker.pid) not in ([], [child]), what="the child that follows")
    worker.send_signal(number)
    assert not died_of(worker, number)

    listener = {**common, "stdin": org.door.pool.listener}
    program = subprocess.Popen([installation.fcgi], **listener)
    eventually(lambda: b"hookturn.fcgi" in Path(f"/proc/{program.pid}/cmdline").read_bytes())
    eventually(lambda: re.search(r"SigCgt:\s+0*[1-9a-f]", Path(f"/proc/{program.pid}/status").read_text()))
    program.send_signal(number)
    assert not died_of(program, number)
    assert [*tmp_path.iterdir(), *installation.directory.rglob("core*")] == []
