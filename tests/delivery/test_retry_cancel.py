"""Retry and cancel by hand, against workers that run, clients that are as fast, and clocks that move."""

import os
import signal
import threading
import uuid

import pytest
from crowd import at_once, statuses
from fcgi_client import ServerGone
from harness import eventually, is_alive
from receiver import Answer, Receiver

HOUR_MS = 3600 * 1000


def publish_to(org, receiver, *answers, **members):
    """The id of the delivery of a new event to a new subscription."""
    if answers:
        receiver.script("/in", *answers)
    made = org.api.subscribe(**{"url": receiver.url("/in"), **members})
    return made["id"] + org.api.publish().json["event_id"]


def status_of(org, identity):
    return org.api.delivery(identity).json["status"]


def insist(call):
    """The answer, once it is another one than that of a store that recovers."""

    def once():
        try:
            answer = call()
        except ServerGone:
            return None
        return answer if answer.status != 503 else None

    return eventually(once, what="an answer")


@pytest.mark.parametrize("first", [200, 500])
def test_what_is_finished_is_sent_again_and_its_attempts_are_numbered_on(service, receiver, no_retry, first):
    org = service()
    identity = publish_to(org, receiver, Answer(first), Answer(200), retry_policy=no_retry)
    org.installation.deliver_once()
    assert status_of(org, identity) == ("DELIVERED" if first == 200 else "FAILED")
    answer = org.api.retry(identity)
    assert answer.status == 202 and answer.json["status"] == "WAITING" and answer.json["attempt_count"] == 1
    assert answer.json["next_attempt_at"] and "finished_at" not in answer.json and "body" not in answer.json
    org.installation.deliver_once()
    assert [delivery.header("X-Webhook-Attempt") for delivery in receiver.deliveries] == ["1", "2"]
    assert len({delivery.body for delivery in receiver.deliveries}) == 1
    done = org.api.delivery(identity).json
    assert done["status"] == "DELIVERED" and [attempt["number"] for attempt in done["attempts"]] == [1, 2]


def test_a_retry_has_a_fresh_budget(service, receiver, fixed_retry):
    org = service(clock=True)
    identity = publish_to(org, receiver, Answer(500), retry_policy={**fixed_retry, "maxRetryAttempts": 1})
    for step in range(3):
        org.installation.deliver_at(step * 60_000)
    assert len(receiver.deliveries) == 2 and status_of(org, identity) == "FAILED"
    org.api.retry(identity)
    for step in range(3, 6):
        org.installation.deliver_at(step * 60_000)
    assert len(receiver.deliveries) == 4 and status_of(org, identity) == "FAILED"


