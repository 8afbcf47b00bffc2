"""The manual's pages, as two typesetters read them. That they name what there is, tests/unit/test_manual.c sees to."""

import re
import shutil
import subprocess

import pytest
from harness import BUILD, ROOT

PAGES = sorted((ROOT / "docs/man").glob("hookturn*.[158]"))


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is missing")


def silent(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.stdout == "" and done.stderr == "" and done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
class TestPage:
    @needs("mandoc")
    def test_mandoc_finds_nothing_wrong(self, page):
        silent("mandoc", "-T", "lint", "-W", "warning", page)

    @needs("groff")
    @pytest.mark.parametrize("macros", ["-man", "-mandoc"])
    def test_groff_finds_nothing_wrong(self, page, macros):
        silent("groff", macros, "-ww", "-z", "-Tutf8", page)

    @needs("mandoc")
    def test_its_lines_fit_a_terminal_and_it_names_itself(self, page):
        done = subprocess.run(["mandoc", "-T", "utf8", page], capture_output=True, text=True, check=True)
        text = re.sub(".\b", "", done.stdout)
        assert text.startswith(f"{page.stem.upper()}({page.suffix[1:]})")
        assert f"     {page.stem} – " in text
        assert max(map(len, text.splitlines())) <= 80


def test_there_are_three_pages():
    assert [page.name for page in PAGES] == ["hookturn.1", "hookturn.conf.5", "hookturn.fcgi.8"]


def test_the_installed_default_that_the_manual_speaks_of_is_named_by_help():
    text = subprocess.run([BUILD / "hookturn", "help"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"/\S+/hookturn/hookturn\.conf", text)
