"""The command: what it does, its exit status, and its one line of complaint."""

import json
import os
import re
import shutil
import signal
import stat
import subprocess
import uuid

import pytest
from harness import BUILD, NOBODY, Installation, eventually

COMMANDS = [
    "init", "key create", "key list", "key revoke", "deliver", "publish", "recover", "status", "doctor", "backup", "restore",
    "rekey",
]  # fmt: skip


@pytest.fixture(scope="module")
def installation():
    made = Installation()
    yield made
    made.close()


def complaint(done, status=1):
    """The one line on stderr of a command that failed."""
    text = done.stderr.decode()
    assert done.returncode == status, (done.returncode, text)
    assert re.fullmatch(r"hookturn: [^\n]+\n", text), text
    assert done.stdout == b""
    return text


def misuse(done):
    assert done.returncode == 2, (done.returncode, done.stderr)
    assert done.stderr.startswith(b"hookturn") and done.stdout == b""
    return done.stderr.decode()


# ---- help ----


def test_help_names_every_command(installation):
    for words in [["help"], ["--help"]]:
        done = installation.cli(*words, check=True)
        assert done.stderr == b"" and all(name in done.stdout.decode() for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself(installation, command):
    done = installation.cli("help", *command.split(), check=True)
    assert f"hookturn {command}" in done.stdout.decode().replace("[-c CONF] ", "") and done.stderr == b""


def test_the_version_is_one_line(installation):
    assert re.fullmatch(rb"hookturn \d+\.\d+\.\d+\S*\n", installation.cli("--version", check=True).stdout)


def test_help_needs_no_configuration_and_no_store(installation):
    nowhere = {"HOOKTURN_CONF": "/nonexistent/hookturn.conf"}
    assert installation.cli("help", env=nowhere).returncode == 0
    assert installation.cli("--version", env=nowhere).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        [], ["no-such-command"], ["help", "no-such-command"], ["-c"], ["--no-such-option"], ["key"], ["key", "no-such"],
        ["key", "create"], ["key", "create", "--organization"], ["key", "create", "--organization", "no-uuid"],
        ["key", "revoke"], ["key", "list", "extra"], ["init", "extra"], ["deliver", "extra"], ["deliver", "--for"],
        ["deliver", "--for", "soon"], ["deliver", "--sometimes"], ["publish"], ["publish", "A.b"],
        ["publish", "--organization", "no-uuid", "A.b"],
        ["key", "create", "--organization", "8ef8a0ae-9c11-4c23-8f6d-000000000001", "--scope", "everything"],
        ["key", "create", "--organization", "8ef8a0ae-9c11-4c23-8f6d-000000000001", "--expires", "soon"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_is_exit_2(installation, words):
    misuse(installation.cli(*words))


# ---- init ----


def test_init_makes_everything_private_and_refuses_to_overwrite(install):
    installation = install()
    data = installation.data
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "master.key").stat().st_mode) == 0o600
    for path in data.rglob("*"):
        assert not path.stat().st_mode & 0o077 or path.name == "hookturn.conf", path
    before = {path: path.read_bytes() for path in (data / "master.key", data / "hookturn.conf")}
    complaint(installation.cli("init", "--data", data))
    assert all(path.read_bytes() == content for path, content in before.items())


