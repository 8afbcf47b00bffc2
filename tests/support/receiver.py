"""The scripted receiver: it records what arrives, byte for byte, and answers as it was told.

In a test:     with Receiver() as receiver: receiver.script("/path", Answer(500), Answer(200)); receiver.url("/path")
By itself:     python3 receiver.py --port 8099 --log deliveries.jsonl [--secret whsec_…]
"""

import argparse
import base64
import collections
import hashlib
import hmac
import json
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

# ---- verification, from the published schemes and not from hookturn's code ----


def parse_signature(text):
    """(t, [v1, …]) of an X-Webhook-Signature."""
    pairs = [part.split("=", 1) for part in text.split(",")]
    assert pairs[0][0] == "t" and all(name == "v1" for name, _ in pairs[1:]) and len(pairs) > 1, text
    assert all(len(value) == 64 and set(value) <= set("0123456789abcdef") for _, value in pairs[1:]), text
    return int(pairs[0][1]), [value for _, value in pairs[1:]]


def sign(secret, t, body):
    return hmac.new(secret.encode(), b"%d." % t + body, hashlib.sha256).hexdigest()


def sign_standard(secret, message_id, t, body):
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    return "v1," + base64.b64encode(
        hmac.new(key, f"{message_id}.{t}.".encode() + body, hashlib.sha256).digest()
    ).decode()


