"""Several workers, workers that are told to end, and workers that die."""

import os
import signal
import time
import uuid

import pytest
from fcgi_client import ServerGone
from harness import eventually, is_alive
from receiver import Answer, Receiver


def test_several_workers_share_the_work_without_duplicates(service):
    org = service()
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.02)) as receiver:
        for number in range(4):
            org.api.subscribe(url=receiver.url(f"/{number}"))
        workers = [org.installation.start_worker() for _ in range(3)]
        events = [org.api.publish().json["event_id"] for _ in range(50)]
        receiver.wait_for(200)
        assert [worker.stop() for worker in workers] == [0, 0, 0]
        arrived = sorted((delivery.path, delivery.event_id) for delivery in receiver.deliveries)
        assert arrived == sorted((f"/{number}", event) for number in range(4) for event in events)


def test_sigterm_lets_what_is_in_flight_finish(service):
    org = service()
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.8)) as receiver:
        org.api.subscribe(url=receiver.url("/in"))
        org.api.publish()
        worker = org.installation.start_worker()
        receiver.wait_for(1)
        assert worker.stop() == 0
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 1


def test_sigterm_hands_back_what_does_not_finish(service, receiver):
    org = service()
    receiver.script("/in", Answer(behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=60_000)
    org.api.publish()
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 10
    org.installation.deliver_once()  # at once: the claim was handed back, its lease need not run out
    assert len(receiver.deliveries) == 2


@pytest.mark.parametrize("who", ["child", "parent"])
def test_what_a_killed_worker_had_claimed_is_delivered_after_its_lease(service, receiver, who):
    org = service(clock=True)
    receiver.script("/in", Answer(behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=1000)
    org.api.publish()
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    child = worker.child()
    os.kill(child if who == "child" else worker.pid, signal.SIGKILL)
    eventually(lambda: not is_alive(child), what="the child's end")
    org.installation.set_clock(11_500)
    if who == "parent":
        org.installation.deliver_once()
    receiver.wait_for(2)
    assert receiver.deliveries[0].event_id == receiver.deliveries[1].event_id


def test_a_killed_child_is_replaced_and_everything_arrives(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=200)
    worker = org.installation.start_worker()
    accepted = []
    for round_number in range(3):
        accepted += [publish_through(org) for _ in range(10)]
        if round_number < 2:
            child = worker.child()
            os.kill(child, signal.SIGKILL)
            eventually(lambda gone=child: not is_alive(gone))
            eventually(lambda gone=child: worker.child() != gone)
    eventually(lambda: {delivery.event_id for delivery in receiver.at("/in")} >= set(accepted), timeout=45)
    assert worker.stop() == 0


def publish_through(org):
    """Repeats with one idempotency key until it is accepted, as a client does while the store recovers."""
    headers = {"Idempotency-Key": str(uuid.uuid4())}

    def attempt():
        try:
            response = org.api.publish(headers=headers)
        except ServerGone:
            return None
        assert response.status in (202, 503)
        return response.json["event_id"] if response.status == 202 else None

    return eventually(attempt)


def test_no_second_attempt_starts_while_a_lease_runs(service, receiver):
    org = service(clock=True)
    receiver.script("/in", Answer(200, behaviour="hang"), Answer(200))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=5000)
    org.api.publish()
    org.installation.start_worker()
    receiver.wait_for(1)
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1


def test_once_delivers_all_that_is_due_and_ends(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    for _ in range(40):
        org.api.publish()
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 40


def test_once_does_not_wait_for_retries_that_are_due_later(service, receiver):
    org = service()
    receiver.script("/in", Answer(500))
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    started = time.monotonic()
    org.installation.deliver_once()
    assert time.monotonic() - started < 4 and len(receiver.deliveries) == 1


def test_for_delivers_what_comes_meanwhile_and_ends(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    worker = org.installation.start_worker("--for", "3s")
    org.api.publish()
    receiver.wait_for(1)
    org.api.publish()
    receiver.wait_for(2)
    assert worker.process.wait(15) == 0
