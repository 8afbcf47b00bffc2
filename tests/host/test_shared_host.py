"""The archive on somebody else's web host (tests/support/shared_host.py), with what its user has: installed by install.sh
or by uploading files alone, through Apache with suexec as plain CGI and mod_fcgid, under the host's limits."""

import hashlib
import os
import pty
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from api import WHOAMI, Api
from harness import eventually
from shared_host import MEMORY, PROCESSES, USER, HostDoor, archives

ORGANIZATION = "3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11"
KEY = "vT3k-9Qz_bX2mLr8wYp5sHd7fGj4nCa6eUi1oRtq"
SETTINGS = "allow_destinations = 127.0.0.0/8\nsecret_grace = 8s\n"
VERSION = archives()[-1].name.split("-")[1] if archives() else ""
NEWER = VERSION[:-1] + ("9" if VERSION[-1:] != "9" else "8")

behind_both = pytest.mark.parametrize("host", ["cgid", "fcgid"], indirect=True)


def snapshot(host):
    """Everything in the home directory and the crontab, byte for byte, but for what the test itself unpacked."""
    found = {}
    for path in sorted([*host.home.rglob("*"), *host.root.glob("var/spool/cron/*")]):
        if "archive" in path.relative_to(host.root).parts:
            continue
        info = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(host.root))] = (info.st_mode, info.st_uid, digest)
    return found


def install(host, *words, archive="archive", expect=0, shell=("sh",), **more):
    """Runs install.sh as the user; returns what it said."""
    if not (host.home / archive).exists():
        host.unpack(name=archive)
    done = host.run(*shell, f"/home/{USER}/{archive}/install.sh", *words, **more)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == expect, said
    return said


def by_shell(host):
    said = install(host, "--yes", "--cron", "--organization", ORGANIZATION)
    conf = host.home / ".hookturn/hookturn.conf"
    conf.write_text(conf.read_text() + SETTINGS)
    return re.search(r"^  (hk_[\w-]{43})$", said, re.M).group(1)


def by_upload(host):
    """The files, with the permissions that a panel's file manager gives, and no command ever."""
    host.unpack()
    web, data = host.home / "public_html/hookturn", host.home / ".hookturn"
    (data / "bin").mkdir(parents=True)
    web.mkdir()
    for source, target, mode in (
        ("hookturn.fcgi", web / "hookturn.fcgi", 0o755),
        (".htaccess", web / ".htaccess", 0o644),
        ("hookturn", data / "bin/hookturn", 0o700),
    ):
        shutil.copy(host.home / "archive" / source, target)
        target.chmod(mode)
    (data / "hookturn.conf").write_text(SETTINGS)
    (data / "setup").write_text(f"organization = {ORGANIZATION}\nkey = {KEY}\n")
    (data / "setup").chmod(0o600)
    for path in (web, data):
        host.give(path, 0o755)
    return KEY


def are_limited(host):
    """Whether all that runs for the user does so under the host's limits."""
    limits = [Path(f"/proc/{pid}/limits").read_text() for pid in host.processes()]
    wanted = [rf"Max address space +{MEMORY} +{MEMORY}", rf"Max processes +{PROCESSES} "]
    return limits and all(re.search(pattern, text) for text in limits for pattern in wanted)


def deliver(api, receiver, count):
    """Publishes an event; the delivery, which is the receiver's `count`-th."""
    assert api.publish().status == 202
    return receiver.wait_for(count)[-1]


def turn_the_secret(api, receiver):
    made = api.subscribe(url=receiver.url("/in"))
    old = made["secret"]
    assert deliver(api, receiver, 1).is_signed_by_exactly([old])
    new = api.rotate(made["id"]).json["secret"]
    both = deliver(api, receiver, 2)
    assert both.is_signed_by_exactly([new, old]) and both.is_signed_with(old) and both.is_signed_with(new)
    eventually(lambda: len(api.subscription(made["id"]).json["signing_secrets"]) == 1, what="the end of the grace period")
    assert deliver(api, receiver, 3).is_signed_by_exactly([new])
    return made["id"], new


@behind_both
@pytest.mark.parametrize("way", [by_shell, by_upload])
def test_from_the_archive_to_a_rotation_and_to_removal_without_a_trace(host, receiver, way):
    before = snapshot(host)
    key = way(host)
    host.serve()
    api = Api(HostDoor(host), key)
    assert api.with_key(None).get("/healthz").json["worker"]["running"] is False
    assert api.get(WHOAMI).json["organization_id"] == ORGANIZATION
    turn_the_secret(api, receiver)
    assert any("deliver --detach" in line for line in host.processes().values()), "publishing started the worker"
    assert are_limited(host)
    examined = host.run(f"/home/{USER}/.hookturn/bin/hookturn", "doctor", "--url", f"http://127.0.0.1:{host.port}{api.door.mount}")
    assert examined.returncode == 0, examined.stdout.decode()
    if way is by_shell:
        install(host, "--uninstall", "--purge-data", "--yes")
    else:
        for path in (host.home / "public_html/hookturn", host.home / ".hookturn"):
            shutil.rmtree(path)
    assert snapshot(host) == before
    if way is by_shell:
        assert host.processes() == {}, "nothing of it runs on"
    assert key not in host.log()