def test_init_without_data_takes_the_home_directory(installation):
    home = installation.directory / "second-home"
    home.mkdir()
    env = {name: value for name, value in installation.env.items() if name != "HOOKTURN_CONF"}
    done = subprocess.run([BUILD / "hookturn", "init"], env={**env, "HOME": str(home)}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (home / ".hookturn/hookturn.conf").exists() and (home / ".hookturn/master.key").exists()


def test_what_init_says_to_type_next_can_be_typed(installation):
    data = installation.directory / "somebody's data"
    done = installation.cli("init", "--data", data, check=True)
    commands = [line for line in done.stdout.decode().splitlines() if line.startswith("  hookturn ")]
    made = subprocess.run(
        commands[0], shell=True, env={**installation.env, "PATH": f"{BUILD}:{os.environ['PATH']}"}, capture_output=True
    )
    assert (made.returncode, made.stderr) == (0, b"") and re.fullmatch(rb"hk_[\w-]{43}\n", made.stdout)


def test_the_sample_names_every_key_with_its_meaning(install):
    sample = install().sample
    for key in ["data_dir", "store", "master_key_file", "secret_grace", "request_timeout", "retry_strategy",
                "retry_attempts", "retry_max_delay", "disable_after", "concurrency", "destination_concurrency",
                "allow_destinations", "deny_ports", "max_subscriptions", "max_waiting", "require_https", "retention",
                "worker", "worker_idle", "base_path", "threads", "max_body", "log_level", "log_file"]:  # fmt: skip
        assert re.search(rf"(?m)^#?\s*{key}\s*=", sample), key


# ---- keys ----


def test_a_key_stands_alone_on_stdout_and_nowhere_else(install):
    installation = install(log_level="debug")
    key = installation.create_key()
    for path in installation.directory.rglob("*"):
        assert not path.is_file() or key.encode() not in path.read_bytes(), path


def test_key_list_shows_all_but_the_keys(install):
    installation = install()
    organization = str(uuid.uuid4())
    keys = [installation.create_key(organization, "read,publish", user="u1", name="first one"),
            installation.create_key(organization, "operate", user="u2", expires="2h")]  # fmt: skip
    first, second = installation.list_keys()
    assert set(first) == {"id", "name", "organization_id", "created_user_id", "scopes", "created_at"}
    assert first["name"] == "first one" and first["organization_id"] == organization
    assert first["created_user_id"] == "u1" and set(first["scopes"]) == {"read", "publish"}
    assert second["scopes"] == ["operate"] and second["expires_at"] > second["created_at"]
    assert second["name"] == "", "a program can rely on the member"
    table = installation.cli("key", "list", check=True).stdout.decode()
    assert first["id"] in table and second["id"] in table
    assert not any(key in table for key in keys)


def test_the_default_scope_is_manage_read_publish(install):
    installation = install()
    installation.cli("key", "create", "--organization", uuid.uuid4(), check=True)
    assert set(installation.list_keys()[0]["scopes"]) == {"manage", "read", "publish"}


def test_revoking_marks_the_key_and_repeating_it_keeps_the_time(install):
    installation = install()
    installation.create_key()
    identity = installation.list_keys()[0]["id"]
    installation.cli("key", "revoke", identity, check=True)
    revoked = installation.list_keys()[0]
    assert revoked["revoked_at"]
    installation.cli("key", "revoke", identity, check=True)
    assert installation.list_keys()[0] == revoked


def test_revoking_an_unknown_key_fails(installation):
    complaint(installation.cli("key", "revoke", "0123456789abcdef01234567"))


# ---- what is missing or wrong: one line that says so ----


def conf_with(installation, text):
    path = installation.directory / f"{uuid.uuid4()}.conf"
    path.write_text(text)
    return path


def test_a_configuration_that_is_missing(installation):
    missing = "/nonexistent/hookturn.conf"
    assert missing in complaint(installation.cli("-c", missing, "key", "list"))
    assert missing in complaint(installation.cli("key", "list", env={"HOOKTURN_CONF": missing}))


def test_a_configuration_that_is_a_directory(installation):
    complaint(installation.cli("-c", installation.directory, "key", "list"))


@pytest.mark.parametrize(
    "line, key",
    [
        ("no_such_key = 1", "no_such_key"),
        ("secret_grace = soon", "secret_grace"),
        ("secret_grace =", "secret_grace"),
        ("request_timeout = -1s", "request_timeout"),
        ("threads = many", "threads"),
        ("threads = 0", "threads"),
        ("max_body = 1x", "max_body"),
        ("require_https = perhaps", "require_https"),
        ("log_level = loud", "log_level"),
        ("worker = sometimes", "worker"),
        ("retry_strategy = LINEAR", "retry_strategy"),
        ("deny_ports = 22 99999", "deny_ports"),
        ("allow_destinations = 10.0.0.0/33", "allow_destinations"),
        ("store = oracle", "store"),
    ],
)
def test_an_error_in_the_configuration_names_file_line_and_key(installation, line, key):
    path = conf_with(installation, f"# a comment\n\ndata_dir = {installation.data}\n{line}\n")
    text = complaint(installation.cli("-c", path, "key", "list"))
    assert key in text
    if key != "store":
        assert f"{path}:4" in text


def test_a_line_that_is_no_setting_is_named(installation):
    path = conf_with(installation, "data_dir\n")
    assert f"{path}:1" in complaint(installation.cli("-c", path, "key", "list"))


def test_the_environment_overrides_the_file_and_its_errors_are_named(installation):
    text = complaint(installation.cli("key", "list", env={"HOOKTURN_SECRET_GRACE": "soon"}))
    assert "SECRET_GRACE" in text.upper()


def test_c_wins_over_the_environment_variable(installation):
    done = installation.cli("-c", installation.conf_path, "key", "list", env={"HOOKTURN_CONF": "/nonexistent"})
    assert done.returncode == 0


def test_a_data_directory_that_does_not_exist(installation):
    path = conf_with(installation, f"data_dir = {installation.directory}/nowhere\n")
    assert "init" in complaint(installation.cli("-c", path, "key", "list"))


def test_a_data_directory_without_a_store(installation):
    empty = installation.directory / "empty"
    empty.mkdir(mode=0o700, exist_ok=True)
    path = conf_with(installation, f"data_dir = {empty}\n")
    complaint(installation.cli("-c", path, "key", "list"))
    assert list(empty.iterdir()) == []


def test_a_master_key_that_is_missing_readable_by_others_or_damaged(install):
    installation = install()
    key = installation.data / "master.key"
    content = key.read_bytes()
    key.chmod(0o644)
    assert "master.key" in complaint(installation.cli("key", "list"))
    key.chmod(0o600)
    assert installation.cli("key", "list").returncode == 0
    key.unlink()
    assert "master.key" in complaint(installation.cli("key", "list"))
    assert not key.exists(), "a lost master key is never replaced silently"
    for damaged in (b"", b"garbage\n", content[:-10], content + b"more\n"):
        key.write_bytes(damaged)
        key.chmod(0o600)
        assert "master.key" in complaint(installation.cli("key", "list"))
    key.write_bytes(content)
    assert installation.cli("key", "list").returncode == 0


# ---- whose data it is ----


def as_nobody():
    return ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


def public_program(installation):
    """A copy of the command where every user may run it."""
    installation.directory.chmod(0o755)
    program = installation.directory / "hookturn"
    shutil.copy(BUILD / "hookturn", program)
    program.chmod(0o755)
    return program


def test_a_user_who_does_not_own_the_data_directory_is_refused(install):
    installation = install()
    if os.geteuid() == 0:
        program = public_program(installation)
        path = installation.directory / "for-nobody.conf"
        path.write_text(f"data_dir = {installation.data}\n")
        path.chmod(0o644)
        done = installation.run_program(program, "-c", path, "key", "list", prefix=as_nobody())
    else:
        done = installation.cli("-c", conf_with(installation, "data_dir = /usr/share\n"), "key", "list")
    complaint(done)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_becomes_the_owner_and_leaves_no_file_of_its_own(install):
    installation = install()
    program = public_program(installation)
    theirs = installation.directory / "theirs"
    theirs.mkdir(mode=0o755)
    os.chown(theirs, NOBODY, NOBODY)
    done = installation.run_program(program, "init", "--data", theirs / "data", prefix=as_nobody())
    assert done.returncode == 0, done.stderr
    words = ["-c", theirs / "data/hookturn.conf", "key", "create", "--organization", uuid.uuid4()]
    done = installation.run_program(program, *words)
    assert done.returncode == 0, done.stderr
    assert {path.stat().st_uid for path in (theirs / "data").rglob("*")} == {NOBODY}


# ---- publish and deliver ----


def test_publish_takes_a_payload_from_stdin_or_a_file(installation):
    organization = uuid.uuid4()
    installation.cli("publish", "--organization", organization, "A.b", stdin=b'{"n": 1}', check=True)
    path = installation.directory / "payload.json"
    path.write_bytes(b'{"n": 2}')
    installation.cli("publish", "--organization", organization, "A.b", path, check=True)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b"{} {}", b'{"a":NaN}', b"[" * 40 + b"]" * 40])
