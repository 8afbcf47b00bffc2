"""A store that cannot be used as it is: one clear line from every command, the contract's error for the client, and nothing
made worse: once the cause is gone all is there again."""

import itertools
import os
import re
import shutil
import stat
import subprocess

import pytest
from api import SUBSCRIPTION, Api, Organization, make_door
from fault import complaint
from harness import BUILD

PLACES = {"ORGANIZATION", "SUBSCRIPTION", "KEY", "COPY", "BACKUP"}  # in the words below; see words_of
COMMANDS = [
    "key create --organization ORGANIZATION",
    "key list",
    "key revoke KEY",
    "publish --organization ORGANIZATION A.b",
    "recover SUBSCRIPTION --since 2026-01-01T00:00:00Z",
    "status",
    "deliver --once",
    "backup COPY",
    "restore BACKUP",
    "rekey",
    "purge",
    "doctor",
]
REMEDIES = ["restore BACKUP"]  # works where the store is damaged
# What every process that comes by writes or removes: the gate's files and Berkeley DB's, and what may be made anew.
UNSTABLE = re.compile(r"store/(gate|epoch|ready|reserve|live(/.*)?|wake|__db\.\d+|log\.\d+)|worker\..*|rekey\.lock|restoring(/.*)?")


@pytest.fixture
def org(install):
    installation = install()
    made = Organization(installation, make_door(installation, "cgi"))
    made.subscription = made.api.subscribe()
    made.backup, made.copy = installation.directory / "backup", installation.directory / "copy"
    installation.cli("backup", "--with-key", made.backup, check=True)
    return made


# --- what everybody says ---


def words_of(org, command):
    key = org.key_id if "KEY" in command.split() else None
    values = {"ORGANIZATION": org.id, "SUBSCRIPTION": org.subscription["id"], "KEY": key, "COPY": org.copy,
              "BACKUP": org.backup}  # fmt: skip
    return [values.get(word, word) for word in command.split()]


@pytest.fixture(autouse=True)
def remember_key(org):
    (org.key_id,) = [key["id"] for key in org.installation.list_keys() if key["organization_id"] == org.id]


def run(org, command, **more):
    return org.installation.cli(*words_of(org, command), stdin=b"{}", **more)


def said(command, done):
    """The one line of a command that failed; what doctor finds stands on the standard output."""
    if command != "doctor" or b"hookturn: " in done.stderr:
        return complaint(done)
    (line,) = [line for line in done.stdout.decode().splitlines() if line.startswith("problem")][:1]
    assert done.returncode == 1, done
    return line


def check_commands(org, word, commands=COMMANDS, **more):
    for command in commands:
        assert re.search(word, said(command, run(org, command, **more))), command
        assert not org.copy.exists(), "something that looks like a backup"


def check_requests(org, statuses):
    read = f"{SUBSCRIPTION}/{org.subscription['id']}"
    for method, path in [("GET", read), ("POST", f"{read}/rotate/secret"), ("GET", "/v1/whoami")]:
        response = org.api.call(method, path)
        assert response.status in statuses, (method, path, response)
    assert Api(org.door).get("/healthz").status == 503


def check_all_is_there(org):
    response = org.api.subscription(org.subscription["id"])
    assert response.status == 200 and len(response.json["signing_secrets"]) == 1
    assert org.api.rotate(org.subscription["id"]).status == 200
    assert org.api.publish().status == 202
    for command in ["key list", "status", "deliver --once", "doctor"]:
        assert run(org, command).returncode == 0, command


def contents(org, unstable=UNSTABLE):
    """All files and directories of the data directory with their modes, less what always changes."""
    found = {}
    for path in org.installation.data.rglob("*"):
        name = str(path.relative_to(org.installation.data))
        if not unstable.fullmatch(name):
            about = path.lstat()
            found[name] = about.st_mode, about.st_uid, path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
    return found


UNTOUCHED = re.compile(r"worker\.(lock|program)")  # notes of who is there, made before the store is looked at


def check_refusal(org, word, statuses=frozenset({500, 503}), commands=COMMANDS, unstable=UNSTABLE):
    before = contents(org, unstable)
    check_commands(org, word, commands)
    check_requests(org, statuses)
    after = contents(org, unstable)
    assert after == before, [name for name in after | before if after.get(name) != before.get(name)]


# --- the directory ---

READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def test_a_data_directory_that_cannot_be_written(org):
    installation = org.installation
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "--user", "--map-current-user", "--keep-caps", "-m"]
    prefix = [*namespace, "sh", "-c", READ_ONLY, str(installation.data)]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    before = contents(org, UNTOUCHED)
    check_commands(org, "Read-only", prefix=prefix)
    installation.as_user = prefix
    check_requests(org, {500, 503})
    installation.as_user = []
    assert contents(org, UNTOUCHED) == before
    check_all_is_there(org)


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_data_directory_that_others_may_enter(org, mode):
    org.installation.data.chmod(mode)
    try:
        check_refusal(org, "chmod 700", unstable=UNTOUCHED)
    finally:
        org.installation.data.chmod(0o700)
    check_all_is_there(org)


def test_a_data_directory_of_another_user(org):
    """Root becomes that user, who cannot come to what is root's; another user is told whose it is."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    installation = org.installation
    for path in (installation.directory, *installation.directory.rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    installation.directory.chmod(0o755)
    prefix = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"]
    before = contents(org, UNTOUCHED)
    conf = installation.directory / "elsewhere.conf"
    shutil.copy(installation.conf_path, conf)
    conf.chmod(0o644)
    installation.env["HOOKTURN_CONF"] = str(conf)
    check_commands(org, "user 65534|Permission denied", prefix=prefix)
    installation.as_user = prefix
    check_requests(org, {500, 503})
    assert contents(org, UNTOUCHED) == before
    installation.as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    check_all_is_there(org)


def test_a_data_directory_on_a_network_file_system(org):
    installation = org.installation
    before = contents(org, UNTOUCHED)
    for command in COMMANDS:
        done = installation.run_program(
            BUILD / "tests/hookturn-fault", *words_of(org, command), stdin=b"{}", env={"HOOKTURN_FAULT_NETWORK": "1"}
        )
        assert "NFS" in said(command, done) and "data_dir" in said(command, done), command
    params = {"REQUEST_METHOD": "GET", "PATH_INFO": "/healthz", "SCRIPT_NAME": "", "GATEWAY_INTERFACE": "CGI/1.1"}
    done = installation.run_program(BUILD / "tests/hookturn-fault.fcgi", env={**params, "HOOKTURN_FAULT_NETWORK": "1"})
    assert done.stdout.startswith(b"Status: 503") and b"NFS" in done.stderr, done
    assert contents(org, UNTOUCHED) == before
    check_all_is_there(org)


# --- the master key ---


def test_the_master_key_of_another_installation(org, install):
    key = org.installation.data / "master.key"
    kept = key.read_bytes()
    shutil.copy(install().data / "master.key", key)
    check_refusal(org, "master", commands=[command for command in COMMANDS if command not in REMEDIES])
    key.write_bytes(kept)
    check_all_is_there(org)


@pytest.mark.parametrize("text", [None, b"", b"hookturn-master-key 1\nnonsense\n"], ids=["missing", "empty", "damaged"])
def test_a_master_key_that_is_missing_or_damaged(org, text):
    key = org.installation.data / "master.key"
    kept = key.read_bytes()
    key.unlink() if text is None else key.write_bytes(text)
    check_refusal(org, "master", commands=[command for command in COMMANDS if command not in REMEDIES])
    key.touch(0o600)
    key.write_bytes(kept)
    check_all_is_there(org)


def test_a_master_key_that_others_may_read(org):
    key = org.installation.data / "master.key"
    key.chmod(0o644)
    check_refusal(org, "master.key")
    key.chmod(0o600)
    check_all_is_there(org)


def test_a_master_key_that_was_put_in_front_of_the_old_one_is_the_stores_from_then_on(org, install):
    path = org.installation.data / "master.key"
    head, old = path.read_text().splitlines()
    _, new = (install().data / "master.key").read_text().splitlines()
    path.write_text(f"{head}\n{new}\n{old}\n")
    check_all_is_there(org)
    path.write_text(f"{head}\n{new}\n")
    assert org.installation.cli("key", "list").returncode == 0
    path.write_text(f"{head}\n{old}\n")
    assert "master" in complaint(org.installation.cli("key", "list"))


# --- the store ---

SUFFERERS = [command for command in COMMANDS if command not in REMEDIES]


@pytest.mark.parametrize("text, word", [(b"hookturn-store 999\n", "newer"), (b"something else\n", "damaged"), (b"", "damaged")])
def test_a_store_of_another_form(org, text, word):
    path = org.installation.data / "store/format"
    kept = path.read_bytes()
    path.write_bytes(text)
    check_refusal(org, word, commands=SUFFERERS)
    path.write_bytes(kept)
    check_all_is_there(org)


def remove_regions(store):
    """The pages in memory; the next one who opens the store recovers it."""
    for path in [*store.glob("__db.*"), store / "ready"]:
        path.unlink(missing_ok=True)


def settle(org):
    """All that the store holds is in its tables' files alone."""
    store = org.installation.data / "store"
    remove_regions(store)
    assert org.installation.cli("key", "list").returncode == 0  # recovery
    remove_regions(store)
    return sorted(store.glob("*.db"))


