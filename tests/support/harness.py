"""An installation of hookturn in a directory of its own, and what a test needs to run it."""

import json
import os
import pty
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("HOOKTURN_BUILD", ROOT / "build")).resolve()
NOBODY = 65534


def eventually(condition, timeout=20, what="the condition"):
    """Polls until `condition()` is true and returns its value; the only way in which a test waits."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout} s"
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children_of(pid):
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def is_group_alive(group):
    try:
        os.killpg(group, 0)
        return True
    except ProcessLookupError:
        return False


class Worker:
    """A `hookturn deliver` of ours: the parent's pid, and its child's, which holds the store."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid

    def child(self):
        return eventually(lambda: children_of(self.pid), what="the worker's child")[0]

    def stop(self, timeout=20):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(timeout)

    def kill(self):
        self.process.kill()
        self.process.wait(10)


class Installation:
    """`hookturn init` in a new temporary directory, with a short path (sockets allow 108 bytes)."""

    def __init__(self, conf=None, clock=False, env=None):
        self.directory = Path(tempfile.mkdtemp(prefix="ht-"))
        self.home = self.directory / "home"
        self.home.mkdir()
        self.data = self.directory / "data"
        self.conf_path = self.data / "hookturn.conf"
        self.clock = clock
        self.clock_path = self.directory / "clock"
        self.workers, self.closers = [], []
        self.uid, self.gid, self.as_user = os.getuid(), os.getgid(), []
        self.stderr = open(self.directory / "stderr.log", "ab")
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **sanitizer_env(self.directory)}
        if clock:
            self.env["HOOKTURN_TEST_CLOCK"] = str(self.clock_path)
            self.set_clock(0)
        self.env.update(env or {})
        try:
            self.sample = self.initialise()
        except BaseException:
            self.close()
            raise
        self.env["HOOKTURN_CONF"] = str(self.conf_path)
        self.settings = {"worker": "manual", "log_level": "debug"}
        self.configure(**(conf or {}))

    def initialise(self):
        """Makes the data directory; returns the configuration's beginning."""
        self.run_program(self.command, "init", "--data", str(self.data), check=True)
        return self.conf_path.read_text()

    @property
    def command(self):
        return BUILD / "tests/hookturn-clock" if self.clock else BUILD / "hookturn"

    @property
    def fcgi(self):
        return BUILD / "tests/hookturn-clock.fcgi" if self.clock else BUILD / "hookturn.fcgi"

    def configure(self, **settings):
        self.settings.update(settings)
        lines = "".join(f"{key} = {value}\n" for key, value in self.settings.items())
        self.conf_path.write_text(f"{self.sample}\n{lines}")

    def give_away(self):
        """Where the tests are run by root: everything belongs to a user without rights, and `as_user` begins the command
        lines of web servers, some of which refuse to work for root."""
        if os.getuid() != 0:
            return
        self.uid = self.gid = NOBODY
        self.as_user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        for path in (self.directory, *self.directory.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)

    def set_clock(self, offset_ms):
        """What hookturn-clock adds to the time, at once in all processes: they have the file mapped."""
        with open(self.clock_path, "r+b" if self.clock_path.exists() else "wb") as file:
            file.write(struct.pack("=q", int(offset_ms)))
        self.clock_offset_ms = int(offset_ms)

    def now_ms(self):
        return int(time.time() * 1000) + (self.clock_offset_ms if self.clock else 0)

    def run_program(self, program, *args, stdin=b"", check=False, env=None, timeout=60, prefix=()):
        done = subprocess.run(
            [*prefix, str(program), *map(str, args)],
            input=stdin,
            capture_output=True,
            env={**self.env, **(env or {})},
            timeout=timeout,
            cwd=self.directory,
        )
        if check:
            assert done.returncode == 0, (args, done.returncode, done.stderr.decode("utf-8", "replace"))
        return done

    def cli(self, *args, **more):
        return self.run_program(self.command, *args, **more)

    def cli_at_terminal(self, *args):
        """What the command, which has to succeed, wrote to stderr where that is a terminal."""
        ours, theirs = pty.openpty()
        try:
            script = f'exec "$@" 2>/proc/{os.getpid()}/fd/{theirs}'
            self.run_program("/bin/sh", "-c", script, "sh", self.command, *args, check=True)
            return os.read(ours, 4096)
        finally:
            os.close(ours)
            os.close(theirs)

    def interrupt(self, *args, number=signal.SIGKILL, within=0.1):
        """Starts a command and ends it at some moment of the next seconds: SIGKILL for parent and child at once, another
        signal for the parent alone. Returns the exit status when both are gone."""
        process = subprocess.Popen(
            [str(self.command), *map(str, args)],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr,
            cwd=self.directory,
            start_new_session=True,
        )
        time.sleep(random.uniform(0, within))
        if process.poll() is None:
            (os.killpg if number == signal.SIGKILL else os.kill)(process.pid, number)
        status = process.wait(60)
        eventually(lambda: not is_group_alive(process.pid), what="the end of the command")
        return status

    def create_key(self, organization=None, scope="manage,read,publish", user="tester", **more):
        options = [word for name, value in more.items() for word in (f"--{name}", value)]
        done = self.cli(
            "key", "create", "--organization", organization or uuid.uuid4(), "--user", user, "--scope", scope, *options,
            check=True,
        )  # fmt: skip
        key = done.stdout.decode()
        assert re.fullmatch(r"hk_[A-Za-z0-9_-]{43}\n", key), "the key must stand alone on stdout"
        return key.strip()

    def list_keys(self):
        return json.loads(self.cli("key", "list", "--json", check=True).stdout)

    def start_worker(self, *args, env=None, **popen):
        process = subprocess.Popen(
            [str(self.command), "deliver", *map(str, args)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.stderr,
            env={**self.env, **(env or {})},
            cwd=self.directory,
            **popen,
        )
        worker = Worker(process)
        self.workers.append(worker)
        return worker

    def deliver_once(self, timeout=60, **more):
        return self.cli("deliver", "--once", check=True, timeout=timeout, **more)

    def deliver_at(self, offset_ms):
        """All that is due when the tests' clock shows so many milliseconds more than the system's."""
        self.set_clock(offset_ms)
        self.deliver_once()

    def strays(self):
        """Processes that name our directory: a worker that was started by publishing."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if str(self.directory).encode() in b"\0".join(words) and b"hookturn" in words[0]:
                    found.append(int(entry.name))
        return found

    def close(self):
        problems = []
        for closer in reversed(self.closers):
            try:
                closer()
            except AssertionError as error:
                problems.append(str(error))
        for worker in self.workers:
            if worker.process.poll() is None:
                try:
                    worker.stop()
                except subprocess.TimeoutExpired:
                    worker.kill()
                    problems.append("a worker did not end within 20 s of SIGTERM")
        for pid in self.strays():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it ended by itself
        self.stderr.close()
        problems += sanitizer_reports(self.directory)
        if problems and os.environ.get("HOOKTURN_KEEP"):
            print(f"kept: {self.directory}")
        elif not os.environ.get("HOOKTURN_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)
        assert not problems, "; ".join(problems)


class Uploaded(Installation):
    """As somebody leaves it who has no shell: a data directory that everybody may look into, as upload programs make
    it, and in it a configuration, and soon a setup file. `is_kill`: the program that ends at a step."""

    is_kill = False

    def initialise(self):
        self.data.mkdir(mode=0o755)
        return f"data_dir = {self.data}\n"

    @property
    def fcgi(self):
        return BUILD / "tests/hookturn-kill.fcgi" if self.is_kill else super().fcgi

    @property
    def setup_file(self):
        return self.data / "setup"

    def upload_setup(self, organization, key, more="", mode=0o600):
        self.setup_file.write_text(f"organization = {organization}\nkey = {key}\n{more}")
        self.setup_file.chmod(mode)


def sanitizer_env(directory):
    return {
        "ASAN_OPTIONS": f"log_path={directory}/sanitizer:detect_leaks=1",
        "TSAN_OPTIONS": f"log_path={directory}/sanitizer",
        "UBSAN_OPTIONS": f"log_path={directory}/sanitizer:print_stacktrace=1",
    }


def is_finding(report):
    # What the leak checker says when a thread ends just while it looks: it then does not see what that thread holds, so
    # neither this remark nor a leak that it reports with it says anything.
    if re.search(r"==\d+==Unable to get registers from thread \d+", report):
        return "ERROR: AddressSanitizer" in report or "runtime error:" in report
    return bool(report.strip())


SANITIZER_SIGNS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:")


def sanitizer_reports(directory):
    reports = [path.read_text(errors="replace") for path in Path(directory).glob("sanitizer.*")]
    found = [report[:4000] for report in reports if is_finding(report)]
    for path in Path(directory).rglob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if any(sign in line for sign in SANITIZER_SIGNS):
                found.append(line)
    return found
