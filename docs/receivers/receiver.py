#!/usr/bin/env python3
"""Takes hookturn's deliveries on 127.0.0.1:PORT, behind a web server that has the certificate.

WEBHOOK_HOME is a directory of this program's own, with the secret in the file "secret". What is authentic is kept as
inbox/<event id>.json and answered at once; another program works through the inbox. An event that comes again finds its
file there. The secret is read for each delivery, so rotating means writing a new one into that file.
"""

import hashlib
import hmac
import os
import re
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TOLERANCE_SECONDS = 300
MAX_BODY = 1 << 20
HOME = Path(os.environ.get("WEBHOOK_HOME", "webhook"))


def is_authentic(header, body, secret, now):
    """Whether one of the header's v1 is this body's signature under the secret, made less than five minutes from now."""
    t, values = "0", []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and re.fullmatch("[0-9]{1,12}", value):
            t = value
        elif name == "v1":
            values.append(value.encode())
    if abs(now - int(t)) > TOLERANCE_SECONDS:
        return False
    signed = t.encode() + b"." + body  # the bytes as they arrived
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    return any([hmac.compare_digest(expected, value) for value in values])


def keep(inbox, event_id, body):
    """On disk under the event's id when it returns; an event that is there already stays as it is."""
    with tempfile.NamedTemporaryFile(dir=inbox, prefix=".") as draft:
        draft.write(body)
        draft.flush()
        os.fsync(draft.fileno())
        try:
            os.link(draft.name, inbox / f"{event_id}.json")  # all of it or nothing
        except FileExistsError:
            pass
    directory = os.open(inbox, os.O_RDONLY)
    try:
        os.fsync(directory)  # the name is there after a power failure as well
    finally:
        os.close(directory)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        try:
            status = self.receive()
        except Exception as problem:
            self.log_error("%s", problem)
            status = 500  # it is sent again later
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Length", "0")
        self.end_headers()

    def receive(self):
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length) or int(length) > MAX_BODY:
            self.close_connection = True
            return 413
        body = self.rfile.read(int(length))
        secret = (HOME / "secret").read_text(encoding="ascii").strip()
        if not secret.startswith("whsec_"):
            raise ValueError(f"{HOME}/secret holds no secret")
        if not is_authentic(self.headers.get("X-Webhook-Signature", ""), body, secret, time.time()):
            return 401
        event_id = self.headers.get("X-Webhook-Id", "")
        if not re.fullmatch("[A-Za-z0-9_-]{1,64}", event_id):  # it becomes a file's name
            return 400
        keep(HOME / "inbox", event_id, body)
        return 204


if __name__ == "__main__":
    (HOME / "inbox").mkdir(mode=0o700, parents=True, exist_ok=True)
    ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8090"))), Receiver).serve_forever()