DAMAGES = {"missing": None, "empty": lambda kept: b"", "garbage": lambda kept: b"\xa5" * len(kept)}


def damage(path, kind):
    kept = path.read_bytes()
    change = DAMAGES[kind]
    path.unlink() if change is None else path.write_bytes(change(kept))
    return kept


def mend(path, kept):
    path.touch(0o600)
    path.write_bytes(kept)


@pytest.mark.parametrize("kind", DAMAGES)
def test_no_recovery_passes_over_a_table_that_is_lost(org, kind):
    """It would forget what the log knows of the table. Each command meets some table's damage, each table some command."""
    tables = settle(org)
    assert len(tables) > 30
    everything = os.environ.get("HOOKTURN_FAULTS") == "all"
    commands = itertools.cycle(SUFFERERS)
    for number, path in enumerate(tables):
        kept = damage(path, kind)
        before = contents(org)
        check_commands(org, f"{path.name} is missing or damaged: restore", SUFFERERS if everything else [next(commands)])
        if everything or number % 8 == 0:
            check_requests(org, {503})
        assert contents(org) == before
        mend(path, kept)
    check_all_is_there(org)


def test_a_table_that_is_lost_under_way_fails_alone_and_is_not_made_anew(org):
    """What needs it fails and says so; what does not goes on; and there is no harm in trying."""
    for path in sorted((org.installation.data / "store").glob("*.db")):
        kept = damage(path, "missing")
        for command in ["status", "doctor"]:
            assert re.search("restore|cannot be read", said(command, run(org, command))), (path, command)
        for command in ["key list", "deliver --once", "publish --organization ORGANIZATION A.b"]:
            done = run(org, command)
            assert done.returncode == 0 or "restore" in said(command, done), (path, command, done)
        assert org.api.publish().status in (202, 500)
        assert "corrupt" in complaint(run(org, "backup COPY")) and not org.copy.exists()
        assert not path.exists()
        mend(path, kept)
    check_all_is_there(org)


def test_a_table_that_ends_too_early_fails_alone(org):
    (path,) = [path for path in settle(org) if path.name == "subscription.db"]
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2 + 100])
    assert org.api.get("/v1/whoami").status == 200 and org.installation.cli("key", "list").returncode == 0
    assert org.api.subscription(org.subscription["id"]).status == 500
    assert "restore" in complaint(org.installation.cli("status"))
    doctor = org.installation.cli("doctor")
    assert doctor.returncode == 1 and b"problem  store" in doctor.stdout
    path.write_bytes(kept)
    check_all_is_there(org)


def test_a_restore_replaces_whatever_is_damaged(org):
    installation = org.installation
    for kind, name in zip(itertools.cycle(DAMAGES), ["subscription.db", "event.db", "inbox.7.db", "format", "format"]):
        if name.endswith(".db"):
            settle(org)
        damage(installation.data / "store" / name, kind)
        assert installation.cli("key", "list").returncode == 1
        installation.cli("restore", org.backup, check=True)
        check_all_is_there(org)


def test_a_store_from_before_a_table_existed_is_brought_up_to_date(org):
    settle(org)
    store = org.installation.data / "store"
    for name in ["probe_due.db", "health.db"]:
        (store / name).unlink()
    (store / "format").write_bytes(b"hookturn-store 1\n")
    assert org.api.post(f"{SUBSCRIPTION}/{org.subscription['id']}/probe/secret").status == 202
    assert (store / "format").read_bytes() == b"hookturn-store 2\n"
    check_all_is_there(org)
    settle(org)
    damage(store / "probe_due.db", "missing")
    assert "probe_due.db is missing or damaged" in complaint(run(org, "key list"))
