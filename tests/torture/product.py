"""Torture of the whole product: two web servers, clients that publish and rotate and repeat until they have an answer, two
workers, a receiver that checks every signature, and kill -9, steps of the clock and restarts all the while. Afterwards
nothing that was acknowledged may be missing, nothing may have been sent that nobody published, no secret may have signed
too early, too late or not at all, and nobody may have hung.

    product.py [--seconds N] [--seed N] [--apache NAME]

The seed decides who does what and when whom we kill; it is printed, so that a bad run can be tried again."""

import argparse
import collections
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import threading
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from api import SUBSCRIPTION, Api, make_door  # noqa: E402
from chaos import Chaos  # noqa: E402
from clients import Client  # noqa: E402
from harness import BUILD, Installation, eventually  # noqa: E402
from ledger import Clock, Ledger, Secret, Subscription  # noqa: E402
from receiver import OK, Answer, Receiver  # noqa: E402
from reckoning import Reckoning  # noqa: E402

CLIENTS = 8
APACHES = ["apache-fcgid", "apache-proxy-fcgi", "apache-cgid"]
LATE_MAX_S = collections.defaultdict(lambda: 1.0, {"apache-fcgid": 3.0})
TOLERANCE_S = 1.0  # for a machine that does something else as well
DRAIN_MAX_S = 120


