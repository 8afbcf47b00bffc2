#!/usr/bin/python3
"""What a request costs that starts its program: plain CGI beside a null program, as ratios of one run.

    HOOKTURN_BUILD=$PWD/build python3 tests/bench/cgi_start.py [--json FILE] [--count 300] [PROGRAM…]

PROGRAM: any hookturn.fcgi, the build's where none is named. The null program answers 300 bytes and is linked to libc
alone. Requests of all kinds take turns, one at a time: started without a server (there, with the processor's time of
the process), and through lighttpd and Apache. A publish is also held against a null request and one sync of 4 KiB."""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from api import EVENT, SUBSCRIPTION, Organization, cgi_params, make_door  # noqa: E402
from harness import BUILD, Installation  # noqa: E402

NULL_PROGRAM = r"""#include <stdio.h>
int main(void) { return printf("Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n%300s", "") < 0; }
"""
BODY = b'{"event_name":"Order.Created","payload":{"order_id":4711}}'
STATUS = {"null": 200, "get": 200, "publish": 202, "refused": 401}
WARM_UP = 20


class Measured(Installation):
    """With a program of its own in the place of the build's."""

    def __init__(self, program):
        self.program = Path(program).resolve()
        super().__init__({"log_level": "warn"})

    @property
    def fcgi(self):
        return self.program


class Spawned:
    """Started without a server. Beside the time: the processor's time, of the program alone."""

    def __init__(self, installation):
        self.program, self.env = str(installation.fcgi), installation.env
        self.input, self.output = tempfile.TemporaryFile(buffering=0), tempfile.TemporaryFile(buffering=0)
        self.input.write(BODY)

    def send(self, method, target, headers, body):
        params = cgi_params(method, target, headers, body)
        env = {**self.env, **{name: str(value) for name, value in params.items()}}
        self.input.seek(0)
        self.output.seek(0)
        actions = [(os.POSIX_SPAWN_DUP2, self.input.fileno(), 0), (os.POSIX_SPAWN_DUP2, self.output.fileno(), 1)]
        started = time.perf_counter()
        pid = os.posix_spawn(self.program, [self.program], env, file_actions=actions)
        _, _, usage = os.wait4(pid, 0)
        took = time.perf_counter() - started
        self.output.seek(0)
        return int(self.output.read(20).split()[1]), took * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3


class Served:
    """Through a web server, over one connection."""

    def __init__(self, installation, name):
        self.door = make_door(installation, name)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.door.server.port, timeout=30)

    def send(self, method, target, headers, body):
        started = time.perf_counter()
        self.connection.request(method, target, body, dict(headers))
        answer = self.connection.getresponse()
        answer.read()
        return answer.status, (time.perf_counter() - started) * 1e3, None


def synced_append(file):
    started = time.perf_counter()
    os.write(file.fileno(), bytes(4096))
    os.fdatasync(file.fileno())
    return (time.perf_counter() - started) * 1e3


def take_turns(senders, requests, count, disk):
    """`requests`: kind -> (sender, method, target, headers, body). Returns kind -> [(ms, processor's ms or None)]."""
    samples = {kind: [] for kind in requests}
    samples["sync"] = []
    for turn in range(count + WARM_UP):
        for kind, (sender, *request) in requests.items():
            status, took, used = senders[sender].send(*request)
            assert status == STATUS[kind], (kind, status)
            if turn >= WARM_UP:
                samples[kind].append((took, used))
        samples["sync"].append((synced_append(disk), None))
    return samples


def row(door, program, samples):
    result = {"door": door, "program": str(program)}
    for kind, taken in samples.items():
        result[f"{kind}_ms"] = round(statistics.median(took for took, _ in taken), 3)
        used = [used for _, used in taken if used is not None]
        if used:
            result[f"{kind}_cpu_ms"] = round(statistics.mean(used), 3)
    for kind in ("get", "publish", "refused"):
        result[f"{kind}_ratio"] = round(result[f"{kind}_ms"] / result["null_ms"], 2)
    result["publish_ratio_with_sync"] = round(result["publish_ms"] / (result["null_ms"] + result["sync_ms"]), 2)
    return result


def measure(door, program, null, count):
    ours, nothing = Measured(program), Measured(null)
    try:
        org = Organization(ours, make_door(ours, "cgi"))
        target = f"{SUBSCRIPTION}/{org.api.subscribe()['id']}"
        senders = [Spawned(one) if door == "exec" else Served(one, door) for one in (ours, nothing)]
        key = [("Authorization", f"Bearer {org.key}")]
        another = [("Authorization", "Bearer hk_" + 43 * "x")]
        requests = {
            "null": (1, "GET", target, key, None),
            "get": (0, "GET", target, key, None),
            "publish": (0, "POST", EVENT, [*key, ("Content-Type", "application/json")], BODY),
            "refused": (0, "GET", target, another, None),
        }
        with open(ours.directory / "synced", "wb", buffering=0) as disk:
            return row(door, program, take_turns(senders, requests, count, disk))
    finally:
        ours.close()
        nothing.close()


def show(rows):
    print(f"{'plain CGI, ms':14} {'null':>7} {'GET':>7} {'ratio':>6} {'publish':>8} {'ratio':>6} {'/(null+sync)':>12} "
          f"{'401':>7} {'ratio':>6} {'cpu':>12}  program")  # fmt: skip
    for one in rows:
        used = f"{one['get_cpu_ms']}/{one['null_cpu_ms']}" if "get_cpu_ms" in one else "-"
        print(
            f"{one['door']:14} {one['null_ms']:7} {one['get_ms']:7} {one['get_ratio']:6} {one['publish_ms']:8} "
            f"{one['publish_ratio']:6} {one['publish_ratio_with_sync']:12} {one['refused_ms']:7} {one['refused_ratio']:6} "
            f"{used:>12}  {one['program']}"
        )


def measure_all(programs=(), count=300, doors=("exec", "lighttpd-cgi", "apache-cgid")):
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        null = f"{directory}/null"
        subprocess.run(["cc", "-O2", "-x", "c", "-", "-o", null], input=NULL_PROGRAM.encode(), check=True)
        return [measure(door, program, null, count) for door in doors for program in programs or [BUILD / "hookturn.fcgi"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM")
    options = parser.parse_args()
    rows = measure_all(options.programs, options.count)
    show(rows)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
