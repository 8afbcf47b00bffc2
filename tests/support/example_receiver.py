"""The receivers in docs/receivers, started as their users start them."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import BUILD, ROOT, eventually, free_port

SOURCES = ROOT / "docs/receivers"


def find(tool):
    """Debian's before others that may be installed: that is what the examples have to work with."""
    return shutil.which(tool, path=f"/usr/bin:/bin:{os.environ.get('PATH', '')}")


def build_go(home):
    """What it compiled of its library is kept beside the other tests' programs, where this user may write there."""
    cache = (BUILD / "tests" if os.access(BUILD / "tests", os.W_OK) else home) / "go-cache"
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "GOCACHE": str(cache), "GO111MODULE": "off",
           "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}  # fmt: skip
    subprocess.run([find("go"), "build", "-o", home / "receiver", SOURCES / "receiver.go"], env=env, check=True, timeout=300)
    return [home / "receiver"]


# Name → the program that it needs, and what makes the command line of its directory and its port.
KINDS = {
    "php": ("php", lambda home, port: [find("php"), "-S", f"127.0.0.1:{port}", SOURCES / "receiver.php"]),
    "python": ("python3", lambda home, port: [find("python3"), SOURCES / "receiver.py"]),
    "node": ("node", lambda home, port: [find("node"), SOURCES / "receiver.mjs"]),
    "go": ("go", lambda home, port: build_go(home)),
}


class ExampleReceiver:
    def __init__(self, kind):
        tool, make_command = KINDS[kind]
        if not find(tool):
            pytest.skip(f"{tool} is not installed")
        self.home = Path(tempfile.mkdtemp(prefix="receiver-"))
        self.inbox = self.home / "inbox"
        self.port = free_port()
        self.log = open(self.home / "log", "wb")
        command = make_command(self.home, self.port)
        env = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "WEBHOOK_HOME": str(self.home), "PORT": str(self.port)}
        self.process = subprocess.Popen(
            command, env=env, cwd=self.home, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True
        )
        eventually(self.answers, timeout=60, what=f"the receiver in {kind}")

    def answers(self):
        assert self.process.poll() is None, (self.home / "log").read_text(errors="replace")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def give(self, secret):
        """As its operator does it: a new file in place of the old one."""
        draft = self.home / "secret.new"
        draft.write_text(f"{secret}\n")
        draft.replace(self.home / "secret")

    def kept(self):
        """What it took: event id → body. Drafts must not stay."""
        files = list(self.inbox.iterdir())
        assert not [path for path in files if path.suffix != ".json"], files
        return {path.stem: path.read_bytes() for path in files}

    def post(self, body, headers, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, "/hook", body, {"Content-Type": "application/json", **headers})
            answer = connection.getresponse()
            answer.read()
            return answer.status
        finally:
            connection.close()

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)