class Stage:
    request_timeout_s = 2

    def __init__(self, seed, apache, verbose):
        self.seed, self.verbose = seed, verbose
        self.ledger, self.is_over = Ledger(), threading.Event()
        self.answers, self.answers_lock = [], threading.Lock()
        self.receiver = Receiver(on_delivery=self.answer)
        self.installation = Installation(
            {"worker": "auto", "worker_idle": "1s", "log_level": "info", "allow_destinations": "127.0.0.0/8"}, clock=True
        )
        self.clock = Clock(self.installation)
        # Beside hookturn.fcgi, where it is looked for; and where the web servers' user may read them.
        shutil.copy(self.installation.command, self.installation.directory / "hookturn")
        self.reader = self.installation.directory / "store_reader"
        shutil.copy(BUILD / "tests/torture/store_reader", self.reader)
        self.organization = str(uuid.uuid4())
        self.key = self.installation.create_key(self.organization)
        self.operate_key = self.installation.create_key(self.organization, scope="operate")
        self.doors = [make_door(self.installation, name) for name in ("lighttpd", apache)]
        self.api = Api(self.doors[0], self.key)
        self.everything = self.subscribe("/everything", events=[])
        self.doomed = self.subscribe("/doomed", events=["Doom.*"], retry_policy={
            "retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 1, "maxRetryDelayMs": 1000})  # fmt: skip
        self.clients = [Client(number, self) for number in range(CLIENTS)]
        self.chaos = Chaos(self)

    def subscribe(self, path, **members):
        sent_at = time.time()
        made = self.api.subscribe(name=path, url=self.receiver.url(path), request_timeout_ms=2000, **members)
        subscription = Subscription(made["id"], path, path, [Secret(made["secret"], sent_at, time.time())])
        self.ledger.add_subscription(subscription)
        return subscription

    def answer(self, delivery):
        """The receiver's: mostly a friendly one."""
        dice = random.Random(f"{self.seed}{delivery.path}{delivery.body}{delivery.header('X-Webhook-Attempt')}").random()
        if delivery.path == "/doomed":
            return Answer(500)
        answer = OK
        if delivery.path != "/everything" and dice < 0.12:
            answer = (Answer(500), Answer(503), Answer(behaviour="close"), Answer(delay=0.2))[int(dice * 100) // 3]
        if answer.status == 200 and answer.behaviour is None:
            with self.answers_lock:
                self.answers.append(delivery)
        return answer

    def taken(self):
        with self.answers_lock:
            return list(self.answers)

    def compare(self, subscription, shown):
        """What a GET shows of the secrets is what the answers have promised."""
        secrets = [
            {"fingerprint": hashlib.sha256(secret.text.encode()).hexdigest()[:12]}
            | ({"expires_at": secret.expires_at} if secret.expires_at else {})
            for secret in subscription.secrets
        ]
        entries = [
            {name: value for name, value in entry.items() if name != "created_at"}
            for entry in shown.get("signing_secrets", [])
        ]
        if entries != secrets or shown["signing_enabled"] != subscription.signed:
            self.ledger.complaints.add(f"{subscription.id} shows {entries}, and {secrets} was promised")

    def play(self, seconds):
        self.began_at = time.time()
        for thread in [client.thread for client in self.clients] + self.chaos.threads:
            thread.start()
        time.sleep(seconds)  # the play's length, not a wait for anything
        self.is_over.set()
        for thread in self.chaos.threads[:2] + [client.thread for client in self.clients]:
            thread.join(150)
            if thread.is_alive():
                self.ledger.complaints.add(f"{thread.name} did not come to its end")

    def waiting(self):
        done = self.installation.cli("status", "--json", timeout=60)
        return json.loads(done.stdout)["waiting"]["deliveries"] if done.returncode == 0 else None

    def drain(self):
        """Every lease and every pause lies behind us; one worker does what is left to do."""
        self.chaos.deliverer.end()
        self.clock.step_to(2 * 3600 * 1000)
        worker = self.installation.start_worker()
        last = {"event_name": "Last.Event", "payload": {"token": "last"}}
        self.ledger.attempt("last")
        for client in self.clients:
            client.publish()
        assert self.api.post("/v1/public/webhook/event", last).status == 202
        try:
            eventually(lambda: self.waiting() == 0, DRAIN_MAX_S, "the end of all deliveries")
            eventually(self.is_all_probed, DRAIN_MAX_S, "the end of all probes")
        except AssertionError as error:
            self.ledger.complaints.add(f"{error}: {self.waiting()} wait")
        return worker

    def is_all_probed(self):
        return all(client.read_probe(made) for client in self.clients for made in client.subscriptions if made.signed)

    def finish_rekey(self):
        """Whatever became of the ones before, one that is let run to its end leaves one key, and the store a whole."""
        self.installation.cli("rekey", check=True, timeout=300)
        keys = (self.installation.data / "master.key").read_text().splitlines()[1:]
        if len(keys) != 1:
            self.ledger.complaints.add(f"{len(keys)} master keys are left")

    def pass_through_backup(self):
        """What is read afterwards is the store as a backup has kept it."""
        copy = self.installation.directory / "copy"
        self.installation.cli("backup", copy, check=True, timeout=300)
        self.installation.cli("restore", copy, check=True, timeout=300)

    def reckon(self):
        complain = self.ledger.complaints.add
        worker = self.drain()
        self.finish_rekey()
        done = self.installation.cli("doctor", timeout=60)
        if done.returncode != 0:
            complain(f"doctor: {done.stdout.decode()}{done.stderr.decode()}")
        reckoning = Reckoning(self)
        subscriptions, events = reckoning.check_subscriptions(self.api), reckoning.check_events(self.api)
        if worker.stop() != 0:
            complain("the last worker did not end well")
        while self.installation.closers:
            self.installation.closers.pop()()
        for pid in self.installation.strays():
            os.kill(pid, signal.SIGTERM)
        eventually(lambda: not self.installation.strays(), what="the end of the workers")
        self.pass_through_backup()
        totals, arrivals = reckoning.check_deliveries(), reckoning.check_arrivals()
        print(f"torture: found again: {subscriptions} subscriptions, {events} events, {totals}, {arrivals} arrivals")
        if not events or "DELIVERED" not in totals:
            complain("nothing was acknowledged")

    def report(self):
        """How requests fared; those that failed although nobody had disturbed anything for long are complaints."""
        for door in self.doors:
            tries = [made for made in self.ledger.tries if made.door == door.name]
            failed = [made for made in tries if made.outcome]
            late = sorted(((self.ledger.lateness(made), made) for made in failed), key=lambda pair: -pair[0])
            longest = max((made.ended_at - made.sent_at for made in tries), default=0)
            print(
                f"torture: {door.name}: {len(tries)} requests, {len(failed)} failed, the last "
                f"{late[0][0] if late else 0:.2f} s after a strike; the longest took {longest:.2f} s; "
                f"{dict(collections.Counter(made.outcome for made in failed))}"
            )
            for lateness, made in late:
                if lateness > LATE_MAX_S[door.name] + TOLERANCE_S:
                    self.ledger.complaints.add(f"{made.what} failed with {made.outcome} {lateness:.2f} s after a strike")
            if door.server.process.poll() is not None:
                self.ledger.complaints.add(f"{door.name} itself has ended with {door.server.process.returncode}")
        print(f"torture: {dict(self.chaos.done)}, {self.chaos.commands} commands")
        if self.verbose:
            for at, what in self.chaos.journal:
                print(f"{at - self.began_at:8.3f} {what}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--apache", choices=APACHES, default=None, help="default: by the seed")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seed = int.from_bytes(os.urandom(4), "big") if options.seed is None else options.seed
    apache = options.apache or APACHES[seed % len(APACHES)]
    print(f"torture: the whole product, {options.seconds:g} s, --seed {seed} --apache {apache}", flush=True)
    stage = Stage(seed, apache, options.verbose)
    try:
        stage.play(options.seconds)
        stage.report()
        stage.reckon()
    except Exception as error:
        stage.ledger.complaints.add(f"the reckoning: {type(error).__name__}: {error}")
    finally:
        if stage.ledger.complaints.texts:
            os.environ["HOOKTURN_KEEP"] = "1"
            print(f"torture: kept {stage.installation.directory}")
        stage.is_over.set()
        stage.receiver.close()
        stage.installation.close()
    for text in stage.ledger.complaints.texts[:50]:
        print(f"torture: FAILED: {text}")
    if stage.ledger.complaints.texts:
        return 1
    print("torture: nothing acknowledged is missing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
