"""Runs the programs in which one call fails (tests/fault/fault.h), and says what holds whichever call it was."""

import json
import os
import random
import re
import subprocess
import tempfile
import uuid
from pathlib import Path

from api import Response, cgi_params, check_answer
from fcgi_client import parse_cgi
from harness import BUILD

KINDS = ["write", "short", "sync", "open", "change", "lock", "store", "conflict", "memory"]
SAMPLE = 6  # of each operation and kind; HOOKTURN_FAULTS: another number, or "all"
RUN_MAX_S = 60


def numbers(count, name, least=0):
    """Which calls fail, of so many: the first ones and the last, and some between that are the same in each run. `least`:
    so many at least, whatever is wanted elsewhere."""
    everything, wanted = range(1, count + 1), os.environ.get("HOOKTURN_FAULTS", SAMPLE)
    if wanted != "all":
        wanted = max(int(wanted), least)
    if wanted == "all" or count <= wanted:
        return list(everything)
    return sorted({1, count, *random.Random(f"{name} {wanted}").sample(everything, wanted)})


class Outcome:
    """Of one run. `fired`: the call came and failed. `response` is None where there was no answer."""

    def __init__(self, status, fired, err, response=None, out=b""):
        self.status, self.fired, self.err, self.response, self.out = status, fired, err, response, out

    def __repr__(self):
        return f"<exit {self.status}, {self.response}, {self.out!r}, {self.err!r}>"


class Faulty:
    def __init__(self, installation):
        self.installation = installation
        self.note = Path(tempfile.mktemp(dir=installation.directory, prefix="note-"))

    def run(self, program, words, fault, env=None, stdin=b""):
        """(the process that ended, the lines of the note)."""
        self.note.unlink(missing_ok=True)
        faults = {"HOOKTURN_FAULT": fault, "HOOKTURN_FAULT_NOTE": str(self.note)}
        done = subprocess.run(
            [str(BUILD / "tests" / program), *map(str, words)], input=stdin, capture_output=True, timeout=RUN_MAX_S,
            env={**self.installation.env, **(env or {}), **faults}, cwd=self.installation.directory,
        )  # fmt: skip
        notes = self.note.read_text().split() if self.note.exists() else []
        return done, notes

    def request(self, fault, method, target, headers, body):
        params = {name: str(value) for name, value in cgi_params(method, target, headers, body).items()}
        done, notes = self.run("hookturn-fault.fcgi", [], fault, params, body or b"")
        response = Response(parse_cgi(done.stdout)) if done.stdout else None
        return Outcome(done.returncode, "fired" in notes, done.stderr.decode("utf-8", "replace"), response), notes

    def command(self, fault, words, stdin=b""):
        done, notes = self.run("hookturn-fault", words, fault, stdin=stdin)
        return Outcome(done.returncode, "fired" in notes, done.stderr.decode("utf-8", "replace"), out=done.stdout), notes


def count_in(notes):
    """The calls of the process that made most of them; a command has two."""
    return max([int(word) for word in notes if word.isdigit()], default=0)


def with_key(key):
    return [("Idempotency-Key", key)]


class Request:
    """One request that can be sent with a fault and without one, always with the same Idempotency-Key."""

    def __init__(self, org, method, target, json_body=None, key=None):
        self.method, self.target, self.json_body = method, target, json_body
        self.api = org.api.with_key(key) if key else org.api
        self.headers = {"Idempotency-Key": str(uuid.uuid4())}

    def send(self):
        return self.api.call(self.method, self.target, self.json_body, headers=self.headers)

    def send_faulty(self, faulty, fault):
        body = None if self.json_body is None else json.dumps(self.json_body).encode()
        headers = [("Authorization", f"Bearer {self.api.key}"), *self.headers.items()]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        outcome, notes = faulty.request(fault, self.method, self.target, headers, body)
        if outcome.response is not None:
            check_answer(self.method, self.target, outcome.response)
        return outcome, notes


def check_end(outcome, kind):
    """The process ended by itself; where there was no memory it may have ended at once, and then it said so."""
    assert outcome.status in (0, 1, 75) and "ended by signal" not in outcome.err, outcome
    if kind == "memory" and outcome.status == 1:
        said = [line for line in outcome.err.splitlines() if "event=out_of_memory" in line]
        assert len(said) <= 1, outcome
    assert not re.search(r"whsec_|hk_[A-Za-z0-9_-]{43}", outcome.err), "a secret was logged"


def complaint(done):
    """The one line of a command that failed, to which lines of the log may come."""
    said = [line for line in done.stderr.decode().splitlines() if line.startswith("hookturn: ")]
    assert done.returncode == 1 and len(said) == 1, done
    return said[0]
