"""`retention`: what waited or lay there too long goes, whatever else goes on, and nothing else does."""

import threading

from harness import eventually
from receiver import Answer

DAY_MS = 24 * 3600 * 1000
MINUTE_MS = 60_000


def statuses(org, *ids):
    return [org.api.event(event).status for event in ids]


def test_events_and_their_deliveries_go_when_their_time_is_over(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/failing", Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.subscribe(url=receiver.url("/failing"), retry_policy=no_retry, events=["Order.Failing"])
    delivered, failed = org.api.publish().json["event_id"], org.api.publish("Order.Failing").json["event_id"]
    org.installation.deliver_at(0)
    org.installation.set_clock(20 * DAY_MS)
    young = org.api.publish().json["event_id"]
    org.installation.deliver_once()
    org.installation.deliver_at(30 * DAY_MS - MINUTE_MS)
    assert statuses(org, delivered, failed, young) == [200, 200, 200]
    org.installation.deliver_at(30 * DAY_MS + MINUTE_MS)
    assert statuses(org, delivered, failed, young) == [404, 404, 200]
    org.installation.deliver_at(50 * DAY_MS + MINUTE_MS)
    assert statuses(org, young) == [404]


def test_what_a_paused_subscription_holds_is_cancelled_when_it_waited_too_long(service, receiver):
    org = service(clock=True)
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    old = org.api.publish().json["event_id"]
    org.installation.deliver_at(29 * DAY_MS)
    young = org.api.publish().json["event_id"]
    org.installation.deliver_at(30 * DAY_MS + MINUTE_MS)
    assert org.api.patch(made["id"], {"active": True}).status == 200
    org.installation.deliver_once()
    assert [delivery.event_id for delivery in receiver.deliveries] == [young]
    assert statuses(org, old) == [200], "it was cancelled now, and can be looked at as long as any finished one"
    delivery = org.api.delivery(f"{made['id']}{old}").json
    assert delivery["status"] == "CANCELLED" and delivery["finished_at"] > delivery["created_at"]
    org.installation.deliver_at(61 * DAY_MS)
    assert statuses(org, old) == [404]


def test_the_time_is_the_operators(service, receiver):
    org = service(clock=True, retention="2h")
    org.api.subscribe(url=receiver.url("/in"))
    event = org.api.publish().json["event_id"]
    org.installation.deliver_at(0)
    org.installation.deliver_at(3 * 3600 * 1000)
    assert statuses(org, event) == [404]


def test_a_deleted_subscription_leaves_nothing_behind_and_its_name_is_free_all_the_time(service, receiver):
    org = service(clock=True)
    made = org.api.subscribe(name="same", url=receiver.url("/in"), active=False)
    event = org.api.publish().json["event_id"]
    org.installation.deliver_once()
    assert org.api.delete(made["id"]).status == 204
    for day in (0, 31, 62):
        org.installation.deliver_at(day * DAY_MS)
    assert statuses(org, event) == [404]
    again = org.api.subscribe(name="same", url=receiver.url("/in"))
    assert again["id"] > made["id"]
    assert [item["id"] for item in org.api.pages()] == [again["id"]]


def test_an_idempotency_key_is_forgotten_after_a_day_and_free_again(service, receiver):
    org = service(clock=True)
    key = {"Idempotency-Key": "once"}
    first = org.api.publish(headers=key).json["event_id"]
    assert org.api.publish(headers=key).json["event_id"] == first
    org.installation.deliver_at(DAY_MS + MINUTE_MS)
    assert org.api.publish(headers=key).json["event_id"] != first


def test_requests_and_deliveries_go_on_while_much_is_cleared_away(service, receiver):
    """A worker clears away; meanwhile events are published and arrive."""
    org = service(clock=True)
    paused = org.api.subscribe(url=receiver.url("/held"), active=False, events=["Order.Held"])
    org.api.subscribe(url=receiver.url("/in"), events=["Order.Created"])
    held = []
    for _ in range(20):
        batch = [{"event_name": "Order.Held", "payload": {}}] * 200
        held += [accepted["event_id"] for accepted in org.api.publish_batch(batch).json["data"]]
    org.installation.deliver_once()
    org.installation.set_clock(31 * DAY_MS)
    worker = org.installation.start_worker()
    fresh, failures = [], []

    def publish():
        for _ in range(40):
            answer = org.api.publish()
            (fresh if answer.status == 202 else failures).append(answer.json.get("event_id"))

    threads = [threading.Thread(target=publish) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    eventually(lambda: {delivery.event_id for delivery in receiver.at("/in")} == set(fresh))
    log = org.installation.directory / "stderr.log"

    def expired():
        lines = [line for line in log.read_text().splitlines() if "reason=retention" in line]
        return sum(int(line.partition("count=")[2].split()[0]) for line in lines)

    eventually(lambda: expired() == len(held), timeout=60, what="the cancellation of what was held")
    assert worker.stop() == 0
    assert org.api.patch(paused["id"], {"active": True}).status == 200
    org.installation.deliver_once()
    assert receiver.at("/held") == []
