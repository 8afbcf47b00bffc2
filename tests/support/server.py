"""What the real web servers have in common: a configuration that is shipped, edited as an operator would, in the
installation's directory; a free port on 127.0.0.1; requests over HTTP; an end that leaves no process behind."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

from harness import ROOT, children_of, eventually, free_port, is_alive

CONF = ROOT / "conf"
TEST_VARIABLES = ("HOOKTURN_TEST", "ASAN_", "TSAN_", "UBSAN_")


def find_program(name):
    return shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") or name


def edit(text, pattern, values):
    """Sets each of the file's own values; `pattern` finds the line of "NAME" and has the value as its last group."""
    for name, value in values.items():
        found = re.findall(pattern.replace("NAME", name), text, re.M)
        assert len(found) == 1, f"{name} must be set once, not {len(found)} times"
        text = re.sub(pattern.replace("NAME", name), lambda match: match.group(1) + str(value) + match.group(2), text, flags=re.M)
    return text


def descendants(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants(child)]
    return found


def name_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return os.path.basename(file.read().split(b"\0")[0]).decode("utf-8", "replace")
    except OSError:
        return ""


def is_caught(pid, number):
    """Whether the process has a handler for that signal."""
    with open(f"/proc/{pid}/status") as file:
        (mask,) = [int(line.split()[1], 16) for line in file if line.startswith("SigCgt:")]
    return bool(mask >> (number - 1) & 1)


class Server:
    """`mount`: what stands before /v1. A subclass says how it is configured and started."""

    name = ""
    stop_signal = signal.SIGTERM
    graceful_signal = None  # ends when the requests in hand are answered
    reload_signal = None

    processes_pattern = None  # of the shipped file's own number

    def __init__(self, installation, mount="", processes=None):
        """`processes`: another number of them than the shipped file's."""
        self.installation, self.mount, self.processes = installation, mount, processes
        self.directory = installation.directory
        self.www = self.directory / "www"
        self.www.mkdir(exist_ok=True)
        self.process = None
        self.error_log = self.directory / f"{self.name}-error.log"
        # A copy: the build directory may lie where the server's user cannot look, and servers split names at spaces.
        self.program = self.directory / "hookturn.fcgi"
        if not self.program.exists():
            shutil.copy(installation.fcgi, self.program)
        installation.give_away()
        self.prepare()
        self.start()

    def with_processes(self, text):
        if self.processes is None or self.processes_pattern is None:
            return text
        text, count = re.subn(self.processes_pattern, rf"\g<1>{self.processes}", text)
        assert count == 1
        return text

    def prepare(self):
        """Writes what does not depend on the port."""

    def configure(self):
        """Writes the configuration for self.port; returns the command line."""
        raise NotImplementedError

    def prefix(self):
        """What stands before the command line: the server's user."""
        return self.installation.as_user

    def test_variables(self):
        """Those of the tests' clock and of the sanitizers, which have to reach the program."""
        return {name: value for name, value in self.installation.env.items() if name.startswith(TEST_VARIABLES)}

    def start(self):
        for _ in range(5):  # another process may take the port first
            self.port = free_port()
            command = self.configure()
            self.installation.give_away()
            self.process = subprocess.Popen(
                list(map(str, [*self.prefix(), *command])),
                env=self.installation.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.installation.stderr,
                cwd=self.directory,
                start_new_session=True,  # some signal their whole process group
            )
            eventually(lambda: self.process.poll() is not None or self.is_listening(), what=f"{self.name}'s start")
            if self.process.poll() is None:
                return
        log = self.error_log.read_text() if self.error_log.exists() else ""
        raise AssertionError(log + (self.directory / "stderr.log").read_text())

    def is_listening(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def backends(self):
        """The pids of hookturn.fcgi's processes."""
        return [pid for pid in descendants(self.process.pid) if name_of(pid) == "hookturn.fcgi"]

    def kill_backend(self, pid, signum=signal.SIGKILL):
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass

    def reload(self):
        """One that listens already may still be about to say what becomes of signals."""
        eventually(lambda: is_caught(self.process.pid, self.reload_signal), what=f"{self.name}'s readiness for a signal")
        self.process.send_signal(self.reload_signal)

    def stop_gracefully(self):
        self.process.send_signal(self.graceful_signal)

    def request(self, method, target, headers=(), body=None, chunked=False, timeout=30):
        """(status, headers, body)."""
        return exchange(self.port, method, self.mount + target, headers, body, chunked, timeout)

    def close(self):
        mine = [self.process.pid, *descendants(self.process.pid)]
        if self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
        late = False
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            late = True
            self.process.kill()
            self.process.wait(10)
        try:
            eventually(lambda: not any(map(is_alive, mine[1:])), what=f"the end of {self.name}'s processes")
        finally:
            for pid in filter(is_alive, mine[1:]):
                os.kill(pid, signal.SIGKILL)
        assert not late, f"{self.name} did not end within 15 s of its signal"


def exchange(port, method, target, headers=(), body=None, chunked=False, timeout=30):
    """One request to 127.0.0.1: (status, headers, body). Headers go out as they stand, in order, beside Host and the
    body's length, which servers insist on (411)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None or method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders()
        try:
            send_body(connection, body or b"", chunked)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer may have come before the whole body was taken
        answer = connection.getresponse()
        return answer.status, answer.getheaders(), answer.read()
    finally:
        connection.close()


def send_body(connection, body, chunked):
    if not chunked:
        connection.send(body)
        return
    for at in range(0, len(body), 1000):
        part = body[at : at + 1000]
        connection.send(b"%x\r\n%s\r\n" % (len(part), part))
    connection.send(b"0\r\n\r\n")
