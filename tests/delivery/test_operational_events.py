"""Webhook.DeliveryFailed and Webhook.SubscriptionDisabled: who gets them, what they say, and that none is lost."""

import os
import signal

import openapi
import pytest
from harness import eventually, is_alive
from receiver import Answer

DAY_MS = 24 * 3600 * 1000
FAILED, DISABLED = "Webhook.DeliveryFailed", "Webhook.SubscriptionDisabled"


def told(receiver, path="/told"):
    events = [delivery.json for delivery in receiver.at(path)]
    for event in events:
        if event["eventName"].startswith("Webhook."):
            openapi.check_webhook(event["eventName"], event)
    return events


def payloads(receiver, event_name, path="/told"):
    return [event["payload"] for event in told(receiver, path) if event["eventName"] == event_name]


def listen(org, receiver, events=(FAILED, DISABLED), path="/told"):
    return org.api.subscribe(url=receiver.url(path), events=list(events))


def test_a_delivery_whose_budget_is_spent_is_told(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(503))
    made = org.api.subscribe(
        name="Orders", url=receiver.url("/in"), events=["Order.*"], retry_policy={**fixed_retry, "maxRetryAttempts": 1}
    )
    listen(org, receiver)
    event = org.api.publish("Order.Created").json["event_id"]
    org.installation.deliver_at(0)
    assert told(receiver) == [], "a delivery that is tried again has not failed"
    org.installation.deliver_at(60_000)
    (notice,) = told(receiver)
    assert notice["eventName"] == FAILED and notice["organizationId"] == org.id
    assert notice["traceId"] not in {delivery.json["traceId"] for delivery in receiver.at("/in")}
    payload = notice["payload"]
    assert payload.pop("finished_at").endswith("Z")
    assert payload == {
        "subscription_id": made["id"],
        "subscription_name": "Orders",
        "delivery_id": made["id"] + event,
        "event_id": event,
        "event_name": "Order.Created",
        "attempt_count": 2,
        "response_status": 503,
    }


def test_without_an_answer_the_error_is_told(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(behaviour="close"))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    listen(org, receiver)
    org.api.publish()
    org.installation.deliver_once()
    (payload,) = payloads(receiver, FAILED)
    assert payload["error"] == "PROTOCOL" and "response_status" not in payload


def test_a_gone_receiver_is_told_twice_once_for_the_delivery_and_once_for_the_subscription(service, receiver):
    org = service(clock=True)
    receiver.script("/in", Answer(410))
    made = org.api.subscribe(name="Gone", url=receiver.url("/in"))
    listen(org, receiver)
    org.api.publish()
    org.installation.deliver_once()
    (failed,) = payloads(receiver, FAILED)
    assert failed["response_status"] == 410 and failed["subscription_id"] == made["id"]
    (disabled,) = payloads(receiver, DISABLED)
    assert disabled.pop("disabled_at").endswith("Z")
    assert disabled == {"subscription_id": made["id"], "subscription_name": "Gone", "reason": "GONE"}


def test_a_failing_subscription_is_told_once_when_it_is_switched_off(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    listen(org, receiver, [DISABLED])
    org.api.publish()
    org.installation.deliver_at(0)
    for _ in range(5):
        org.api.publish()
    org.installation.deliver_at(6 * DAY_MS)
    (disabled,) = told(receiver)
    assert disabled["payload"]["reason"] == "FAILING" and disabled["payload"]["subscription_id"] == made["id"]
    assert disabled["payload"]["failing_since"] < disabled["payload"]["disabled_at"]


@pytest.mark.parametrize("events", [[], ["*"], ["Webhook.*"], ["Order.Created"]])
def test_no_wildcard_brings_them(service, receiver, no_retry, events):
    org = service(clock=True)
    receiver.script("/in", Answer(410))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    listen(org, receiver, events, path="/other")
    listen(org, receiver)
    org.api.publish("Order.Deleted")
    org.installation.deliver_once()
    assert len(told(receiver)) == 2
    assert not payloads(receiver, FAILED, "/other") and not payloads(receiver, DISABLED, "/other")


def test_another_organization_is_told_nothing(service, receiver, no_retry):
    from api import Organization

    org = service(clock=True)
    other = Organization(org.installation, org.door)
    receiver.script("/in", Answer(410))
    org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    listen(other, receiver)
    org.api.publish()
    org.installation.deliver_once()
    assert told(receiver) == []


def test_a_notice_that_fails_raises_none(service, receiver, no_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    receiver.script("/told", Answer(410))
    org.api.subscribe(url=receiver.url("/in"), events=["Order.*"], retry_policy=no_retry)
    org.api.subscribe(url=receiver.url("/told"), events=[FAILED, DISABLED], retry_policy=no_retry)
    org.api.subscribe(url=receiver.url("/second"), events=[FAILED, DISABLED], retry_policy=no_retry)
    org.api.publish()
    org.installation.deliver_once()
    org.installation.deliver_at(DAY_MS)
    assert len(told(receiver)) == 1
    assert [event["eventName"] for event in told(receiver, "/second")] == [FAILED]


def test_each_failed_delivery_is_told_exactly_once_though_workers_are_killed(service, receiver, no_retry):
    """A notice is published by the transaction that ends the delivery: where it is killed, both happen, or neither."""
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(
        url=receiver.url("/in"), events=["Order.*"], retry_policy=no_retry, request_timeout_ms=1000
    )
    listen(org, receiver, [FAILED])
    events = {org.api.publish().json["event_id"] for _ in range(60)}
    worker = org.installation.start_worker()
    for killed_after in (1, 17, 33, 49):
        receiver.wait_for(killed_after, "/in")
        child = worker.child()
        os.kill(child, signal.SIGKILL)
        eventually(lambda gone=child: not is_alive(gone), what="the child's end")
        eventually(lambda gone=child: worker.child() != gone, what="another child")
    org.installation.set_clock(60_000)  # what was claimed when they died is due again

    def notices():
        return {event["payload"]["event_id"]: event for event in told(receiver)}

    eventually(lambda: set(notices()) >= events, timeout=45, what="a notice of each")
    assert worker.stop() == 0
    org.installation.deliver_at(120_000)
    ids = {(event["payload"]["delivery_id"], delivery.event_id)
           for event, delivery in zip(told(receiver), receiver.at("/told"))}  # fmt: skip
    assert {delivery_id for delivery_id, _ in ids} == {made["id"] + event for event in events}
    assert len(ids) == len(events), "one event a failed delivery, however often it was sent"
