"""`max_waiting`: what a subscription that takes nothing may hold, and that what is lost is seen."""

from harness import eventually


def publish_numbers(org, count):
    """In batches; the ids, oldest first."""
    ids = []
    for start in range(0, count, 100):
        batch = [{"event_name": "Order.Created", "payload": {"n": n}} for n in range(start, min(start + 100, count))]
        answer = org.api.publish_batch(batch)
        assert answer.status == 202, answer
        ids += [accepted["event_id"] for accepted in answer.json["data"]]
    return ids


def test_the_oldest_beyond_the_limit_are_cancelled_and_the_newest_are_delivered(service, receiver):
    org = service(clock=True, max_waiting="30")
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    other = org.api.subscribe(url=receiver.url("/other"), active=False, events=["Order.Other"])
    ids = publish_numbers(org, 100)
    aside = org.api.publish("Order.Other").json["event_id"]
    org.installation.deliver_once()
    lost = org.api.delivery(f"{made['id']}{ids[0]}").json
    assert lost["status"] == "CANCELLED" and "finished_at" in lost and lost["attempts"] == []
    kept = org.api.delivery(f"{made['id']}{ids[99]}").json
    assert kept["status"] == "WAITING"
    for subscription in (made, other):
        assert org.api.patch(subscription["id"], {"active": True}).status == 200
    org.installation.deliver_once()
    assert sorted(delivery.event_id for delivery in receiver.at("/in")) == sorted([*ids[71:], aside])
    assert [delivery.event_id for delivery in receiver.at("/other")] == [aside]


def test_a_running_worker_sees_to_it_within_a_minute_and_says_so_once_a_batch(service, receiver):
    org = service(max_waiting="10")
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    worker = org.installation.start_worker()
    publish_numbers(org, 60)
    log = org.installation.directory / "stderr.log"

    def cancelled():
        lines = [line for line in log.read_text().splitlines() if "deliveries_cancelled" in line]
        return lines if sum(int(line.partition("count=")[2].split()[0]) for line in lines) == 50 else None

    lines = eventually(cancelled, timeout=75, what="the cancellation of 50")
    assert len(lines) <= 2 and all("reason=max_waiting" in line and made["id"] in line for line in lines)
    assert worker.stop() == 0
