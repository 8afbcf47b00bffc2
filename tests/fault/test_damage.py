"""A store that cannot be used as it is: one clear line for the operator, the contract's error for the client, and nothing
made worse: once the cause is gone all is there again."""

import os
import shutil
import subprocess

import pytest
from api import Organization, make_door
from fault import complaint

COMMANDS = [["key", "list"], ["status"], ["deliver", "--once"]]


@pytest.fixture
def org(install):
    installation = install()
    made = Organization(installation, make_door(installation, "cgi"))
    made.subscription = made.api.subscribe()
    return made


def tables(org):
    return {path: path.read_bytes() for path in (org.installation.data / "store").glob("*.db")}


def check_commands(org, word):
    for words in COMMANDS:
        assert word in complaint(org.installation.cli(*words)), words


def check_requests(org, statuses):
    for response in (org.api.subscription(org.subscription["id"]), org.api.rotate(org.subscription["id"])):
        assert response.status in statuses, response


def check_all_is_there(org):
    response = org.api.subscription(org.subscription["id"])
    assert response.status == 200 and len(response.json["signing_secrets"]) == 1
    assert org.api.rotate(org.subscription["id"]).status == 200
    for words in [*COMMANDS, ["doctor"]]:
        assert org.installation.cli(*words).returncode == 0


READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


def test_a_data_directory_that_cannot_be_written(org):
    installation = org.installation
    namespace = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "--user", "--map-current-user", "--keep-caps", "-m"]
    prefix = [*namespace, "sh", "-c", READ_ONLY, str(installation.data)]
    if subprocess.run([*prefix, "true"], capture_output=True).returncode != 0:
        pytest.skip("nothing can be mounted here")
    for words in COMMANDS:
        assert "Read-only" in complaint(installation.cli(*words, prefix=prefix)), words
    installation.as_user = prefix
    check_requests(org, {500, 503})
    installation.as_user = []
    check_all_is_there(org)


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_data_directory_that_others_may_enter(org, mode):
    org.installation.data.chmod(mode)
    try:
        check_commands(org, "chmod 700")
        check_requests(org, {500, 503})
    finally:
        org.installation.data.chmod(0o700)
    check_all_is_there(org)


def test_the_master_key_of_another_installation(org, install):
    key = org.installation.data / "master.key"
    kept = org.installation.directory / "kept.key"
    shutil.copy(key, kept)
    shutil.copy(install().data / "master.key", key)
    before = tables(org)
    check_commands(org, "master")
    check_requests(org, {500, 503})
    assert tables(org) == before
    shutil.copy(kept, key)
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


@pytest.mark.parametrize("text, word", [(b"hookturn-store 999\n", "newer"), (b"something else\n", "damaged"), (b"", "damaged")])
def test_a_store_of_another_form(org, text, word):
    path = org.installation.data / "store/format"
    kept = path.read_bytes()
    path.write_bytes(text)
    check_commands(org, word)
    check_requests(org, {500, 503})
    path.write_bytes(kept)
    check_all_is_there(org)


def remove_regions(store):
    """The pages in memory."""
    for path in [*store.glob("__db.*"), store / "ready"]:
        path.unlink()


def damage_table(org, change):
    store = org.installation.data / "store"
    remove_regions(store)
    assert org.installation.cli("key", "list").returncode == 0  # recovery: now all is in the files
    remove_regions(store)
    path = store / "subscription.db"
    kept = path.read_bytes()
    path.write_bytes(change(kept))
    return path, kept


@pytest.mark.parametrize(
    "change", [lambda kept: b"\xa5" * len(kept), lambda kept: kept[: len(kept) // 2 + 100]], ids=["garbage", "cut"]
)
def test_a_table_whose_file_is_damaged_fails_alone(org, change):
    """What needs it fails and says so; what does not goes on; and there is no harm in trying."""
    path, kept = damage_table(org, change)
    assert org.api.get("/v1/whoami").status == 200 and org.installation.cli("key", "list").returncode == 0
    check_requests(org, {500})
    assert "restore" in complaint(org.installation.cli("status"))
    doctor = org.installation.cli("doctor")
    assert doctor.returncode == 1 and b"problem  store" in doctor.stdout
    path.write_bytes(kept)
    check_all_is_there(org)


def test_a_table_that_recovery_cannot_mend(org):
    path, kept = damage_table(org, lambda kept: b"")
    check_commands(org, "restore a backup")
    check_requests(org, {503})
    path.write_bytes(kept)
    check_all_is_there(org)
