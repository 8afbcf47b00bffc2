"""What the command says when something is wrong: on stderr, by its exit status, and never to be misunderstood."""

import os
import re
import subprocess
import uuid

import pytest
from harness import BUILD, Installation

ORGANIZATION = "8ef8a0ae-9c11-4c23-8f6d-000000000001"


@pytest.fixture(scope="module")
def installation():
    made = Installation()
    yield made
    made.close()


def run(installation, *words, stdout=subprocess.PIPE, stdin=b"", **more):
    """Unlike installation.cli, with any standard output, and arguments of any bytes."""
    return subprocess.run([BUILD / "hookturn", *words], input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=60,
                          env=installation.env, cwd=installation.directory, **more)  # fmt: skip


def complaint(done):
    assert done.returncode == 1, done
    assert re.fullmatch(rb"hookturn: [^\n]+\n", done.stderr), done.stderr
    return done.stderr.decode()


def misuse(done):
    assert done.returncode == 2 and not done.stdout, done
    return done.stderr.decode().splitlines()[0]


# ---- output that goes nowhere ----


def run_full(installation, *words, **more):
    with open("/dev/full", "wb") as full:
        return run(installation, *words, stdout=full, **more)


def run_closed(installation, *words, **more):
    return run(installation, *words, stdout=None, preexec_fn=lambda: os.close(1), **more)


@pytest.mark.parametrize("run_lost", [run_full, run_closed])
class TestOutputThatIsLost:
    @pytest.mark.parametrize(
        "words", ["help", "help deliver", "help key", "--version", "help --words", "key list", "key list --json"]
    )
    def test_is_a_failure(self, installation, run_lost, words):
        assert "standard output" in complaint(run_lost(installation, *words.split()))

    def test_of_key_create_names_the_key_to_revoke(self, install, run_lost):
        installation = install()
        text = complaint(run_lost(installation, "key", "create", "--organization", ORGANIZATION))
        assert f"hookturn key revoke {installation.list_keys()[0]['id']}" in text

    @pytest.mark.parametrize("options", [[], ["--json"]])
    def test_of_publish_does_not_hide_that_it_was_published(self, installation, run_lost, options):
        text = complaint(run_lost(installation, "publish", "--organization", ORGANIZATION, *options, "A.b", stdin=b"{}"))
        assert re.search(r"event [0-9a-f]{24} was published", text) and "do not repeat" in text

    def test_of_init_does_not_hide_that_all_was_made(self, installation, run_lost):
        data = installation.directory / str(uuid.uuid4())
        assert f"{data} was made" in complaint(run_lost(installation, "init", "--data", data))
        assert (data / "master.key").exists()


# ---- arguments of any bytes ----


@pytest.mark.parametrize("bytes_", [b"\xff", b"a\nb", b"\x1b[2J", b"\xc2\x9b2J", b"\x7f"], ids=repr)
@pytest.mark.parametrize(
    "words",
    [
        [b"%s"], [b"key", b"%s"], [b"-%s"], [b"key", b"list", b"%s"], [b"key", b"list", b"--%s"], [b"help", b"%s"],
        [b"-c", b"%s", b"key", b"list"], [b"key", b"create", b"--organization", b"%s"], [b"key", b"revoke", b"%s"],
        [b"publish", b"--organization", ORGANIZATION.encode(), b"A.%s"],
        [b"publish", b"--organization", ORGANIZATION.encode(), b"A.b", b"%s"],
    ],
    ids=lambda words: b" ".join(words).decode(),
)  # fmt: skip
def test_whatever_an_argument_holds_the_message_stays_lines_of_text(installation, words, bytes_):
    done = run(installation, *(word.replace(b"%s", bytes_) for word in words))
    assert done.returncode in (1, 2) and not done.stdout
    lines = done.stderr.decode().splitlines()
    assert all(line.isprintable() for line in lines), done.stderr
    if done.returncode == 1:
        assert len(lines) == 1
    else:
        assert all(re.match(r"usage: |    |Try `", line) for line in lines[1:]), done.stderr


def test_whatever_a_configuration_holds_the_message_stays_one_line(installation):
    path = installation.directory / "hostile.conf"
    path.write_bytes(b"\x1b[2J = 1\n")
    assert complaint(run(installation, "-c", path, "key", "list"))[:-1].isprintable()


# ---- what is meant ----


@pytest.mark.parametrize(
    "words, expected",
    [
        ("delivr", '"deliver"'),
        ("help delivr", '"deliver"'),
        ("key lst", '"key list"'),
        ("kee list", '"key"'),
        ("key", "create, list, revoke"),
        ("deliver --onse", "--once"),
        ("publish --organisation=x A.b", "--organization"),
        ("key list -c x", "-c CONF stands before the command"),
        ("key create", "--organization UUID is missing"),
        ("key revoke", "KEY_ID is missing"),
        (f"publish --organization {ORGANIZATION}", "EVENT_NAME is missing"),
        ("deliver --once --for 5s", "--once and --for do not go together"),
        ("deliver --detach --once", "--once and --detach do not go together"),
        ("key list --json=yes", "--json takes no value"),
        ("init --data x --data y", "--data is given twice"),
        ("init --data", "--data needs a value"),
    ],
)
def test_wrong_usage_says_what_is_meant(installation, words, expected):
    assert expected in misuse(run(installation, *words.split()))


def test_nothing_is_suggested_that_is_not_alike(installation):
    assert "did you mean" not in misuse(run(installation, "frobnicate"))


def test_an_empty_path_of_a_configuration_is_wrong_usage(installation):
    assert "-c needs the path" in misuse(run(installation, "-c", "", "key", "list"))
    assert "-c needs the path" in misuse(run(installation, "-c"))


@pytest.mark.parametrize(
    "words", ["backup", "export", "import", "restore", f"publish --organization {ORGANIZATION} A.b"]
)
def test_an_empty_path_is_wrong_usage(installation, words):
    assert " is the path of " in misuse(run(installation, *words.split(), ""))


@pytest.mark.parametrize("words", ["help key list", "key list --help", "key list -h", "--help key list", "-h key list"])
def test_help_is_the_same_however_it_is_asked_for(installation, words):
    done = run(installation, *words.split())
    assert done.returncode == 0 and done.stdout.startswith(b"usage: hookturn key list [--json]\n")


def test_help_of_a_group_lists_its_commands(installation):
    for words in ("help key", "key --help"):
        done = run(installation, *words.split())
        assert done.returncode == 0
        assert re.findall(r"(?m)^  (key \w+)", done.stdout.decode()) == ["key create", "key list", "key revoke"]
