"""An installation in which there is one of everything, and what its API says of all of it."""

from api import DELIVERY, EVENT, SUBSCRIPTION, SUBSCRIPTIONS, Api, Organization, make_door
from receiver import Answer

LOOPBACK = {"allow_destinations": "127.0.0.0/8 [::1/128]"}
NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}
WIDTH = 520  # more than are written with their event


class World:
    def __init__(self, installation, receiver):
        self.installation, self.receiver = installation, receiver
        self.door = make_door(installation, "fcgi", processes=1)
        self.org, self.other = (Organization(installation, self.door) for _ in range(2))
        self.api = self.org.api
        self.secrets, self.kept, self.ids = {}, [], {}

    def subscribe(self, name, **members):
        made = self.api.subscribe(**{"name": name, "url": self.receiver.url(f"/{name}"), "retry_policy": NO_RETRY, **members})
        self.secrets[name] = [made["secret"]] if "secret" in made else []
        self.ids[name] = made["id"]
        return made["id"]

    def keep(self, method, target, json_body=None):
        """A request that is repeated later, with the answer that it got."""
        headers = {"Idempotency-Key": f"kept-{len(self.kept)}"}
        answer = self.api.call(method, target, json_body, headers=headers)
        assert 200 <= answer.status <= 299, answer
        self.kept.append(((method, target, json_body, headers), answer))
        return answer

    def rotate(self, name):
        answer = self.keep("POST", f"{SUBSCRIPTION}/{self.ids[name]}/rotate/secret")
        self.secrets[name].insert(0, answer.json["secret"])

    def fill(self):
        api, receiver = self.api, self.receiver
        receiver.script("/failing", Answer(500, body=b"\xff\x00no", headers={"X-Odd": "yes"}))
        receiver.script("/gone", Answer(410))
        self.subscribe("turned", events=["Order.*"], description='a "text"\n\u20ac', request_timeout_ms=9000)
        self.rotate("turned")
        self.rotate("turned")
        self.subscribe("headers", headers={"Authorization": "Bearer subscriber-value-4711-0815", "X-b": ""})
        for name in ("failing", "gone", "deleted", "cancelled", "agents"):
            self.subscribe(name, **({"agent_ids": ["a\u00e9", "b"]} if name == "agents" else {}))
        self.subscribe("unsigned", enable_signed_webhooks=False)
        self.subscribe("paused")
        api.publish(payload={"text": 'quote " and \u20ac', "deep": [1.50, {"a": None}]})
        self.installation.deliver_once()
        for name in ("paused", "deleted", "cancelled"):
            assert api.patch(self.ids[name], {"active": False}).status == 200
        self.keep("POST", EVENT, {"event_name": "Order.Created", "payload": {"n": 2}, "agent_id": "b"})
        self.installation.deliver_once()
        (waiting,) = api.all_deliveries(self.ids["cancelled"], status="WAITING")
        assert api.cancel(waiting["id"]).status == 200
        assert api.delete(self.ids["deleted"]).status == 204
        api.post(f"{SUBSCRIPTION}/{self.ids['turned']}/probe/secret")
        self.installation.deliver_once()
        api.post(f"{SUBSCRIPTION}/{self.ids['headers']}/probe/secret")
        self.installation.cli("key", "revoke", self.revoked_key(), check=True)
        self.other.api.subscribe(name="of another", url=receiver.url("/other"))
        self.other.api.publish()

    def revoked_key(self):
        self.org.key_with("read", name="revoked")
        (key,) = [key for key in self.installation.list_keys() if key.get("name") == "revoked"]
        return key["id"]

    def fill_wide(self):
        """Deliveries that no worker has written yet, and some that wait."""
        for number in range(WIDTH):
            self.api.subscribe(name=f"wide-{number}", url=self.receiver.url("/wide"), events=["Wide.One"],
                               enable_signed_webhooks=False)  # fmt: skip
        assert self.api.publish("Wide.One").json["delivery_count"] > WIDTH


def picture(door, key):
    """All that one organization's key is told, byte for byte. What changes with each request or with the master key (ids of
    traces, page tokens) is left out, and lists of what a worker has yet to write, which an import has written."""
    api, seen, events = Api(door, key), {}, set()

    def look(target):
        answer = api.get(target)
        seen[target] = (answer.status, answer.header("ETag"), answer.body if answer.status == 200 else None)
        return answer

    look("/v1/whoami")
    subscriptions = list(api.pages())
    seen[SUBSCRIPTIONS] = subscriptions
    for subscription in subscriptions:
        identity = subscription["id"]
        look(f"{SUBSCRIPTION}/{identity}")
        look(f"{SUBSCRIPTION}/{identity}/probe/secret")
        if subscription["name"].startswith("wide-"):
            continue
        deliveries = seen[f"{identity}/deliveries"] = api.all_deliveries(identity)
        for delivery in deliveries:
            look(f"{DELIVERY}/{delivery['id']}")
            events.add(delivery["event_id"])
    for event in sorted(events):
        ids = look(f"{EVENT}/{event}").json["delivery_ids"]
        for identity in ids:
            target = f"{DELIVERY}/{identity}"
            if target not in seen:
                look(target)
    return seen
