"""The test event: to one subscription, whatever it asks for, and even while it is paused."""

import uuid

from harness import eventually
from receiver import Answer, Receiver


def test_it_arrives_at_that_subscription_alone_whatever_its_filter_and_scope(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url("/this"), events=["Order.Created"], agent_ids=["a"])
    org.api.subscribe(url=receiver.url("/all"))
    org.api.subscribe(url=receiver.url("/named"), events=["Webhook.Test"])
    answer = org.api.send_test(made["id"])
    assert answer.status == 202 and list(answer.json) == ["event_id", "trace_id", "delivery_ids"]
    assert answer.json["delivery_ids"] == [made["id"] + answer.json["event_id"]]
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.path == "/this" and delivery.is_signed_by_exactly([made["secret"]])
    assert delivery.header("X-Webhook-Event") == delivery.json["eventName"] == "Webhook.Test"
    assert delivery.header("X-Webhook-Traceid") == answer.json["trace_id"]
    assert delivery.json["payload"]["subscription_id"] == made["id"] and delivery.json["payload"]["message"]
    shown = org.api.delivery(answer.json["delivery_ids"][0]).json
    assert shown["status"] == "DELIVERED" and shown["event_name"] == "Webhook.Test"
    event = org.api.event(answer.json["event_id"]).json
    assert event["delivery_ids"] == answer.json["delivery_ids"] and event["delivery_count"] == 1


def test_it_is_sent_while_the_subscription_is_paused_and_so_are_its_retries(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500), Answer(200))
    made = org.api.subscribe(url=receiver.url("/in"), active=False, retry_policy=fixed_retry)
    held = made["id"] + org.api.publish().json["event_id"]
    identity = org.api.send_test(made["id"]).json["delivery_ids"][0]
    org.installation.deliver_at(0)
    assert len(receiver.deliveries) == 1 and org.api.delivery(identity).json["status"] == "WAITING"
    org.installation.deliver_at(30_000)
    assert [delivery.header("X-Webhook-Event") for delivery in receiver.deliveries] == ["Webhook.Test"] * 2
    assert org.api.delivery(identity).json["status"] == "DELIVERED"
    assert org.api.delivery(held).json["status"] == "WAITING"
    org.api.retry(identity)
    org.installation.deliver_at(30_000)
    assert len(receiver.deliveries) == 3


def test_it_comes_before_what_waits(service):
    org = service(concurrency=1)
    with Receiver() as receiver:
        made = org.api.subscribe(url=receiver.url("/in"))
        org.api.publish_batch([{"event_name": "A.b", "payload": {}}] * 20)
        identity = org.api.send_test(made["id"]).json["delivery_ids"][0]
        org.installation.deliver_once()
        assert receiver.deliveries[0].event_id == identity[24:] and len(receiver.deliveries) == 21


def test_it_is_signed_only_where_the_subscription_is(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"), enable_signed_webhooks=False)
    org.api.send_test(made["id"])
    org.installation.deliver_once()
    assert receiver.deliveries[0].header("X-Webhook-Signature") is None


def test_a_repeat_sends_nothing_again(service, receiver):
    org = service()
    made, headers = org.api.subscribe(url=receiver.url("/in")), {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (org.api.send_test(made["id"], headers=headers) for _ in range(2))
    assert again.body == first.body and again.header("Idempotent-Replayed") == "true"
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 1


def test_it_starts_a_worker_where_none_runs(service, receiver):
    org = service(worker="auto", worker_idle="1s")
    made = org.api.subscribe(url=receiver.url("/in"), active=False)
    identity = org.api.send_test(made["id"]).json["delivery_ids"][0]
    receiver.wait_for(1)
    eventually(lambda: org.api.delivery(identity).json["status"] == "DELIVERED")


def test_it_goes_with_its_subscription(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"))
    identity = org.api.send_test(made["id"]).json["delivery_ids"][0]
    org.api.delete(made["id"])
    org.installation.deliver_once()
    assert receiver.deliveries == [] and org.api.delivery(identity).json["status"] == "CANCELLED"
    assert org.api.send_test(made["id"]).status == 404
