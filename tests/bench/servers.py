#!/usr/bin/python3
"""How many processes and threads each web server needs: requests a second of 16 clients, as ratios to the best.

    HOOKTURN_BUILD=$PWD/build python3 tests/bench/servers.py [--json FILE] [--seconds 2] [--rounds 3]
        [--program FILE]… [NAME…]

Then one plain CGI request beside a null program (cgi_start.py), for each hookturn.fcgi that --program names, or the
build's. Absolute figures drift from run to run; compare ratios of one run. Needs wrk, and cc for the null program."""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

import cgi_start  # noqa: E402
from api import EVENT, SUBSCRIPTION, Organization, make_door  # noqa: E402
from harness import Installation  # noqa: E402

HERE = Path(__file__).parent
CLIENTS = 16
# (processes, threads), where None leaves the shipped number
VARIANTS = {
    "lighttpd": [(1, 1), (1, 4), (1, 8), (2, 2), (2, 4), (4, 1), (4, 4)],
    "nginx": [(1, 1), (1, 4), (1, 8), (1, 16), (2, 4)],
    "apache-proxy-fcgi": [(1, 1), (1, 4), (1, 8), (1, 16), (2, 4)],
    "apache-fcgid": [(1, 1), (2, 1), (4, 1), (8, 1), (16, 1)],
    "apache-cgid": [(None, 1)],
    "lighttpd-cgi": [(None, 1)],
}


def wrk(url, script, key, seconds):
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", "--timeout", "10s", "-s", str(HERE / script), url],
        capture_output=True, text=True, env={**os.environ, "BENCH_KEY": key}, check=True,
    )  # fmt: skip
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))
    return rate, int(bad.group(1)) if bad else 0


def resident_mb(pids):
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/status").read_text()
        total += int(re.search(r"VmRSS:\s+(\d+)", fields).group(1))
    return total / 1024


def silence_after_kill(org, target):
    """Seconds from kill -9 of one process to the first of three answers in a row; 15: none until then."""
    headers = [("Authorization", f"Bearer {org.key}")]
    killed = time.monotonic()
    org.door.kill(org.door.pids()[0])
    good, first = 0, None
    while good < 3 and time.monotonic() < killed + 15:
        try:
            status = org.door.request("GET", target, headers, timeout=10).status
        except OSError:
            status = 0
        good = good + 1 if status == 200 else 0
        first = time.monotonic() if good == 1 else first
    return first - killed if good == 3 else 15.0


def measure(name, processes, threads, seconds, rounds):
    installation = Installation({"threads": threads, "log_level": "warn"})
    try:
        org = Organization(installation, make_door(installation, name, processes=processes))
        target = f"{SUBSCRIPTION}/{org.api.subscribe()['id']}"
        base = f"http://127.0.0.1:{org.door.server.port}"
        runs = {"get": [], "publish": []}
        failed = 0
        for _ in range(rounds):
            for kind, path in (("get", target), ("publish", EVENT)):
                rate, bad = wrk(base + path, f"{kind}.lua", org.key, seconds)
                runs[kind].append(rate)
                failed += bad
        pids = org.door.pids()
        row = {kind: round(statistics.median(rates)) for kind, rates in runs.items()}
        row |= {"server": name, "processes": processes, "threads": threads, "failed": failed}
        if pids and processes:
            row["resident_mb"] = round(resident_mb(pids), 1)
            row["after_kill_s"] = round(silence_after_kill(org, target), 2)
        return row
    finally:
        installation.close()


def with_ratios(rows):
    for kind in ("get", "publish"):
        best = max(row[kind] for row in rows)
        for row in rows:
            row[f"{kind}_ratio"] = round(row[kind] / best, 2)
    return rows


def show(rows):
    print(f"{'server':18} {'procs':>5} {'threads':>7} {'GET/s':>7} {'ratio':>5} {'publish/s':>9} {'ratio':>5} "
          f"{'MB':>6} {'kill s':>6} {'failed':>6}")  # fmt: skip
    for row in rows:
        print(
            f"{row['server']:18} {row['processes'] or '-':>5} {row['threads']:>7} {row['get']:>7} {row['get_ratio']:>5} "
            f"{row['publish']:>9} {row['publish_ratio']:>5} {row.get('resident_mb', '-'):>6} {row.get('after_kill_s', '-'):>6} "
            f"{row['failed']:>6}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--program", action="append", default=[], metavar="FILE")
    parser.add_argument("names", nargs="*", default=list(VARIANTS), metavar="NAME")
    options = parser.parse_args()
    missing = [name for name in ("wrk", "cc") if shutil.which(name) is None]
    if missing:
        print(f"nothing measured: {' and '.join(missing)} missing (on Debian: apt-get install wrk gcc)")
        return
    machine = {"system": platform.platform(), "processors": os.cpu_count(), "clients": CLIENTS}
    print(machine)
    result = {"machine": machine, "servers": []}
    for name in options.names:
        rows = [measure(name, *variant, options.seconds, options.rounds) for variant in VARIANTS[name]]
        show(with_ratios(rows))
        result["servers"] += rows
    result["plain_cgi"] = cgi_start.measure_all(options.program)
    cgi_start.show(result["plain_cgi"])
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
