"""What was asked, what was answered and when: written down by the clients while they work, read by the reckoning.

All times are the machine's (`time.time()`); those that hookturn shows are the tests' clock's, `Clock` knows both."""

import contextlib
import threading
import time
from dataclasses import dataclass, field

NEVER = float("inf")


class Complaints:
    """What went wrong, collected: the play goes on, so that one run shows all of it."""

    def __init__(self):
        self.lock, self.texts = threading.Lock(), []

    def add(self, text):
        with self.lock:
            self.texts.append(text)


class Clock:
    """The tests' clock, and the offsets that it had."""

    def __init__(self, installation):
        self.installation = installation
        self.steps = [(0.0, 0)]  # since when, offset in milliseconds

    def step_to(self, offset_ms):
        self.installation.set_clock(offset_ms)
        self.steps.append((time.time(), offset_ms))

    @property
    def offset_ms(self):
        return self.steps[-1][1]

    def moments(self, t, arrived_at, slack=0.5):
        """The machine's times at which the clock may have shown second `t`, as (earliest, latest), before `arrived_at`.
        None where it never did."""
        found = []
        for number, (since, offset_ms) in enumerate(self.steps):
            until = self.steps[number + 1][0] if number + 1 < len(self.steps) else NEVER
            earliest = max(t - offset_ms / 1000, since - slack)
            latest = min(t + 1 - offset_ms / 1000, until + slack, arrived_at)
            if earliest <= latest:
                found.append((earliest, latest))
        return (min(pair[0] for pair in found), max(pair[1] for pair in found)) if found else None


@dataclass
class Secret:
    text: str
    sent_at: float  # the first request for it
    answered_at: float
    ending_at: float = NEVER  # the first request that ends it was sent,
    ended_at: float = NEVER  # and the answer was there
    expires_at: str = ""  # what the rotation promised


@dataclass
class Subscription:
    id: str
    name: str
    path: str  # at the receiver
    secrets: list = field(default_factory=list)  # newest first
    ended: list = field(default_factory=list)
    active: bool = True
    is_probed: bool = False  # some time or other
    has_probe: bool = False  # for sure
    deleting_at: float = NEVER

    @property
    def signed(self):
        return bool(self.secrets)

    def end(self, secrets, sent_at, answered_at):
        for secret in secrets:
            secret.ending_at, secret.ended_at = sent_at, answered_at
            self.secrets.remove(secret)
            self.ended.append(secret)

    def must_sign(self, earliest, latest):
        """The secrets, newest first, of every attempt that started between the two."""
        both = self.secrets + self.ended
        return [secret for secret in both if secret.answered_at < earliest and latest < secret.ending_at]

    def may_sign(self, earliest, latest):
        return [s for s in self.secrets + self.ended if s.sent_at <= latest and earliest <= s.ended_at]


@dataclass
class Event:
    id: str
    token: str  # stands in its payload
    subscriptions: list  # the ids that its deliveries are for


@dataclass
class Try:
    door: str
    what: str
    sent_at: float
    ended_at: float
    outcome: str  # "" where it was answered for good


class Ledger:
    def __init__(self):
        self.complaints = Complaints()
        self.subscriptions, self.events, self.attempted, self.tries = {}, {}, set(), []
        self.cancelled = set()  # (event, subscription)
        self.disturbances = [[0.0, 0.0]]  # beginning and end of each kill, step and restart
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def disturbance(self):
        entry = [time.time(), NEVER]
        self.disturbances.append(entry)
        try:
            yield
        finally:
            entry[1] = time.time()

    def add_try(self, made):
        with self.lock:
            self.tries.append(made)

    def add_subscription(self, subscription):
        with self.lock:
            self.subscriptions[subscription.id] = subscription

    def attempt(self, token):
        with self.lock:
            self.attempted.add(token)

    def accept(self, event):
        with self.lock:
            if event.id in self.events:
                self.complaints.add(f"two events have the id {event.id}")
            self.events[event.id] = event

    def lateness(self, made):
        """How long after the last disturbance that can have been its cause a request was sent that failed."""
        last = max(end for beginning, end in self.disturbances if beginning <= made.ended_at)
        return max(made.sent_at - last, 0.0)
