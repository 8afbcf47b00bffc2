"""One event for very many subscriptions, and what is left of it when its process is killed in the middle."""

import json
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from api import EVENT, SUBSCRIPTION, Organization, make_door
from fcgi_client import ServerGone
from harness import eventually

GENEROUS_S = 5


def subscribe_many(org, count, url="https://hooks.example.com/", clients=8):
    """Their ids. Past the API client: what it checks on every answer costs more than the answer."""
    headers = [("Authorization", f"Bearer {org.key}"), ("Content-Type", "application/json")]

    def one(number):
        sent = {"name": f"n{number}", "url": f"{url}{number}", "enable_signed_webhooks": False}
        raw = org.door.request("POST", SUBSCRIPTION, headers, json.dumps(sent).encode())
        assert raw.status == 201, raw
        return json.loads(raw.body)["id"]

    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(one, range(count)))


def read_event(org, identity):
    raw = org.door.request("GET", f"{EVENT}/{identity}", [("Authorization", f"Bearer {org.key}")])
    assert raw.status == 200, raw
    return json.loads(raw.body)


def test_one_event_for_ten_thousand_subscriptions(install):
    installation = install(log_level="warn")
    org = Organization(installation, make_door(installation, "fcgi"))
    ids = set(subscribe_many(org, 10_000))
    assert len(ids) == 10_000
    full = org.api.create(name="one more", url="https://a.example/", enable_signed_webhooks=False)
    assert full.status == 409 and full.json["type"] == "CONFLICT"

    accepted = []
    for _ in range(3):
        started = time.monotonic()
        answer = org.api.publish()
        assert time.monotonic() - started < GENEROUS_S
        assert answer.status == 202 and answer.json["delivery_count"] == 10_000
        accepted.append(answer.json["event_id"])
    for identity in accepted:
        event = read_event(org, identity)
        assert event["delivery_count"] == len(event["delivery_ids"]) == 10_000
        assert {one[:24] for one in event["delivery_ids"]} == ids
        assert {one[24:] for one in event["delivery_ids"]} == {identity}

    # The width of one organization is no burden for another, and pages stay quick.
    small = Organization(installation, org.door).api
    small.subscribe()
    started = time.monotonic()
    assert [small.publish().json["delivery_count"] for _ in range(20)] == [1] * 20
    assert org.api.page(100).status == 200
    assert time.monotonic() - started < GENEROUS_S

    started = time.monotonic()
    batch = org.api.publish_batch([{"event_name": "A.b", "payload": {}}] * 20)
    assert batch.status == 202 and {entry["delivery_count"] for entry in batch.json["data"]} == {10_000}
    assert time.monotonic() - started < 4 * GENEROUS_S


def kill_in_the_middle(org, delay_s):
    """Kills every process `delay_s` after a publication was sent; (its Idempotency-Key, the answer or None)."""
    headers, answers = {"Idempotency-Key": str(uuid.uuid4())}, []

    def publish():
        try:
            answers.append(org.api.publish("Kill.Event", headers=headers))
        except (ServerGone, OSError):
            pass

    thread = threading.Thread(target=publish)
    thread.start()
    time.sleep(delay_s)
    for pid in org.door.pids():
        org.door.pool.kill(pid, signal.SIGKILL)
    thread.join()
    return headers, answers[0] if answers and answers[0].status == 202 else None


def repeat(org, headers):
    def once():
        try:
            answer = org.api.publish("Kill.Event", headers=headers)
            return answer if answer.status != 503 else None
        except (ServerGone, OSError):
            return None

    return eventually(once, timeout=15, what="an answer after the kill")


@pytest.mark.parametrize("width", [700])
def test_killed_in_the_middle_leaves_the_whole_event_or_none(install, receiver, width):
    installation = install(allow_destinations="127.0.0.0/8", log_level="warn")
    org = Organization(installation, make_door(installation, "fcgi"))
    ids = set(subscribe_many(org, width, receiver.url("/")))
    assert org.api.publish("Warm.Up").json["delivery_count"] == width
    known, lost = set(), 0
    for step in range(6):
        headers, answer = kill_in_the_middle(org, 0.001 * step)
        again = repeat(org, headers)
        assert again.status == 202 and again.json["delivery_count"] == width
        if answer is not None:
            assert again.header("Idempotent-Replayed") == "true" and again.body == answer.body
        else:
            lost += 1
        event = read_event(org, again.json["event_id"])
        assert event["delivery_count"] == width and {one[:24] for one in event["delivery_ids"]} == ids
        known.add(again.json["event_id"])

    # What was never answered, and was not there when asked again, must not turn up later either.
    installation.deliver_once(timeout=100)
    got = {}
    for delivery in receiver.deliveries:
        if delivery.header("X-Webhook-Event") == "Kill.Event":
            got.setdefault(delivery.event_id, []).append(delivery.path)
    assert set(got) == known
    assert all(sorted(paths) == sorted({f"/{n}" for n in range(width)}) for paths in got.values())