@behind_both
def test_an_upgrade_keeps_the_data_and_the_next_request_has_the_new_version(host, receiver):
    key = by_shell(host)
    host.serve()
    api = Api(HostDoor(host), key)
    identity, secret = turn_the_secret(api, receiver)
    assert api.get("/healthz").json["version"] == VERSION
    unpack_newer(host)
    conf = (host.home / ".hookturn/hookturn.conf").read_bytes()
    said = install(host, "--yes", archive="newer-archive")
    assert f"upgrades hookturn (hookturn {VERSION})" in said and f"Upgraded: hookturn {NEWER}" in said
    assert api.get("/healthz").json["version"] == NEWER
    assert (host.home / ".hookturn/hookturn.conf").read_bytes() == conf
    assert api.subscription(identity).status == 200
    delivery = deliver(api, receiver, 4)
    assert delivery.is_signed_by_exactly([secret]) and delivery.header("User-Agent") == f"hookturn/{NEWER}"


def unpack_newer(host):
    """The same programs, but for the version that they name."""
    host.unpack(name="newer-archive")
    for name in ("hookturn", "hookturn.fcgi"):
        program = host.home / "newer-archive" / name
        program.write_bytes(program.read_bytes().replace(VERSION.encode(), NEWER.encode()))


@pytest.mark.parametrize("host", ["cgid"], indirect=True)
def test_where_all_that_runs_in_the_background_is_killed_each_minute_cron_alone_delivers(host, receiver):
    key = by_shell(host)
    conf = host.home / ".hookturn/hookturn.conf"
    conf.write_text(conf.read_text() + "worker = manual\nrequest_timeout = 1s\n")
    cron = host.run("crontab", "-l").stdout.decode().removeprefix("* * * * * ")
    host.serve()
    api = Api(HostDoor(host), key)
    made = api.subscribe(url=receiver.url("/in"))
    minute_s, wanted = 2, 8
    published, jobs, next_minute = [], [], time.monotonic()

    def time_goes_by():
        nonlocal next_minute
        if len(published) < wanted:
            published.append(api.publish().json["event_id"])
        if time.monotonic() >= next_minute:
            next_minute += minute_s
            host.kill("deliver")
            jobs.append(host.start("sh", "-c", cron))
        return len(published) == wanted and {delivery.event_id for delivery in receiver.at("/in")} == set(published)

    eventually(time_goes_by, timeout=90, what="the delivery of all events")
    assert all(delivery.is_signed_with(made["secret"]) for delivery in receiver.at("/in"))
    host.kill("deliver")
    for job in jobs:
        job.wait(20)
    assert host.killed, "something was killed"


# ---- install.sh by itself ----


SHELLS = {"dash": ["sh"], "bash": ["bash"], "busybox": ["busybox", "sh"]}


@pytest.mark.parametrize("name", SHELLS)
def test_install_sh_works_in_each_shell_with_nothing_but_the_basic_tools(host, name):
    if shutil.which(SHELLS[name][0]) is None:
        pytest.skip(f"there is no {SHELLS[name][0]}")
    if name != "dash":
        host.copy(shutil.which(SHELLS[name][0]), f"/opt/{SHELLS[name][0]}")
    shell = [f"/opt/{SHELLS[name][0]}" if name != "dash" else "/bin/sh", *SHELLS[name][1:]]
    before = snapshot(host)
    assert "Nothing was done" in install(host, "--dry-run", "--cron", shell=shell)
    assert snapshot(host) == before
    install(host, "--yes", "--cron", "--key-file", "key", shell=shell)
    key = host.home / "key"
    assert re.fullmatch(r"hk_[\w-]{43}\n", key.read_text()) and key.stat().st_mode & 0o777 == 0o600
    assert host.run("crontab", "-l").stdout.decode().count("hookturn deliver") == 1
    install(host, "--upgrade", "--yes", "--cron", shell=shell)
    assert host.run("crontab", "-l").stdout.decode().count("hookturn deliver") == 1
    said = install(host, "--uninstall", "--yes", shell=shell)
    assert "The data stays" in said and "could not be changed" not in said and (host.home / ".hookturn/store").exists()
    assert "hk_" not in install(host, "--yes", shell=shell), "the data that was there is used, with its keys"
    install(host, "--uninstall", "--purge-data", "--yes", shell=shell)
    key.unlink()
    assert snapshot(host) == before


