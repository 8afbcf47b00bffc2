"""How fast deliveries are, beside what the machine can do in the same run. Prints a table, writes JSON, judges nothing.

python3 delivery.py [--json FILE] [--scale 0.1] [backlog] [dead] [latency] [memory] [claim]
"""

import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from api import Organization, make_door  # noqa: E402
from harness import BUILD, Installation, eventually  # noqa: E402

PAYLOAD = {"order_id": 4711, "note": "x" * 900}
BODY_BYTES = 1100  # about what such an event is sent as
BATCH = 100


class Sink:
    """tests/bench/receiver: what came is known when it is closed."""

    def __init__(self, *args):
        self.process = subprocess.Popen([BUILD / "tests/bench/receiver", *args], stdout=subprocess.PIPE, text=True)
        self.ports = [int(word) for word in self.process.stdout.readline().split()]

    def urls(self):
        return [f"http://127.0.0.1:{port}/in" for port in self.ports]

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        return json.loads(self.process.communicate()[0])


class Service:
    def __init__(self, **conf):
        self.installation = Installation({"allow_destinations": "127.0.0.0/8", "log_level": "info", **conf})
        self.org = Organization(self.installation, make_door(self.installation, "fcgi"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.installation.close()

    def subscribe(self, url, **members):
        self.org.api.subscribe(url=url, **members)

    def publish(self, count, event_name="Order.Created"):
        for done in range(0, count, BATCH):
            batch = [{"event_name": event_name, "payload": PAYLOAD}] * min(BATCH, count - done)
            assert self.org.api.publish_batch(batch).status == 202


def bare(url, count, flight):
    """Requests a second of a loop over libcurl that signs and stores nothing."""
    done = subprocess.run(
        [BUILD / "tests/bench/bare", url, str(count), str(flight), str(BODY_BYTES)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return count / float(done.stdout)


def synced_commit_ms(rounds=200):
    """One append of 4 KiB that has reached the disk."""
    with tempfile.NamedTemporaryFile() as file:
        times = []
        for _ in range(rounds):
            before = time.perf_counter()
            os.write(file.fileno(), b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - before) * 1e3)
    return statistics.median(times)


def row(name, unit, ours, reference, ratio, target):
    return {"name": name, "unit": unit, "ours": round(ours, 3), "reference": round(reference, 3),
            "ratio": round(ratio, 3), "target": target}  # fmt: skip


# ---- the rows ----


def bench_backlog(scale):
    """A backlog to one receiver, 256 in flight, against the bare loop before and after it."""
    count = int(100_000 * scale)
    sink = Sink()
    with Service(concurrency=256, destination_concurrency=256) as service:
        service.subscribe(sink.urls()[0])
        service.publish(count)
        before = bare(sink.urls()[0], count, 256)
        started = time.perf_counter()
        service.installation.deliver_once(timeout=600)
        ours = count / (time.perf_counter() - started)
        reference = (before + bare(sink.urls()[0], count, 256)) / 2
    sink.close()
    return row(f"backlog of {count}", "deliveries/s", ours, reference, ours / reference, ">= 0.3")


def healthy_p99(scale, waiting):
    """Of 10 receivers that get an event each 20 ms; with as many black holes, and `waiting` deliveries to those."""
    sink, holes = Sink("--ports", "10"), Sink("--hang", "--ports", "10")
    with Service() as service:
        for url in sink.urls():
            service.subscribe(url, events=["Live.Event"], enable_signed_webhooks=False)
        for url in holes.urls():
            service.subscribe(url, events=["Dead.Event"], enable_signed_webhooks=False)
        worker = service.installation.start_worker()
        service.publish(waiting // len(holes.ports), "Dead.Event")
        until = time.perf_counter() + max(20 * scale, 1)
        while time.perf_counter() < until:
            service.org.api.publish("Live.Event")
            time.sleep(0.02)
        worker.stop()
    holes.close()
    return sink.close()["p99_ms"]


def bench_dead(scale):
    waiting = int(100_000 * scale)
    without = statistics.median(healthy_p99(scale, 0) for _ in range(3))
    with_dead = statistics.median(healthy_p99(scale, waiting) for _ in range(3))
    return row(f"healthy p99 beside {waiting} for the dead", "ms", with_dead, without, with_dead / without, "<= 1.1")


def bench_latency(scale):
    """From an event's time to its arrival, one after the other, beside a round trip and a synced commit."""
    sink = Sink()
    with Service() as service:
        service.subscribe(sink.urls()[0])
        worker = service.installation.start_worker()
        for _ in range(int(500 * scale)):
            service.org.api.publish()
            time.sleep(0.005)
        worker.stop()
        figures = sink.close()
        other = Sink()
        floor = 1e3 / bare(other.urls()[0], 2000, 1) + synced_commit_ms()
        other.close()
    return row("published to delivered, p50", "ms", figures["p50_ms"], floor, figures["p50_ms"] - floor, "<= 5 more")


def bench_memory(_):
    """Resident memory with 1,024 requests that hang, each at a destination of its own."""
    holes = Sink("--hang", "--ports", "1024")
    with Service(concurrency=1366, request_timeout="60s") as service:  # three quarters of them for the unknown
        for url in holes.urls():
            service.subscribe(url, enable_signed_webhooks=False)
        service.publish(4)
        worker = service.installation.start_worker()
        status = Path(f"/proc/{worker.child()}/status")
        descriptors = Path(f"/proc/{worker.child()}/fd")
        eventually(lambda: len(list(descriptors.iterdir())) >= 1024, timeout=60)
        time.sleep(1)
        resident = int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) / 1024
        worker.process.kill()
        os.kill(int(re.search(r"Pid:\s+(\d+)", status.read_text())[1]), signal.SIGKILL)
    holes.close()
    return row("resident with 1024 in flight", "MiB", resident, 40, resident / 40, "<= 1")


def bench_claim(scale):
    """A claim beside 1,000 dead subscriptions with 100 deliveries each, against one by itself."""
    dead = int(1000 * scale)
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(
            [BUILD / "tests/bench/claim", directory, str(dead), "100", "1000"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
    alone, beside = map(float, done.stdout.split())
    return row(f"claim beside {dead} dead", "us", beside, alone, beside / alone, "")


ROWS = {"backlog": bench_backlog, "dead": bench_dead, "latency": bench_latency, "memory": bench_memory,
        "claim": bench_claim}  # fmt: skip


def machine():
    model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return {"cpu": model[1] if model else platform.machine(), "cores": os.cpu_count(), "kernel": platform.release(),
            "load": round(os.getloadavg()[0], 1)}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="the same figures for programs")
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of deliveries")
    parser.add_argument("rows", nargs="*", help=f"some of: {' '.join(ROWS)}")
    options = parser.parse_args()
    report = {"machine": machine(), "rows": []}
    print("{cpu}, {cores} cores, Linux {kernel}, load {load}".format(**report["machine"]))
    print(f"{'':40} {'ours':>12} {'reference':>12} {'ratio':>8}  target")
    for name in options.rows or ROWS:
        found = ROWS[name](options.scale)
        report["rows"].append(found)
        label = f"{found['name']}, {found['unit']}"
        print(f"{label:40} {found['ours']:12.2f} {found['reference']:12.2f} {found['ratio']:8.2f}  {found['target']}",
              flush=True)  # fmt: skip
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