class Delivery(collections.namedtuple("Delivery", "at method path headers body")):
    """One request as it arrived; `headers` in order, duplicates kept, values as they stood."""

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} arrived {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def event_id(self):
        return self.header("X-Webhook-Id")

    @property
    def t(self):
        return parse_signature(self.header("X-Webhook-Signature"))[0]

    def is_signed_with(self, secret):
        """As a receiver does it that holds this one secret: any v1 may fit. Both schemes must agree."""
        t, values = parse_signature(self.header("X-Webhook-Signature"))
        ours = any(hmac.compare_digest(value, sign(secret, t, self.body)) for value in values)
        return ours and self.is_signed_with_standard(secret)

    def is_signed_with_standard(self, secret):
        expected = sign_standard(secret, self.header("webhook-id"), int(self.header("webhook-timestamp")), self.body)
        return expected in self.header("webhook-signature").split(" ")

    def is_signed_by_exactly(self, secrets):
        """Signed with these secrets in this order, and no other, in both schemes."""
        t, values = parse_signature(self.header("X-Webhook-Signature"))
        assert self.header("webhook-timestamp") == str(t)
        standard = [sign_standard(secret, self.header("webhook-id"), t, self.body) for secret in secrets]
        return values == [sign(secret, t, self.body) for secret in secrets] and standard == self.header(
            "webhook-signature"
        ).split(" ")


# ---- answers ----


class Answer:
    """`behaviour`: None (answer), "close" (no answer), "reset", "hang" (until the receiver ends or release()),
    "drip" (one byte of the body each 50 ms for ever), "endless" (a body without end), "garbage" (no HTTP)."""

    def __init__(self, status=200, headers=(), body=b"", delay=0.0, behaviour=None):
        self.status, self.headers, self.body = status, list(dict(headers).items()), body
        self.delay, self.behaviour = delay, behaviour


OK = Answer(200, body=b"ok")


class Receiver:
    def __init__(self, tls=None, port=0, on_delivery=None, host="127.0.0.1"):
        """`tls`: (certificate file, key file). `on_delivery`: called with each Delivery before it is answered; may
        return the Answer."""
        self.condition = threading.Condition()
        self.deliveries, self.scripts, self.connections = [], {}, 0
        self.on_delivery = on_delivery
        self.released, self.closing = threading.Event(), threading.Event()
        self.open = set()
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.host = host
        self.listener = socket.create_server((host, port), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def url(self, path="/", host=None):
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    def script(self, path, *answers):
        """Answers for requests to that path, in order; the last one goes on."""
        with self.condition:
            self.scripts[path] = list(answers)

    def release(self):
        """Lets everything that hangs be answered."""
        self.released.set()

    def at(self, path):
        with self.condition:
            return [delivery for delivery in self.deliveries if delivery.path == path]

    def wait_for(self, count, path=None, timeout=30):
        """The first `count` deliveries (to `path`), as soon as there are so many."""

        def chosen():
            return [delivery for delivery in self.deliveries if path is None or delivery.path == path]

        with self.condition:
            there = self.condition.wait_for(lambda: len(chosen()) >= count, timeout)
            assert there, f"{len(chosen())} of {count} deliveries arrived within {timeout} s"
            return chosen()[:count]

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.condition:
                self.connections += 1
                self.open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain):
        connection = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection = self.tls.wrap_socket(plain, server_side=True)
            stream = connection.makefile("rb")
            while self._one(connection, stream):
                pass
        except (OSError, ValueError):
            pass
        finally:
            with self.condition:
                self.open.discard(plain)
            connection.close()

    def _one(self, connection, stream):
        """Reads one request and answers it; true while the connection goes on."""
        line = stream.readline().decode("latin-1").split()
        if len(line) != 3 or not line[2].startswith("HTTP/"):
            return False
        headers = []
        while (text := stream.readline().rstrip(b"\r\n").decode("latin-1")) != "":
            name, _, value = text.partition(":")
            headers.append((name, value[1:] if value.startswith(" ") else value))
        length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        body = stream.read(length)
        if len(body) != length:
            return False
        delivery = Delivery(time.time(), line[0], line[1], headers, body)
        with self.condition:
            script = self.scripts.get(delivery.path, [OK])
            answer = script.pop(0) if len(script) > 1 else script[0]
            self.deliveries.append(delivery)
            self.condition.notify_all()
        if self.on_delivery:
            answer = self.on_delivery(delivery) or answer
        return self._answer(connection, answer)

    def _answer(self, connection, answer):
        if answer.delay:
            self.closing.wait(answer.delay)
        if answer.behaviour == "hang":
            self.released.wait(120)
        if answer.behaviour == "close":
            return False
        if answer.behaviour == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        if answer.behaviour == "garbage":
            connection.sendall(b"220 mail.example.com ESMTP\r\n")
            return False
        if answer.behaviour in ("drip", "endless"):
            return self._pour(connection, answer)
        head = [f"HTTP/1.1 {answer.status} Scripted", f"Content-Length: {len(answer.body)}"]
        head += [f"{name}: {value}" for name, value in answer.headers]
        connection.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + answer.body)
        return True

    def _pour(self, connection, answer):
        connection.sendall(f"HTTP/1.1 {answer.status} Scripted\r\nConnection: close\r\n\r\n".encode())
        while not self.closing.is_set():
            connection.sendall(b"." if answer.behaviour == "drip" else b"." * 16384)
            if answer.behaviour == "drip":
                self.closing.wait(0.05)
        return False

    def close(self):
        self.closing.set()
        self.released.set()
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        with self.condition:
            for connection in self.open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def make_certificate(directory, names=("DNS:localhost", "IP:127.0.0.1")):
    """(certificate file, key file): self-signed, so the certificate is the trust store, too."""
    certificate, key = Path(directory) / "tls.crt", Path(directory) / "tls.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", f"subjectAltName={','.join(names)}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return str(certificate), str(key)


def main():
    parser = argparse.ArgumentParser(description="Receives webhooks, writes each as one JSON line, answers 200.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", default="-", help="file for the lines (default: standard output)")
    parser.add_argument("--secret", action="append", default=[], help="say for each request whether this secret fits")
    parser.add_argument("--tls", action="store_true", help="with a certificate made for localhost")
    options = parser.parse_args()
    out = sys.stdout if options.log == "-" else open(options.log, "a", encoding="utf-8")

    def log(delivery):
        line = {"at": delivery.at, "path": delivery.path, "headers": delivery.headers, "body": delivery.body.decode()}
        if options.secret and delivery.header("X-Webhook-Signature"):
            line["accepted"] = [delivery.is_signed_with(secret) for secret in options.secret]
        print(json.dumps(line), file=out, flush=True)

    tls = make_certificate(tempfile.mkdtemp(prefix="ht-")) if options.tls else None
    with Receiver(tls, options.port, log) as receiver:
        print(f"listening on {receiver.url()}", file=sys.stderr, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
