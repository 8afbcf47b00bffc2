"""A FastCGI web server's half of the protocol, and a small process manager like the one in every web server.

Written from the FastCGI 1.0 specification, so that a test can also send what no web server would.
"""

import collections
import os
import signal
import socket
import struct
import subprocess
import threading
import time

BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
RESPONDER = 1
RECORD_MAX = 65528

# The store's own status for "a recovery is needed": the process manager starts another process.
EXIT_LEFT = 75

Raw = collections.namedtuple("Raw", "status headers body stderr app_status")


class ServerGone(ConnectionError):
    """The process ended without an answer; a web server would make its own 5xx of it."""


def record(kind, content=b"", request_id=1):
    padding = -len(content) % 8
    head = struct.pack(">BBHHBx", 1, kind, request_id, len(content), padding)
    return head + content + bytes(padding)


def encode_length(length):
    return bytes([length]) if length < 128 else struct.pack(">I", length | 0x80000000)


def encode_params(params):
    out = bytearray()
    for name, value in params.items():
        name = name.encode("latin-1")
        value = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
        out += encode_length(len(name)) + encode_length(len(value)) + name + value
    return bytes(out)


def stream(kind, content):
    """The content as records of a stream, the empty record that ends it included."""
    parts = [record(kind, content[at : at + RECORD_MAX]) for at in range(0, len(content), RECORD_MAX)]
    return b"".join(parts) + record(kind)


def read_exactly(connection, length):
    data = bytearray()
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise ServerGone("the process closed the connection before its answer ended")
        data += more
    return bytes(data)


def read_answer(connection):
    out, err = bytearray(), bytearray()
    while True:
        _, kind, _, length, padding = struct.unpack(">BBHHBx", read_exactly(connection, 8))
        content = read_exactly(connection, length)
        read_exactly(connection, padding)
        if kind == STDOUT:
            out += content
        elif kind == STDERR:
            err += content
        elif kind == END_REQUEST:
            return bytes(out), bytes(err), struct.unpack(">I", content[:4])[0]


def parse_cgi(out, err=b"", app_status=0):
    """The CGI answer that came on STDOUT: header lines, an empty line, the body."""
    head, separator, body = out.partition(b"\r\n\r\n")
    assert separator, f"no header block in {out[:200]!r}"
    headers, status = [], 200
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        assert colon and name and not name.endswith(b" "), f"bad header line {line!r}"
        name, value = name.decode("ascii"), value.strip().decode("ascii")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers.append((name, value))
    return Raw(status, headers, body, err.decode("utf-8", "replace"), app_status)


def connect(address, timeout=30):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.settimeout(timeout)
    connection.connect(address)
    return connection


def exchange(address, params, stdin=b"", timeout=30):
    """One request and its answer. `params` go out as they stand."""
    try:
        with connect(address, timeout) as connection:
            begin = struct.pack(">HB5x", RESPONDER, 0)
            try:
                connection.sendall(record(BEGIN_REQUEST, begin) + stream(PARAMS, encode_params(params)))
                connection.sendall(stream(STDIN, stdin))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the answer may have come before the whole body was taken
            return parse_cgi(*read_answer(connection))
    except (ConnectionResetError, ConnectionRefusedError, BrokenPipeError) as error:
        raise ServerGone(str(error)) from error


def abandon(address, params, stdin=b""):
    """A client that goes away in the middle: parameters, a part of the body, then nothing."""
    with connect(address) as connection:
        connection.sendall(record(BEGIN_REQUEST, struct.pack(">HB5x", RESPONDER, 0)))
        connection.sendall(stream(PARAMS, encode_params(params)))
        if stdin:
            connection.sendall(record(STDIN, stdin))


class Pool:
    """`count` processes of one program on one socket, which stands on their fd 0. Those that end are started anew."""

    def __init__(self, program, directory, env, count=2, tcp=False, stderr=None, name="fcgi.sock", prefix=()):
        self.command, self.env, self.stderr = [*map(str, prefix), str(program)], env, stderr
        self.listener = self._listen(os.path.join(str(directory), name), tcp)
        self.address = self.listener.getsockname()
        self.lock = threading.Lock()
        self.closing = False
        self.exits = []  # every exit status, in order
        self.expected = {0, EXIT_LEFT}
        self.processes = [None] * count
        self.keepers = [threading.Thread(target=self._keep, args=(slot,), daemon=True) for slot in range(count)]
        for keeper in self.keepers:
            keeper.start()

    @staticmethod
    def _listen(path, tcp):
        listener = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0) if tcp else path)
        listener.listen(128)
        return listener

    def _keep(self, slot):
        quick = 0
        while True:
            with self.lock:
                if self.closing or quick > 50:
                    return
                process = subprocess.Popen(
                    self.command, stdin=self.listener, stdout=subprocess.DEVNULL, stderr=self.stderr, env=self.env
                )
                self.processes[slot] = process
            started = time.monotonic()
            status = process.wait()
            if status in (-signal.SIGTERM, -signal.SIGUSR1) and time.monotonic() - started < 1:
                status = 0  # the signal came before the program could ask for it
            quick = quick + 1 if status not in self.expected else 0
            with self.lock:
                self.exits.append(status)

    def pids(self):
        with self.lock:
            return [process.pid for process in self.processes if process and process.poll() is None]

    def kill(self, pid, signum=signal.SIGKILL):
        if signum == signal.SIGKILL:
            self.expected.add(-signal.SIGKILL)
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass

    def request(self, params, stdin=b"", timeout=30):
        return exchange(self.address, params, stdin, timeout)

    def close(self):
        """Ends all by SIGTERM; afterwards every exit that was not foreseen is an error of the program."""
        with self.lock:
            self.closing = True
            for process in self.processes:
                if process and process.poll() is None:
                    process.terminate()
        for keeper in self.keepers:
            keeper.join(15)
        late = self.pids()
        for pid in late:
            os.kill(pid, signal.SIGKILL)
        self.listener.close()
        strange = [status for status in self.exits if status not in self.expected]
        assert not late, "a FastCGI process did not end within 15 s of SIGTERM"
        assert not strange, f"FastCGI processes ended with {strange}"