def test_other_lines_of_the_crontab_stay(host):
    host.run("crontab", "-", stdin=b"# mine\n0 4 * * * true\n")
    before = snapshot(host)
    install(host, "--yes", "--cron")
    assert host.run("crontab", "-l").stdout.decode().splitlines()[:2] == ["# mine", "0 4 * * * true"]
    install(host, "--uninstall", "--purge-data", "--yes")
    assert snapshot(host) == before


def test_what_the_user_changed_or_added_is_neither_replaced_nor_removed(host):
    install(host, "--yes")
    web = host.home / "public_html/hookturn"
    (web / ".htaccess").write_text((web / ".htaccess").read_text() + "# mine\n")
    (web / "mine.txt").write_text("mine")
    assert "which was changed since" in install(host, "--yes")
    said = install(host, "--uninstall", "--purge-data", "--yes")
    assert said.count("is left") == 2
    assert {path.name for path in web.iterdir()} == {".htaccess", "mine.txt"} and (web / ".htaccess").read_text().endswith("# mine\n")


def with_program_that(host, does):
    """The archive's `hookturn init` is the shell's words `does`, then what it was."""
    archive = host.home / "archive"
    if not archive.exists():
        host.unpack()
    (archive / "hookturn").rename(archive / "real")
    (archive / "hookturn").write_text(f'#!/bin/sh\n[ "$1" != init ] || {does}\nexec /home/{USER}/archive/real "$@"\n')
    host.give(archive)


@pytest.mark.parametrize("killing", ["{ kill -9 $PPID; exit 1; }", "kill -9 $PPID"], ids=["before the data", "behind it"])
def test_one_that_was_killed_says_so_to_the_next_and_is_taken_away(host, killing):
    before = snapshot(host)
    with_program_that(host, killing)
    install(host, "--yes", expect=-9)
    assert (host.home / "public_html/hookturn/hookturn.fcgi").exists()
    (host.home / "archive/real").rename(host.home / "archive/hookturn")
    left = snapshot(host)
    assert "was cut off" in install(host, "--yes", expect=1)
    assert "was cut off" in install(host, "--upgrade", "--yes", expect=1)
    assert snapshot(host) == left
    install(host, "--uninstall", "--yes")
    assert "hk_" in install(host, "--yes")
    install(host, "--uninstall", "--purge-data", "--yes")
    assert snapshot(host) == before


def test_one_that_is_told_to_stop_takes_all_back_however_often_it_is_told(host):
    before = snapshot(host)
    with_program_that(host, "{ kill -TERM $PPID; kill -INT $PPID; kill -HUP $PPID; exit 1; }")
    assert "all is as it was" in install(host, "--yes", expect=1)
    assert snapshot(host) == before


