#!/usr/bin/env python3
"""A receiver to try hookturn with: verifies each delivery and appends it to a file as one line of JSON.

    receiver.py --port PORT --secrets FILE --record FILE

FILE of --secrets has one secret a line and is read anew for each delivery. What verifies is answered with 204, what
does not with 401; a repetition (the same X-Webhook-Id) is answered like the first one and recorded as a repetition.
"""

import argparse
import base64
import http.server
import json
import sys
import threading
import time

import webhook_signature

MAX_BODY = 1 << 20


class Record:
    """The file of deliveries, and the events that were seen."""

    def __init__(self, path):
        self.path = path
        self.lock = threading.Lock()
        self.seen = set()

    def add(self, event_id, accepted, entry):
        with self.lock:
            entry["repetition"] = event_id in self.seen
            if accepted:
                self.seen.add(event_id)
            with open(self.path, "a", encoding="utf-8") as out:
                out.write(json.dumps(entry) + "\n")


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "receiver"
    timeout = 60

    def do_POST(self):
        body = self.read_body()
        if body is None:
            return
        now = time.time()
        problem = self.find_problem(body, now)
        self.server.record.add(self.headers.get("X-Webhook-Id", ""), problem is None, self.describe(body, now, problem))
        if problem is None:
            self.send_response(204)
            self.end_headers()
        else:
            self.answer(401, problem)

    def read_body(self):
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY:
            self.close_connection = True
            self.answer(400, "a Content-Length of at most 1 MiB is needed")
            return None
        return self.rfile.read(int(length))

    def find_problem(self, body, now):
        with open(self.server.secrets_path, encoding="ascii") as lines:
            secrets = lines.read().split()
        try:
            webhook_signature.verify(self.headers.get("X-Webhook-Signature", ""), body, secrets, now)
        except webhook_signature.SignatureError as error:
            return str(error)
        return None

    def describe(self, body, now, problem):
        return {
            "received_at": now,
            "path": self.path,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body_base64": base64.b64encode(body).decode(),
            "problem": problem,
        }

    def answer(self, status, text):
        content = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format, *arguments):
        print(self.log_date_time_string(), format % arguments, file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(description="A receiver to try hookturn with; listens on 127.0.0.1.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--secrets", required=True, help="one secret a line; read anew for each delivery")
    parser.add_argument("--record", required=True, help="deliveries are appended here, one JSON object a line")
    options = parser.parse_args()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Receiver)
    server.daemon_threads = True
    server.secrets_path = options.secrets
    server.record = Record(options.record)
    server.serve_forever()


if __name__ == "__main__":
    main()
