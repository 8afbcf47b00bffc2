"""What the guides in docs/ say: quoted lines of `doctor` exist, and lines for a shell do what is promised."""

import os
import re
import time

import pytest
from documents import Shell, shell_lines, source_texts
from harness import ROOT

DOCS = ROOT / "docs"
QUOTED = re.findall(r"`((?:ok|warning|problem) +[^`]+)`", (DOCS / "troubleshooting.md").read_text())


def checks():
    """The names of doctor's checks, as its table has them."""
    return set(re.findall(r'^    \{"([^"]+)", [^"]*doctor_', (ROOT / "src/cmd/cmd_doctor.c").read_text(), re.M))


@pytest.mark.parametrize("line", QUOTED)
def test_a_line_of_doctor_that_is_quoted_is_one_that_it_prints(line):
    name, message = re.fullmatch(r"(?:ok|warning|problem) +([^:]+): (.+)", line).groups()
    assert name in checks()
    texts = source_texts()
    # Between the pieces stands what is filled in.
    for piece in re.split(r"\s*…\s*", message):
        fixed = piece.strip("() ,")
        assert not fixed or any(fixed in text for text in texts), piece


def test_most_of_what_doctor_can_complain_of_is_in_the_table():
    named = {re.match(r"\w+ +([^:]+):", line).group(1) for line in QUOTED}
    assert checks() - named == {
        "configuration", "configuration file", "settings", "log file", "limits", "web server clock"
    }  # fmt: skip


def home_shell(install):
    """An installation where somebody without root has it, in ~/.hookturn, with nothing that names another place."""
    installation = install()
    shell = Shell(installation, HOME=str(installation.home))
    del shell.env["HOOKTURN_CONF"]
    shell.run("hookturn init")
    return installation, shell


def operating(heading):
    return shell_lines(DOCS / "operating.md", heading)


def test_the_backup_by_cron_is_made_old_ones_go_and_restore_takes_it(install):
    installation, shell = home_shell(install)
    once, restore = operating("Backups")
    shell.run(once)
    backups = installation.home / "backups"
    assert (backups / "master.key").read_text() == (installation.home / ".hookturn/master.key").read_text()
    old, recent = backups / "2020-01-01", backups / "2020-01-02"
    for directory, age in ((old, 20), (recent, 10)):
        directory.mkdir()
        (directory / "file").touch()
        then = time.time() - age * 86400
        os.utime(directory, (then, then))
    (line,) = re.findall(r"^```crontab\n(.*)\n```$", (DOCS / "operating.md").read_text(), re.M)
    command = line.split(None, 5)[5].replace("\\%", "%")  # as cron reads it
    key = shell.run("hookturn key create --organization 3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11 --name before").strip()
    shell.run(command)
    assert not old.exists() and recent.exists() and len(list(backups.iterdir())) == 3
    assert oct(next(p for p in backups.iterdir() if (p / "backup").exists()).stat().st_mode & 0o777) == "0o700"
    shell.run("hookturn key create --organization 3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11 --name after")
    shell.run(restore)
    listed = shell.run("hookturn key list")
    assert "before" in listed and "after" not in listed and key not in listed


def test_a_move_takes_everything_along(install):
    installation, shell = home_shell(install)
    organization = "3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11"
    shell.run(f"hookturn key create --organization {organization} --name moved")
    shell.run(f"echo '{{}}' | hookturn publish --organization {organization} Order.Created")
    keys = shell.run("hookturn key list")
    master = (installation.home / ".hookturn/master.key").read_text()
    leave, arrive = operating("Moving to another host")
    shell.run(leave)
    packed = installation.home / "move.tar.gz"
    assert packed.stat().st_mode & 0o077 == 0
    other = installation.directory / "other"
    other.mkdir()
    packed.rename(other / "move.tar.gz")
    (installation.home / ".hookturn").rename(installation.home / "gone")
    elsewhere = Shell(installation, HOME=str(other))
    del elsewhere.env["HOOKTURN_CONF"]
    said = elsewhere.run(arrive)
    assert f"{other}/.hookturn is ours alone" in said and "problem" not in said
    assert elsewhere.run("hookturn key list") == keys
    assert (other / ".hookturn/master.key").read_text() == master
    assert sorted(path.name for path in other.iterdir()) == [".hookturn"]


def test_programs_are_replaced_and_removed_as_it_is_said(install):
    installation, shell = home_shell(install)
    for name in ("hookturn", "hookturn.fcgi"):
        (installation.directory / name).write_text("old")
        (installation.directory / f"{name}.new").write_text("new")
    (upgrade,) = operating("Upgrading")
    shell.run(upgrade)
    assert [(installation.directory / name).read_text() for name in ("hookturn", "hookturn.fcgi")] == ["new", "new"]
    (remove,) = operating("Removing it")
    shell.run(remove)
    assert not (installation.home / ".hookturn").exists()


def test_the_receivers_secret_is_replaced_in_one_step(install):
    installation = install()
    home = installation.directory / "webhook"
    home.mkdir()
    (home / "secret").write_text("whsec_old\n")
    document = (DOCS / "receiving.md").read_text()
    (block,) = re.findall(r"^   ```sh\n(.*?)^   ```$", document, re.M | re.S)
    Shell(installation, WEBHOOK_HOME=str(home), new_secret="whsec_new").run(block)
    assert (home / "secret").read_text() == "whsec_new\n"
    assert (home / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir()] == ["secret"]


def test_the_key_for_a_publisher_may_publish_and_nothing_else(http):
    org, shell = http
    (block,) = shell_lines(DOCS / "publishing.md", "Publishing events")
    key = shell.run(f'{block}\necho "$HOOKTURN_KEY"').split()[-1]
    assert org.api.with_key(key).publish().status == 202
    assert org.api.with_key(key).page().status == 403


def test_hookturn_publishes_without_http_as_it_is_shown(http):
    org, shell = http
    subscription = org.api.subscribe()["id"]
    line = re.search(r"`(hookturn publish [^`]+)`", (DOCS / "publishing.md").read_text()).group(1)
    (org.installation.directory / "payload.json").write_text('{"n": 1}')
    shell.run(line.replace("UUID", org.id))
    assert [delivery["event_name"] for delivery in org.api.all_deliveries(subscription)] == ["Order.Created"]
