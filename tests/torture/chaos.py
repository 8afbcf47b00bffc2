"""What happens to the programs while the clients work: kill -9 of each kind of process and of all at once, commands that
are killed in the middle of their work, steps of the clock, reloads and restarts of the web servers. Each action is
drawn from the seed. Only processes of this installation are touched, each by its pid."""

import collections
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from harness import children_of
from ledger import Event

COMMAND_MAX_S = 90
CLOCK_MAX_MS = 600_000


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it was faster


# What happens how often: methods of Chaos.
STRIKES = {
    "kill_backend": 8,
    "kill_own_worker": 3,
    "kill_worker": 2,
    "kill_workers_child": 3,
    "end_worker": 1,
    "kill_all": 2,
    "step_clock": 3,
    "reload_server": 2,
    "restart_server": 1,
}


# How often, words, how many of them are killed, within how many seconds of their beginning. What stands in capitals
# is the installation's.
COMMANDS = [
    (4, "key create --organization ORGANIZATION", 0.4, 0.08),
    (4, "key list --json", 0.4, 0.08),
    (8, "publish --organization ORGANIZATION --json EVENT", 0.4, 0.08),
    (4, "status --json", 0.4, 0.08),
    (4, "doctor --json", 0.4, 0.08),
    (4, "deliver --once", 0.4, 0.08),
    (1, "recover DOOMED --since 2020-01-01T00:00:00Z", 0.4, 0.08),
    (2, "backup COPY", 0.8, 1.5),
    (2, "rekey", 0.7, 0.8),
    (2, "purge", 0.5, 0.3),
    (2, "export FILE", 0.7, 0.8),
    (2, "import FILE", 0.7, 0.8),
]


class Deliverer:
    """A `hookturn deliver` that somebody looks after; between two of them publishing may start one of its own."""

    def __init__(self, stage):
        self.stage = stage
        self.random = random.Random(f"{stage.seed}-deliverer")
        self.process = None
        self.killed, self.asked_to_end = set(), set()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        while not self.stage.is_over.is_set():
            self.process = self.stage.installation.start_worker().process
            status = self.process.wait()
            pid = self.process.pid
            # Whose child is killed while it comes to its end says so, with 1.
            if status != 0 and pid not in self.killed and (pid not in self.asked_to_end or status != 1):
                self.stage.ledger.complaints.add(f"`hookturn deliver` ended with {status}")
            self.stage.is_over.wait(self.random.uniform(0, 2))

    def strike(self, number):
        pid = self.process.pid if self.process and self.process.poll() is None else None
        if pid is None:
            return
        (self.killed if number == signal.SIGKILL else self.asked_to_end).add(pid)
        kill(pid, number)

    def end(self):
        """Once the play is over."""
        self.strike(signal.SIGTERM)
        self.thread.join(30)

    def strike_child(self):
        if self.process and self.process.poll() is None:
            for pid in children_of(self.process.pid):
                kill(pid)


