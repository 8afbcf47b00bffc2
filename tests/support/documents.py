"""The documents as the tests read them: links, headings, and what stands in them for a shell to run."""

import os
import re
import subprocess
from pathlib import Path

from harness import BUILD, ROOT

# `#` begins a heading outside of code alone, and links are none inside of it.
CODE = re.compile(r"^ *```.*?^ *```$|^(?: {4}[^\n]*\n)+", re.M | re.S)


def documents():
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def prose(path):
    return CODE.sub("", path.read_text())


def anchors(path):
    """As GitHub makes them of the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path):
    """(text, target) of each link that is none of the web."""
    found = re.findall(r"\[([^]]+)\]\(([^)\s]+)\)", prose(path))
    return [(text, target) for text, target in found if not re.match(r"[a-z]+:", target)]


def sections(path):
    """Heading → the text below it, up to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", path.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def shell_lines(path, heading):
    """What the section has for a shell, block after block."""
    found = re.findall(r"^```sh\n(.*?)^```$", sections(path)[heading], re.M | re.S)
    assert found, f"{path.name}: {heading} has no ```sh block"
    return found


class Shell:
    """Runs lines as somebody would who has read the document: `hookturn` and the variables are there."""

    def __init__(self, installation, **variables):
        self.directory = installation.directory
        self.env = {**installation.env, "PATH": f"{BUILD}:{os.environ.get('PATH', '/usr/bin:/bin')}", **variables}

    def run(self, lines, check=True):
        done = subprocess.run(
            ["bash", "-c", f"set -eu -o pipefail\n{lines}"],
            env=self.env, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        )  # fmt: skip
        assert not check or done.returncode == 0, (lines, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()


def source_texts():
    """Each string in the program's sources, adjacent ones joined, with `%…` where something is filled in."""
    texts = []
    for path in Path(ROOT / "src").rglob("*.c"):
        for run in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', path.read_text()):
            texts.append("".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', run)).replace('\\"', '"'))
    return texts