def test_one_that_waits_for_its_retry_is_sent_now(service, receiver, fixed_retry):
    org = service(clock=True)
    identity = publish_to(
        org, receiver, Answer(500), Answer(200), retry_policy={**fixed_retry, "maxRetryDelayMs": HOUR_MS}
    )
    org.installation.deliver_at(0)
    org.installation.deliver_at(HOUR_MS // 2)
    assert len(receiver.deliveries) == 1
    assert org.api.retry(identity).status == 202
    org.installation.deliver_at(HOUR_MS // 2)
    assert len(receiver.deliveries) == 2 and status_of(org, identity) == "DELIVERED"
    org.installation.deliver_at(3 * HOUR_MS)
    assert len(receiver.deliveries) == 2, "nothing is left of the retry that it waited for"


def test_a_running_worker_is_woken(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    org.installation.start_worker()
    receiver.wait_for(1)
    eventually(lambda: status_of(org, identity) == "DELIVERED")
    assert org.api.retry(identity).status == 202
    receiver.wait_for(2, timeout=10)


def test_a_retry_starts_a_worker_where_none_runs(service, receiver):
    org = service(worker="auto", worker_idle="1s")
    identity = publish_to(org, receiver)
    receiver.wait_for(1)
    eventually(lambda: status_of(org, identity) == "DELIVERED")
    eventually(lambda: not org.api.get("/healthz").json["worker"]["running"], what="the end of the idle worker")
    assert org.api.retry(identity).status == 202
    receiver.wait_for(2)


def test_a_paused_subscriptions_retry_waits(service, receiver, no_retry):
    org = service()
    identity = publish_to(org, receiver, Answer(500), Answer(200), retry_policy=no_retry)
    org.installation.deliver_once()
    org.api.patch(identity[:24], {"active": False})
    assert org.api.retry(identity).json["status"] == "WAITING"
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1
    org.api.patch(identity[:24], {"active": True})
    org.installation.deliver_once()
    assert status_of(org, identity) == "DELIVERED"


def test_one_that_is_being_attempted_is_not_attempted_beside_it(service, receiver, fixed_retry):
    org = service()
    identity = publish_to(org, receiver, Answer(behaviour="hang"), Answer(200), retry_policy=fixed_retry)
    workers = [org.installation.start_worker() for _ in range(2)]
    receiver.wait_for(1)
    answers = [org.api.retry(identity) for _ in range(5)]
    assert statuses(answers) == [202] * 5
    assert {answer.json["status"] for answer in answers} == {"WAITING"}
    assert len(receiver.deliveries) == 1
    receiver.release()
    eventually(lambda: status_of(org, identity) == "DELIVERED")
    assert len(receiver.deliveries) == 1
    assert [worker.stop() for worker in workers] == [0, 0]


def test_without_its_subscription_a_delivery_cannot_be_sent(service, receiver):
    org = service()
    delivered = publish_to(org, receiver)
    org.installation.deliver_once()
    waiting = delivered[:24] + org.api.publish().json["event_id"]
    org.api.delete(delivered[:24])
    for identity in (delivered, waiting):
        answer = org.api.retry(identity)
        assert answer.status == 409 and "gone" in answer.json["message"]
        assert org.api.cancel(identity).status == 409
    assert status_of(org, delivered) == "DELIVERED" and status_of(org, waiting) == "CANCELLED"


# ---- cancel ----


def test_what_is_cancelled_is_never_sent(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    answer = org.api.cancel(identity)
    assert answer.status == 200 and answer.json["status"] == "CANCELLED" and answer.json["finished_at"]
    assert answer.json["id"] == identity and "next_attempt_at" not in answer.json
    again = org.api.cancel(identity)
    assert again.status == 409 and "finished" in again.json["message"]
    org.installation.deliver_once()
    assert receiver.deliveries == []
    assert org.api.retry(identity).status == 202
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1 and status_of(org, identity) == "DELIVERED"


def test_what_is_delivered_cannot_be_cancelled(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    org.installation.deliver_once()
    assert org.api.cancel(identity).status == 409 and status_of(org, identity) == "DELIVERED"


def test_an_attempt_that_is_under_way_brings_nothing_once_it_was_cancelled(service, receiver):
    org = service()
    identity = publish_to(org, receiver, Answer(behaviour="hang"), Answer(200))
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    cancelled = org.api.cancel(identity)
    assert cancelled.status == 200 and cancelled.json["attempt_count"] == 0
    retried = org.api.retry(identity).json
    assert retried["status"] == "WAITING" and retried["next_attempt_at"] > cancelled.json["finished_at"]
    assert org.api.cancel(identity).status == 200
    receiver.release()
    marker = publish_to(org, receiver, url=receiver.url("/marker"))
    eventually(lambda: status_of(org, marker) == "DELIVERED")
    assert worker.stop() == 0
    assert status_of(org, identity) == "CANCELLED"
    assert len([delivery for delivery in receiver.deliveries if delivery.event_id == identity[24:]]) == 1


def test_one_cancelled_under_way_is_sent_again_when_that_lease_is_over(service, receiver):
    org = service(clock=True)
    identity = publish_to(org, receiver, Answer(behaviour="hang"), Answer(200), request_timeout_ms=1000)
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    child = worker.child()
    worker.kill()
    os.kill(child, signal.SIGKILL)
    eventually(lambda: not is_alive(child), what="the child's end")
    assert insist(lambda: org.api.cancel(identity, headers={"Idempotency-Key": "c"})).status == 200
    assert insist(lambda: org.api.retry(identity, headers={"Idempotency-Key": "r"})).status == 202
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1
    org.installation.deliver_at(11_500)
    assert len(receiver.deliveries) == 2 and status_of(org, identity) == "DELIVERED"


# ---- at once ----


def test_one_of_many_clients_cancels(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    assert statuses(at_once(lambda _: org.api.cancel(identity))) == [200] + [409] * 19


def test_many_clients_retry_and_it_is_sent_once(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    org.installation.deliver_once()
    assert statuses(at_once(lambda _: org.api.retry(identity))) == [202] * 20
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 2


def test_one_key_at_once_gives_one_answer(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    org.installation.deliver_once()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    answers = at_once(lambda _: org.api.retry(identity, headers=headers), 8)
    assert len({answer.body for answer in answers}) == 1
    assert sorted(answer.header("Idempotent-Replayed") or "" for answer in answers) == [""] + ["true"] * 7


def test_a_repeat_after_it_was_sent_does_nothing(service, receiver):
    org = service()
    identity = publish_to(org, receiver)
    org.installation.deliver_once()
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = org.api.retry(identity, headers=headers)
    org.installation.deliver_once()
    again = org.api.retry(identity, headers=headers)
    assert again.body == first.body and again.header("Idempotent-Replayed") == "true"
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 2


def test_cancelled_or_delivered_but_never_both_while_workers_settle(service):
    org = service(processes=2)
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.005)) as receiver:
        made = org.api.subscribe(url=receiver.url("/in"))
        workers = [org.installation.start_worker() for _ in range(2)]
        events = [{"event_name": "A.b", "payload": {}}] * 120
        ids = [made["id"] + event["event_id"] for event in org.api.publish_batch(events).json["data"]]
        answers = {}

        def cancel(identities):
            for identity in identities:
                answers[identity] = org.api.cancel(identity).status

        threads = [threading.Thread(target=cancel, args=(ids[n::3],)) for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        eventually(lambda: not org.api.all_deliveries(made["id"], status="WAITING"))
        assert set(answers.values()) <= {200, 409}
        found = {item["id"]: item["status"] for item in org.api.all_deliveries(made["id"])}
        assert found == {identity: "CANCELLED" if answers[identity] == 200 else "DELIVERED" for identity in ids}
        assert [worker.stop() for worker in workers] == [0, 0]


def test_what_was_retried_arrives_though_workers_are_killed(service, receiver):
    org = service(processes=2)
    made = org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=200)
    events = [{"event_name": "A.b", "payload": {}}] * 30
    ids = [made["id"] + event["event_id"] for event in org.api.publish_batch(events).json["data"]]
    worker = org.installation.start_worker()
    eventually(lambda: not org.api.all_deliveries(made["id"], status="WAITING"))

    for number, identity in enumerate(ids):
        answer = insist(lambda: org.api.retry(identity, headers={"Idempotency-Key": identity}))
        assert answer.status == 202, answer
        if number % 10 == 5:
            child = worker.child()
            os.kill(child, signal.SIGKILL)
            eventually(lambda: not is_alive(child), what="the child's end")
    eventually(
        lambda: not insist(lambda: org.api.deliveries(made["id"], status="WAITING")).json["data"],
        timeout=60,
        what="the end of all that waited",
    )
    found = {item["id"]: item for item in org.api.all_deliveries(made["id"])}
    assert set(found) == set(ids)
    assert {item["status"] for item in found.values()} == {"DELIVERED"}
    assert all(item["attempt_count"] >= 2 for item in found.values())
