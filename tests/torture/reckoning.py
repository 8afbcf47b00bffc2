"""After the play: everything that was promised is looked for, through the API, in what arrived, and in the store."""

import subprocess
from collections import defaultdict

from api import EVENT, SUBSCRIPTION
from receiver import parse_signature, sign, sign_standard

EVENTS_ASKED_FOR = 200
DUE_MAX_S = 0.5  # what an attempt may take from its start to the receiver, beside what t rounds away


def token_of(delivery):
    body = delivery.json
    return f"test {delivery.event_id}" if body["eventName"] == "Webhook.Test" else body["payload"]["token"]


class Reckoning:
    def __init__(self, stage):
        self.stage, self.ledger = stage, stage.ledger
        self.complain = stage.ledger.complaints.add
        with stage.receiver.condition:
            self.arrived = list(stage.receiver.deliveries)
        self.paths = {subscription.path: subscription for subscription in self.ledger.subscriptions.values()}

    # --- what arrived ---

    def check_arrivals(self):
        """Nothing that nobody published; one event for each thing that was published; every signature."""
        events = defaultdict(set)
        for delivery in self.arrived:
            token, subscription = token_of(delivery), self.paths.get(delivery.path)
            events[token].add(delivery.event_id)
            if subscription and subscription.is_probed and token.startswith("test ") and token not in self.ledger.attempted:
                self.check_probe(delivery, subscription)
            elif token not in self.ledger.attempted or subscription is None:
                self.complain(f"something arrived that nobody published: {delivery.path} {token}")
            else:
                self.check_signature(delivery, subscription)
        for token, ids in events.items():
            if len(ids) > 1:
                self.complain(f"{token} was published once and became the events {sorted(ids)}")
        for event in self.ledger.events.values():
            if events[event.token] - {event.id}:
                self.complain(f"{event.token} was answered with event {event.id} and arrived as {events[event.token]}")
        return len(self.arrived)

    def check_probe(self, delivery, subscription):
        """One signature: that of a secret which is valid, or one that nobody has."""
        t, values = parse_signature(delivery.header("X-Webhook-Signature"))
        moments = self.stage.clock.moments(t, delivery.at)
        used = [
            secret for secret in subscription.secrets + subscription.ended if sign(secret.text, t, delivery.body) in values
        ]
        if len(values) != 1 or moments is None or not all(one in subscription.may_sign(*moments) for one in used):
            self.complain(f"a probe, {delivery.event_id}, arrived at {delivery.path} signed {len(values)} times: {used}")

    def check_signature(self, delivery, subscription):
        header = delivery.header("X-Webhook-Signature")
        if header is None:
            moments = (delivery.at - self.stage.request_timeout_s - DUE_MAX_S, delivery.at)
            if subscription.must_sign(*moments):
                self.complain(f"{delivery.event_id} arrived at {delivery.path} without a signature")
            return
        t, values = parse_signature(header)
        moments = self.stage.clock.moments(t, delivery.at)
        if moments is None:
            self.complain(f"{delivery.event_id} arrived at {delivery.path} with t={t}, which no clock has shown")
            return
        by_value = {sign(secret.text, t, delivery.body): secret for secret in subscription.secrets + subscription.ended}
        used = [by_value.get(value) for value in values]
        allowed = subscription.may_sign(*moments)
        if not all(secret in allowed for secret in used):
            self.complain(f"{delivery.event_id} arrived at {delivery.path} signed with a secret that was not valid")
            return
        for secret in subscription.must_sign(*moments):
            if secret not in used:
                self.complain(
                    f"{delivery.event_id} at {delivery.path} lacks a secret: answered {secret.answered_at}, "
                    f"started {moments}, ends {secret.ending_at}; {len(used)} signed"
                )
        standard = [sign_standard(secret.text, delivery.event_id, t, delivery.body) for secret in used]
        if delivery.header("webhook-signature").split(" ") != standard:
            self.complain(f"{delivery.event_id} at {delivery.path}: the two schemes differ")

    # --- what the API says ---

    def check_subscriptions(self, api):
        """Every secret that an answer returned is there, newest first, with the end that it was promised."""
        for subscription in self.ledger.subscriptions.values():
            response = api.get(f"{SUBSCRIPTION}/{subscription.id}")
            if response.status == 404 and subscription.deleting_at != float("inf"):
                continue
            if response.status != 200 or subscription.deleting_at != float("inf"):
                self.complain(f"subscription {subscription.id} is answered with {response}")
                continue
            self.stage.compare(subscription, response.json)
        return len(self.ledger.subscriptions)

    def check_events(self, api):
        """Some of them; the store's reader has all."""
        events = list(self.ledger.events.values())
        for event in events[:: max(1, len(events) // EVENTS_ASKED_FOR)]:
            response = api.get(f"{EVENT}/{event.id}")
            wanted = sorted(identity + event.id for identity in event.subscriptions)
            if response.status != 200 or sorted(response.json["delivery_ids"]) != wanted:
                self.complain(f"event {event.id} ({event.token}) is answered with {response}")
        return len(events)

    # --- what the store holds ---

    def read_store(self):
        """{(event, subscription): (status, attempts)} of all accepted events; the structure is verified as well."""
        done = self.stage.installation.run_program(
            self.stage.reader, self.stage.installation.data,
            stdin="".join(f"{event}\n" for event in self.ledger.events).encode(), timeout=300,
            prefix=self.stage.installation.as_user,
        )  # fmt: skip
        if done.returncode != 0:
            self.complain(f"the store is damaged: {done.stderr.decode('utf-8', 'replace')}")
        rows = {}
        for line in done.stdout.decode().splitlines():
            event, subscription, status, attempts = line.split()
            rows[event, subscription] = (status, int(attempts))
        return rows

    def check_deliveries(self):
        """Each is DELIVERED, and then it was taken; or it failed, or was cancelled, alone or with its subscription."""
        taken = {(delivery.event_id, self.paths[delivery.path].id) for delivery in self.stage.taken()}
        rows, totals = self.read_store(), defaultdict(int)
        for event in self.ledger.events.values():
            for identity in event.subscriptions:
                status, attempts = rows.get((event.id, identity), ("NOWHERE", 0))
                subscription = self.ledger.subscriptions[identity]
                is_cancelled = (event.id, identity) in self.ledger.cancelled
                is_fine = {
                    "DELIVERED": (event.id, identity) in taken and attempts > 0 and not is_cancelled,
                    "FAILED": subscription is self.stage.doomed and attempts > 0 and attempts % 2 == 0,  # recovered, each
                    "CANCELLED": subscription.deleting_at != float("inf") or is_cancelled,
                }.get(status, False)
                if not is_fine:
                    self.complain(
                        f"delivery of {event.id} ({event.token}) to {identity} at {subscription.path} is {status} after "
                        f"{attempts} attempts; it was {'' if (event.id, identity) in taken else 'not '}taken"
                    )
                totals[status] += 1
        return dict(totals)
