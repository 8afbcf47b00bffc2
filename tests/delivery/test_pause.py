"""Pausing holds a subscription's events, and resuming releases them in the order in which they were published."""

import threading

from harness import eventually
from receiver import Answer, Receiver

SECOND_MS = 1000


def publish_many(org, count):
    return [org.api.publish(payload={"n": number}).json["event_id"] for number in range(count)]


def arrived(receiver, path="/in"):
    return [delivery.event_id for delivery in receiver.at(path)]


def pause(org, made):
    assert org.api.patch(made["id"], {"active": False}).status == 200


def resume(org, made):
    assert org.api.patch(made["id"], {"active": True}).status == 200


def test_a_paused_subscription_is_sent_nothing_and_gets_all_of_it_in_order_when_it_is_resumed(service, receiver):
    org = service(clock=True, destination_concurrency="1")
    made = org.api.subscribe(url=receiver.url("/in"))
    other = org.api.subscribe(url=receiver.url("/other"), active=False)
    pause(org, made)
    events = publish_many(org, 30)
    for day in range(3):
        org.installation.deliver_at(day * 24 * 3600 * SECOND_MS)
    assert receiver.deliveries == []
    resume(org, made)
    org.installation.deliver_once()
    assert arrived(receiver) == events
    resume(org, other)
    org.installation.deliver_once()
    assert arrived(receiver, "/other") == events


def test_events_that_several_clients_publish_one_after_another_keep_their_order(service, receiver):
    """Each in a thread of the program of its own: they write into lanes of their own, and may share a millisecond."""
    org = service(destination_concurrency="1", processes=2)
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    events, lock = [], threading.Lock()

    def publish_some():
        for _ in range(15):
            with lock:
                events.append(org.api.publish().json["event_id"])

    threads = [threading.Thread(target=publish_some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({event[:2] for event in events}) > 1, "more than one lane was written"
    resume(org, made)
    org.installation.deliver_once()
    assert arrived(receiver) == events


def test_what_was_being_retried_comes_before_what_was_published_while_it_was_paused(service, receiver, fixed_retry):
    org = service(clock=True, destination_concurrency="1")
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryDelayMs": 60_000})
    early = publish_many(org, 5)
    org.installation.deliver_at(0)
    assert arrived(receiver) == early
    pause(org, made)
    org.installation.set_clock(10 * SECOND_MS)
    late = publish_many(org, 5)
    org.installation.deliver_at(3600 * SECOND_MS)
    receiver.script("/in", Answer(200))
    resume(org, made)
    org.installation.deliver_once()
    assert arrived(receiver)[5:] == early + late


def test_what_is_in_flight_when_it_is_paused_finishes_and_the_rest_waits(service):
    org = service(destination_concurrency="2")
    started, go_on = threading.Semaphore(0), threading.Event()

    def hold(_):
        started.release()
        assert go_on.wait(30)
        return Answer(200)

    with Receiver(on_delivery=hold) as receiver:
        made = org.api.subscribe(url=receiver.url("/in"))
        events = publish_many(org, 6)
        worker = org.installation.start_worker()
        for _ in range(2):
            assert started.acquire(timeout=30)
        pause(org, made)
        go_on.set()
        assert worker.stop() == 0
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 2, "nothing was started after the pause"
        resume(org, made)
        org.installation.deliver_once()
        assert sorted(arrived(receiver)) == sorted(events), "what was in flight has finished and is not sent again"


def test_a_running_worker_releases_what_waited_by_itself(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    events = publish_many(org, 3)
    worker = org.installation.start_worker()
    resume(org, made)
    eventually(lambda: sorted(arrived(receiver)) == sorted(events))
    assert worker.stop() == 0
