"""The completion for bash, as bash calls it: COMP_WORDS and COMP_CWORD in, COMPREPLY out."""

import re
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="bash is missing")

SCRIPT = """
source "$1" && shift || exit 1
program=$1 && shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
complete -p hookturn >/dev/null || exit 1
_hookturn "$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def complete(tmp_path):
    """Completes the last word; words are those that bash makes of a line, "=" one of its own."""

    def run(*words, program=BUILD / "hookturn"):
        done = subprocess.run(
            ["bash", "--norc", "-c", SCRIPT, "bash", ROOT / "conf/completion/hookturn", program, "hookturn", *words],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 0 and done.stderr == "", done
        return done.stdout.split("\n")[:-1] if done.stdout != "\n" else []

    return run


def help_of(*words):
    return subprocess.run([BUILD / "hookturn", "help", *words], capture_output=True, text=True, check=True).stdout


def commands():
    return re.findall(r"(?m)^  ([a-z]+(?: [a-z]+)*)  ", help_of())


@pytest.mark.parametrize("command", commands())
def test_every_command_and_all_of_its_options_are_offered(complete, command):
    first, *second = command.split()
    assert first in complete("") and complete(first[:-1]) == [first]
    assert first in complete("help", "")
    for word in second:
        assert word in complete(first, "") and word in complete("help", first, "")
    options = re.findall(r"(?m)^  (--[a-z-]+)", help_of(first, *second))
    assert sorted(complete(first, *second, "--")) == sorted(options)


def test_what_was_given_is_not_offered_again(complete):
    assert complete("key", "create", "--name", "n", "--n") == []
    assert complete("key", "create", "--name", "=", "n", "--us") == ["--user"]


def test_files_and_directories_are_offered_where_a_value_is_one(complete, tmp_path):
    (tmp_path / "some file.json").write_text("{}")
    (tmp_path / "some directory").mkdir()
    both = ["some directory", "some file.json"]
    assert sorted(complete("-c", "")) == both
    assert sorted(complete("publish", "A.b", "so")) == both
    assert complete("init", "--data", "") == complete("init", "--data", "=") == ["some directory"]
    assert complete("init", "--data", "=", "some d") == ["some directory"]


@pytest.mark.parametrize("words", [("key", "revoke"), ("deliver", "--for"), ("key", "create", "--organization")])
def test_nothing_is_offered_for_a_value_that_cannot_be_known(complete, tmp_path, words):
    (tmp_path / "file").write_text("")
    assert complete(*words, "") == []


def test_the_options_before_the_command_are_stepped_over(complete):
    assert complete("-c", "x.conf", "k") == ["key"]
    assert complete("-cx.conf", "key", "li") == ["list"]


def test_a_program_that_is_missing_offers_nothing_and_says_nothing(complete):
    assert complete("", program="/nonexistent/hookturn") == []