class Chaos:
    def __init__(self, stage):
        self.stage, self.ledger = stage, stage.ledger
        self.random = random.Random(f"{stage.seed}-chaos")
        self.deliverer = Deliverer(stage)
        self.done, self.commands = collections.Counter(), 0
        self.journal = []  # (when, what)
        self.running = None  # a command of ours
        self.killed_commands = set()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.strike_on, self.command_on)]
        self.threads.append(self.deliverer.thread)

    def strike_on(self):
        try:
            while not self.stage.is_over.wait(self.random.choice((0.05, 0.3, 1, 2, 4)) * self.random.uniform(0.5, 1)):
                name = self.random.choices(list(STRIKES), list(STRIKES.values()))[0]
                with self.ledger.disturbance():
                    getattr(self, name)()
                self.done[name] += 1
                self.note(name)
        except Exception as error:
            self.ledger.complaints.add(f"the strikes: {type(error).__name__}: {error}")

    def note(self, what):
        self.journal.append((time.time(), what))

    # --- strikes ---

    def kill_backend(self):
        door = self.random.choice(self.stage.doors)
        pids = door.pids()
        if pids:
            door.kill(self.random.choice(pids))

    def kill_own_worker(self):
        """One process, a parent or a child, of a worker that publishing started."""
        pids = [pid for pid in self.stage.installation.strays() if b"deliver" in words_of(pid)]
        if pids:
            kill(self.random.choice(sorted(pids)))

    def kill_worker(self):
        self.deliverer.strike(signal.SIGKILL)

    def kill_workers_child(self):
        self.deliverer.strike_child()

    def end_worker(self):
        self.deliverer.strike(signal.SIGTERM)

    def kill_all(self):
        self.deliverer.strike(signal.SIGKILL)
        self.deliverer.strike_child()
        for door in self.stage.doors:
            for pid in door.pids():
                door.kill(pid)
        if self.running:
            self.kill_command(self.running)
        for pid in self.stage.installation.strays():
            if b"fcgi" not in words_of(pid)[0]:
                kill(pid)

    def step_clock(self):
        self.stage.clock.step_to(self.random.randint(-CLOCK_MAX_MS, CLOCK_MAX_MS) // 60000 * 60000)

    def reload_server(self):
        """But for mod_fcgid's: who asks its process manager for a process in the moment of a reload waits for ever for one
        that has gone, in the old child of Apache."""
        door = self.random.choice(self.stage.doors)
        if door.name != "apache-fcgid":
            door.server.reload()

    def restart_server(self):
        server = self.random.choice(self.stage.doors).server
        server.close()
        server.start()

    # --- commands ---

    def command_on(self):
        try:
            while not self.stage.is_over.wait(self.random.uniform(0, 0.4)):
                self.command()
        except Exception as error:
            self.ledger.complaints.add(f"the commands: {type(error).__name__}: {error}")

    def command(self):
        self.commands += 1
        token = f"{self.stage.seed}-command-{self.commands}"
        dice = random.Random(token)
        _, text, killed, within = dice.choices(COMMANDS, [weight for weight, *_ in COMMANDS])[0]
        copy, file = (self.stage.installation.directory / name for name in ("play", "play.jsonl"))
        values = {"ORGANIZATION": self.stage.organization, "EVENT": dice.choice(["Doom.Happened", "Cli.Happened"]),
                  "DOOMED": self.stage.doomed.id, "COPY": str(copy), "FILE": str(file)}  # fmt: skip
        words = [values.get(word, word) for word in text.split()]
        if words[0] == "export":
            file.unlink(missing_ok=True)
        elif words[0] == "import" and not file.exists():
            return
        payload = b""
        if words[0] == "publish":
            self.ledger.attempt(token)
            payload = json.dumps({"token": token}).encode()
        self.run(words, payload, token, dice.uniform(0, within) if dice.random() < killed else None, dice.random() < 0.5)
        if copy.exists() and not (copy / "backup").exists():
            self.ledger.complaints.add("something that looks like a backup is none")
        if words[0] == "export" and file.exists() and b'{"hookturn":"end"' not in file.read_bytes().splitlines()[-1]:
            self.ledger.complaints.add("something that looks like an export is none")
        shutil.rmtree(copy, ignore_errors=True)

    def run(self, words, payload, token, killed_after, child_alone):
        installation = self.stage.installation
        process = subprocess.Popen(
            [str(installation.command), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=installation.env, cwd=installation.directory,
        )  # fmt: skip
        self.running = process
        if killed_after is not None:
            threading.Timer(killed_after, self.kill_command, (process, child_alone)).start()
        try:
            out, err = process.communicate(payload, timeout=COMMAND_MAX_S)
        except subprocess.TimeoutExpired:
            self.ledger.complaints.add(f"hookturn {' '.join(words)} hung for {COMMAND_MAX_S} s")
            process.kill()
            out, err = process.communicate()
        self.running = None
        self.judge(words, process, out, err, token)

    def kill_command(self, process, child_alone=False):
        """The parent dies: its child gets a SIGTERM. The child alone: the parent complains."""
        if process.poll() is not None:
            return
        self.killed_commands.add(process.pid)
        with self.ledger.disturbance():
            for pid in children_of(process.pid) if child_alone else [process.pid]:
                kill(pid)
        self.done["command killed"] += 1
        self.note("command killed")

    def judge(self, words, process, out, err, token):
        status = process.returncode
        name = " ".join(words)
        if status == 0 and words[0] == "publish":
            answer = json.loads(out)
            wanted = [self.stage.everything.id] + ([self.stage.doomed.id] if "Doom.Happened" in words else [])
            if answer["delivery_count"] != len(wanted):
                self.ledger.complaints.add(f"hookturn {name}: {answer} is for {wanted}")
            self.ledger.accept(Event(answer["event_id"], token, wanted))
        if process.pid in self.killed_commands or status == 0:
            return
        # A recovery ends a child that does not leave by itself in time; doctor may find the store in the middle of one.
        lines = err.decode("utf-8", "replace").splitlines()
        said = [line for line in lines if line.startswith("hookturn")]
        if status != 1 or (words[0] != "doctor" and len(said) != 1):
            self.ledger.complaints.add(f"hookturn {name} ended with {status}: {err!r}")
        self.done["command failed"] += 1
        if self.stage.verbose:
            print(f"{name}: {status}: {said or out}")


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return [b""]