def test_publish_refuses_what_the_api_refuses(installation, payload):
    complaint(installation.cli("publish", "--organization", uuid.uuid4(), "A.b", stdin=payload))


@pytest.mark.parametrize("name", ["A", "Webhook.Test", "A.b.c", "", "A.*"])
def test_publish_refuses_a_wrong_event_name(installation, name):
    done = installation.cli("publish", "--organization", uuid.uuid4(), name, stdin=b"{}")
    assert done.returncode in (1, 2) and done.stderr.count(b"\n") >= 1


def test_publish_names_a_file_that_is_missing(installation):
    assert "/nonexistent" in complaint(
        installation.cli("publish", "--organization", uuid.uuid4(), "A.b", "/nonexistent")
    )


def test_deliver_once_ends_when_nothing_is_due(installation):
    installation.cli("deliver", "--once", check=True, timeout=20)


def test_deliver_for_ends_after_its_time(installation):
    installation.cli("deliver", "--for", "500ms", check=True, timeout=20)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_deliver_ends_cleanly_on_a_signal(installation, name):
    # What is ignored when it starts stays so, and who runs these tests in the background may have some ignored.
    worker = installation.start_worker(preexec_fn=lambda: signal.signal(getattr(signal, name), signal.SIG_DFL))
    worker.child()
    eventually(lambda: installation.cli("key", "list").returncode == 0)
    worker.process.send_signal(getattr(signal, name))
    assert worker.process.wait(15) == 0


def test_a_reader_that_goes_away_does_not_hurt_the_store(installation):
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen([BUILD / "hookturn", "key", "list", "--json"], stdout=write, stderr=subprocess.DEVNULL,
                               env=installation.env)  # fmt: skip
    os.close(write)
    assert process.wait(20) >= 0, "a closed pipe is no signal death"
    assert json.loads(installation.cli("key", "list", "--json", check=True).stdout) is not None
