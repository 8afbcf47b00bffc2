"""The clients: each has subscriptions of its own, changes them, publishes to them, and repeats whatever it asks, with the
same Idempotency-Key, until it has an answer. It knows what the answer must be, and writes down what it was promised."""

import collections
import http.client
import json
import random
import threading
import time

from api import DELIVERY, EVENT, EVENTS, METRICS, SUBSCRIPTION, SUBSCRIPTIONS, Response, check_answer
from fcgi_client import ServerGone
from ledger import Event, Secret, Subscription, Try

REQUEST_MAX_S = 15  # a request that takes longer hangs: 2 s for the gate, 2 s of retries, a lock's 5 s
ANSWER_MAX_S = 60  # a client that has repeated so long has no service
SECRETS_MAX = 7
SUBSCRIPTIONS_MAX = 3
RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 20, "maxRetryDelayMs": 1000}


class NoAnswer(Exception):
    pass


class Client:
    def __init__(self, number, stage):
        self.number, self.stage, self.ledger = number, stage, stage.ledger
        self.random = random.Random(f"{stage.seed}-client-{number}")
        self.subscriptions, self.count = [], 0
        self.recent = collections.deque(maxlen=10)  # events
        self.thread = threading.Thread(target=self.work, daemon=True)

    def work(self):
        try:
            while not self.stage.is_over.is_set():
                self.act()
                self.stage.is_over.wait(self.random.uniform(0, 0.06))
            for subscription in self.subscriptions:
                self.patch(subscription, {"active": True})
                subscription.active = True
        except NoAnswer as error:
            self.ledger.complaints.add(str(error))
        except Exception as error:
            self.ledger.complaints.add(f"client {self.number}: {type(error).__name__}: {error}")

    # --- asking ---

    def key(self):
        self.count += 1
        return f"{self.stage.seed}-{self.number}-{self.count}"

    def ask(self, method, target, json_body=None, expected=200, key=None, api_key=None):
        """(the answer, when the first request was sent, when the answer was there). `expected`: one or several."""
        headers = [("Authorization", f"Bearer {api_key or self.stage.key}")]
        if json_body is not None:
            headers.append(("Content-Type", "application/json"))
        if method in ("POST", "PUT", "PATCH"):
            headers.append(("Idempotency-Key", key or self.key()))
        body = None if json_body is None else json.dumps(json_body).encode()
        first = time.time()
        while time.time() - first < ANSWER_MAX_S:
            response = self.try_once(method, target, headers, body)
            if response is not None:
                wanted = expected if isinstance(expected, tuple) else (expected,)
                assert response.status in wanted, f"{method} {target} {json_body}: {response}"
                return response, first, time.time()
            time.sleep(self.random.uniform(0.01, 0.05))
        raise NoAnswer(f"client {self.number}: {method} {target} had no answer for {ANSWER_MAX_S} s")

    def try_once(self, method, target, headers, body):
        """None: repeat it."""
        door = self.random.choice(self.stage.doors)
        sent_at, outcome, response = time.time(), "", None
        try:
            response = Response(door.request(method, target, headers, body, timeout=REQUEST_MAX_S))
            if response.header("X-Trace-Id"):
                check_answer(method, target, response)
            if response.status >= 500:
                outcome = str(response.status) + ("" if response.header("X-Trace-Id") else " of the server")
            else:
                assert response.header("X-Trace-Id"), f"the web server answered {method} {target} by itself: {response}"
        except TimeoutError:
            outcome = "no answer"
            self.ledger.complaints.add(
                f"{method} {target}, sent at {sent_at - self.stage.began_at:.3f} through {door.name}, hung"
            )
        except (ServerGone, OSError, http.client.HTTPException) as error:
            outcome = type(error).__name__
        self.ledger.add_try(Try(door.name, f"{method} {target}", sent_at, time.time(), outcome))
        return None if outcome else response

    # --- what it does ---

    def act(self):
        own = self.subscriptions
        if not own or (len(own) < SUBSCRIPTIONS_MAX and self.random.random() < 0.1):
            return self.create()
        subscription = self.random.choice(own)
        actions = [
            (40, self.publish),
            (6, self.publish_batch),
            (10, lambda: self.rotate(subscription)),
            (3, lambda: self.revoke(subscription)),
            (6, lambda: self.pause_or_resume(subscription)),
            (4, lambda: self.put(subscription)),
            (6, lambda: self.read(subscription)),
            (2, self.list),
            (3, lambda: self.send_again(subscription)),
            (3, lambda: self.cancel(subscription)),
            (2, lambda: self.send_test(subscription)),
            (3, lambda: self.probe(subscription)),
            (3, lambda: self.read_probe(subscription)),
            (1, self.recover),
            (1, self.read_metrics),
            (1, lambda: self.delete(subscription)),
        ]
        return self.random.choices([action for _, action in actions], [weight for weight, _ in actions])[0]()

    def members(self, name, path, **more):
        return {
            "name": name, "url": self.stage.receiver.url(path), "enable_signed_webhooks": True, "retry_policy": RETRY,
            "events": [f"C{self.number}.*"], "request_timeout_ms": 2000, **more,
        }  # fmt: skip

    def create(self):
        self.count += 1
        name = f"client {self.number}, {self.count}"
        path = f"/{self.number}/{self.count}"
        response, sent_at, answered_at = self.ask("POST", SUBSCRIPTION, self.members(name, path), 201)
        made = Subscription(response.json["id"], name, path)
        made.secrets = [Secret(response.json["secret"], sent_at, answered_at)]
        self.subscriptions.append(made)
        self.ledger.add_subscription(made)

    def rotate(self, subscription):
        if not subscription.signed:
            self.ask("POST", f"{SUBSCRIPTION}/{subscription.id}/rotate/secret", expected=409)
            return
        if len(subscription.secrets) >= SECRETS_MAX:
            self.revoke(subscription)
        target = f"{SUBSCRIPTION}/{subscription.id}/rotate/secret"
        response, sent_at, answered_at = self.ask("POST", target)
        subscription.secrets[0].expires_at = response.json["previous_secret_expires_at"]
        subscription.secrets.insert(0, Secret(response.json["secret"], sent_at, answered_at))

    def revoke(self, subscription):
        if not subscription.signed:
            return
        target = f"{SUBSCRIPTION}/{subscription.id}/revoke/secret"
        response, sent_at, answered_at = self.ask("POST", target)
        previous = subscription.secrets[1:]
        assert response.json["revoked"] == len(previous), (target, response, len(previous))
        subscription.end(previous, sent_at, answered_at)

    def patch(self, subscription, members):
        return self.ask("PATCH", f"{SUBSCRIPTION}/{subscription.id}", members)

    def pause_or_resume(self, subscription):
        wanted = not subscription.active
        self.patch(subscription, {"active": wanted})
        subscription.active = wanted

    def put(self, subscription):
        """Turns signing off, or on again."""
        turns_on = not subscription.signed
        members = self.members(
            subscription.name, subscription.path, enable_signed_webhooks=turns_on, active=subscription.active
        )
        response, sent_at, answered_at = self.ask("PUT", f"{SUBSCRIPTION}/{subscription.id}", members)
        if turns_on:
            subscription.secrets = [Secret(response.json["secret"], sent_at, answered_at)]
        else:
            assert "secret" not in response.json
            subscription.has_probe = False  # a pending one is void
            subscription.end(list(subscription.secrets), sent_at, answered_at)

    def read(self, subscription):
        response, _, _ = self.ask("GET", f"{SUBSCRIPTION}/{subscription.id}")
        self.stage.compare(subscription, response.json)

    def list(self):
        response, _, _ = self.ask("GET", f"{SUBSCRIPTIONS}?page_size=100")
        listed = {entry["id"] for entry in response.json["data"]}
        missing = [subscription.id for subscription in self.subscriptions if subscription.id not in listed]
        assert "next_page_token" in response.json or not missing, f"not in the list: {missing}"

    def delete(self, subscription):
        self.subscriptions.remove(subscription)
        subscription.deleting_at = time.time()
        _, sent_at, answered_at = self.ask("DELETE", f"{SUBSCRIPTION}/{subscription.id}", expected=(204, 404))
        subscription.end(list(subscription.secrets), sent_at, answered_at)

    # --- events ---

    def event(self):
        token = self.key()
        self.ledger.attempt(token)
        return {"event_name": f"C{self.number}.Happened", "payload": {"token": token}}

    def accept(self, sent, answer):
        wanted = [subscription.id for subscription in self.subscriptions] + [self.stage.everything.id]
        assert answer["delivery_count"] == len(wanted), f"{answer} is for {len(wanted)} subscriptions: {wanted}"
        accepted = Event(answer["event_id"], sent["payload"]["token"], wanted)
        self.ledger.accept(accepted)
        self.recent.append(accepted)

    def publish(self):
        sent = self.event()
        response, _, _ = self.ask("POST", EVENT, sent, 202)
        self.accept(sent, response.json)

    # --- deliveries ---

    def recent_event(self, subscription):
        """An event that was published a moment ago, or None."""
        recent = [event for event in self.recent if subscription.id in event.subscriptions]
        return self.random.choice(recent) if recent else None

    def send_again(self, subscription):
        event = self.recent_event(subscription)
        if event is None:
            return
        self.ask("POST", f"{DELIVERY}/{subscription.id}{event.id}/retry", expected=202)
        self.ledger.cancelled.discard((event.id, subscription.id))

    def cancel(self, subscription):
        """409: it was delivered, or cancelled before."""
        event = self.recent_event(subscription)
        if event is None:
            return
        response, _, _ = self.ask("POST", f"{DELIVERY}/{subscription.id}{event.id}/cancel", expected=(200, 409))
        if response.status == 200:
            assert response.json["status"] == "CANCELLED"
            self.ledger.cancelled.add((event.id, subscription.id))

    def send_test(self, subscription):
        """Its id is its token: it must be known by the end, because a client repeats until it has an answer."""
        response, _, _ = self.ask("POST", f"{SUBSCRIPTION}/{subscription.id}/test", expected=202)
        identity = response.json["event_id"]
        self.ledger.attempt(f"test {identity}")
        self.ledger.accept(Event(identity, f"test {identity}", [subscription.id]))

    def recover(self):
        """All that failed for the subscription whose receiver takes nothing: two attempts more for each."""
        self.ask("POST", f"{SUBSCRIPTION}/{self.stage.doomed.id}/recover", {"since": "2020-01-01T00:00:00Z"}, 202)

    def read_metrics(self):
        response, _, _ = self.ask("GET", METRICS, api_key=self.stage.operate_key)
        assert b"hookturn_" in response.body

    # --- probes ---

    def probe(self, subscription):
        """Is asked for anew by every repetition whose answer got lost, and stays one as long as it is pending."""
        target = f"{SUBSCRIPTION}/{subscription.id}/probe/secret"
        subscription.is_probed = subscription.is_probed or subscription.signed
        response, _, _ = self.ask("POST", target, expected=202 if subscription.signed else 409)
        assert not subscription.signed or response.json["status"] == "PENDING"
        subscription.has_probe = subscription.has_probe or subscription.signed

    def read_probe(self, subscription):
        target = f"{SUBSCRIPTION}/{subscription.id}/probe/secret"
        response, _, _ = self.ask("GET", target, expected=200 if subscription.has_probe else (200, 404))
        return response.status == 404 or response.json["status"] == "DONE"

    def publish_batch(self):
        batch = [self.event() for _ in range(self.random.randint(2, 12))]
        response, _, _ = self.ask("POST", EVENTS, batch, 202)
        assert len(response.json["data"]) == len(batch)
        for sent, answer in zip(batch, response.json["data"]):
            self.accept(sent, answer)