def test_of_several_at_once_one_installs_and_what_it_made_stays(host):
    script = f"{host.unpack()}/install.sh"
    several = [
        subprocess.Popen(host.as_user("sh", script, "--yes"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120)[0].decode() for process in several]
    keys = re.findall(r"^  hk_[\w-]{43}$", "".join(said), re.M)
    assert len(keys) == 1, said
    listed = host.run(f"/home/{USER}/.hookturn/bin/hookturn", "key", "list", "--json")
    assert listed.returncode == 0 and listed.stdout.count(b'"name"') == 1, said
    assert (host.home / "public_html/hookturn/hookturn.fcgi").exists() and (host.home / "public_html/hookturn/.htaccess").exists()
    install(host, "--uninstall", "--purge-data", "--yes")


def test_a_crontab_that_cannot_be_read_is_left_alone(host):
    spool = host.root / "var/spool/cron" / USER
    host.run("crontab", "-", stdin=b"0 4 * * * true\n")
    crontab = host.root / "usr/bin/crontab"
    works = crontab.read_text()
    crontab.write_text(works.replace("-l)", "-l) echo 'try again later' >&2; exit 1;;\n-never)"))
    assert "the crontab cannot be read" in install(host, "--yes", "--cron", expect=1)
    crontab.write_text(works)
    install(host, "--yes", "--cron")
    with_ours = spool.read_text()
    crontab.write_text(works.replace("-l)", "-l) echo 'try again later' >&2; exit 1;;\n-never)"))
    assert "remove the line yourself: * * * * *" in install(host, "--uninstall", "--yes")
    assert spool.read_text() == with_ours


def test_a_home_with_odd_characters_gets_a_line_for_cron_that_runs(host):
    home = f"/home/{USER}/my 100%'s $home"
    host.make_directory(f"my 100%'s $home", 0o711)
    host.make_directory(f"my 100%'s $home/public_html", 0o755)
    before = snapshot(host)
    script = f"{host.unpack()}/install.sh"
    said = host.run("env", f"HOME={home}/", "sh", script, "--yes", "--cron", "--to", f"{home}/public_html/a b//").stdout.decode()
    assert "Installed: hookturn" in said
    command = host.run("crontab", "-l").stdout.decode().removeprefix("* * * * * ").replace("--for 55s", "--once")
    assert "%" not in command, "which cron would take for the command's end"
    assert host.run("env", f"HOME={home}", "sh", "-c", command).returncode == 0
    assert host.run("env", f"HOME={home}", "sh", script, "--uninstall", "--purge-data", "--yes").returncode == 0
    assert snapshot(host) == before


@pytest.mark.parametrize("folder", ["public_html/hooks ", "public_html/two\nlines"])
def test_a_directory_that_the_manifest_could_not_name_is_refused(host, folder):
    before = snapshot(host)
    assert "a directory's name has" in install(host, "--yes", "--to", folder, expect=1)
    assert snapshot(host) == before


def without_web_root(host):
    (host.home / "public_html").rmdir()


def with_two_web_roots(host):
    host.make_directory("www", 0o755)


def for_another_machine(host):
    host.unpack()
    program = host.home / "archive/hookturn"
    code = bytearray(program.read_bytes())
    code[18:20] = b"\xb7\x00" if code[18:20] != b"\xb7\x00" else b"\x3e\x00"  # e_machine: aarch64, or else x86-64
    program.write_bytes(code)


def for_a_newer_c_library(host):
    host.unpack()
    program = host.home / "archive/hookturn"
    code = program.read_bytes()
    newest = max(re.findall(rb"GLIBC_2\.\d\d(?=\0)", code))
    program.write_bytes(code.replace(newest + b"\0", b"GLIBC_2.99\0"))


def with_noexec_home(host):
    host.make_directory(".hookturn", 0o700)
    host.mount_noexec(f"/home/{USER}/.hookturn")


def with_htaccess(host):
    host.make_directory("public_html/hookturn", 0o755)
    (host.home / "public_html/hookturn/.htaccess").write_text("# mine\n")


def with_program(host):
    host.make_directory("public_html/hookturn", 0o755)
    (host.home / "public_html/hookturn/hookturn.fcgi").write_text("mine\n")


REFUSALS = {
    "without a web root": (without_web_root, "no web root was found"),
    "with two web roots": (with_two_web_roots, "there are several web roots"),
    "beside another .htaccess": (with_htaccess, ".htaccess is there already and is not replaced"),
    "beside another program": (with_program, "hookturn.fcgi is there already and is not replaced"),
    "on another machine": (for_another_machine, "it was built for another machine than this one"),
    "with an older C library": (for_a_newer_c_library, "this host's C library is too old"),
    "where nothing may be run": (with_noexec_home, "mounted noexec"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_it_cannot_do_it_says_and_leaves_all_as_it_was(host, name):
    spoil, message = REFUSALS[name]
    spoil(host)
    before = snapshot(host)
    assert message in install(host, "--yes", expect=1)
    assert snapshot(host) == before


def test_a_link_to_the_web_root_is_no_second_one(host):
    (host.home / "www").symlink_to("public_html")
    install(host, "--yes")


def test_without_a_terminal_and_consent_nothing_is_done(host):
    before = snapshot(host)
    assert "there is no terminal to ask at" in install(host, expect=1)
    assert snapshot(host) == before


@pytest.mark.parametrize("answer, done", [("", False), ("n", False), ("y", True)])
def test_at_a_terminal_it_asks_once(host, answer, done):
    script = f"{host.unpack()}/install.sh"
    ours, theirs = pty.openpty()
    process = subprocess.Popen(host.as_user("sh", script), stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    os.write(ours, f"{answer}\n".encode())
    said = process.communicate(timeout=60)[0].decode()
    for end in (ours, theirs):
        os.close(end)
    assert process.returncode == 0 and said.count("Go on? [y/N]") == 1, said
    assert ("Installed: hookturn" in said, "Nothing was done" in said) == (done, not done)
    assert (host.home / "public_html/hookturn/hookturn.fcgi").exists() == done == (host.home / ".hookturn").exists()


def test_root_is_sent_away(host):
    assert "not as root" in install(host, "--yes", expect=1, root=True)


def test_without_libcurl_it_is_installed_and_says_what_is_missing(host):
    for library in host.root.glob("usr/lib/*/libcurl*"):
        library.unlink()
    assert re.search(r"problem +libcurl: ", install(host, "--yes"))
