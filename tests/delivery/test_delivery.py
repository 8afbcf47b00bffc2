"""What arrives at the receiver: the body byte for byte, the headers and the signatures, and for whom."""

import json
import time

import pytest
from api import Organization, make_door


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b'{ "b" : 1.0e+2,\n\t"a":[ 1 , 2 ], "a": 12345678901234567890.10 }',
        '{"text":"\u00fc \U0001f600 \\u00fc \\/ \\ud800","nul":"\\u0000"}'.encode(),
        b'{"long":"' + b"x" * 100_000 + b'"}',
    ],
)
def test_the_body_is_the_published_one_byte_for_byte(service, receiver, payload):
    org = service()
    org.api.subscribe(url=receiver.url("/in"))
    sent = b' {"trace_id":"trace-1","payload":' + payload + b' , "event_name":"Order.Created"}\n'
    accepted = org.api.post("/v1/public/webhook/event", body=sent)
    assert accepted.status == 202
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    head = f'{{"organizationId":"{org.id}","traceId":"trace-1","eventName":"Order.Created","timestamp":'.encode()
    assert delivery.body.startswith(head)
    timestamp, separator, rest = delivery.body[len(head) :].partition(b',"payload":')
    assert separator and rest == payload + b"}"
    assert abs(float(timestamp) - time.time()) < 60


def test_the_headers_are_those_of_the_manual(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url("/in?a=b&c=%2F"))
    accepted = org.api.publish("Order.Created", {"n": 1}, trace_id="trace-1").json
    version = json.loads(org.door.request("GET", "/healthz").body)["version"]
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.method == "POST" and delivery.path == "/in?a=b&c=%2F"
    assert delivery.header("Host") == f"127.0.0.1:{receiver.port}"
    assert delivery.header("Content-Type") == "application/json"
    assert delivery.header("User-Agent") == f"hookturn/{version}"
    assert delivery.header("X-Webhook-Event") == "Order.Created"
    assert delivery.header("X-Webhook-Traceid") == "trace-1" == delivery.json["traceId"]
    assert delivery.header("X-Webhook-Id") == accepted["event_id"] == delivery.header("webhook-id")
    assert delivery.header("X-Webhook-Timestamp") == accepted["created_at"]
    assert delivery.header("X-Webhook-Attempt") == "1"
    assert delivery.header("webhook-timestamp") == str(delivery.t)
    assert abs(delivery.t - delivery.at) < 5
    assert delivery.header("Expect") is None and delivery.header("Transfer-Encoding") is None


def test_a_signature_fits_the_secret_and_no_other(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.is_signed_by_exactly([made["secret"]])
    assert not delivery.is_signed_with("whsec_" + "A" * 40)


def test_after_a_rotation_both_secrets_sign_newest_first(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    second = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    org.installation.deliver_once()
    third = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    org.installation.deliver_once()
    first, last = receiver.deliveries
    assert first.is_signed_by_exactly([second, made["secret"]])
    assert last.is_signed_by_exactly([third, second, made["secret"]])


def test_eight_secrets_sign_at_once(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    secrets = [made["secret"]] + [org.api.rotate(made["id"]).json["secret"] for _ in range(7)]
    org.api.publish()
    org.installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly(secrets[::-1])


def test_an_event_published_before_the_rotation_is_signed_with_both_when_sent_after_it(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    org.api.publish()
    newest = org.api.rotate(made["id"]).json["secret"]
    org.installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([newest, made["secret"]])


def test_an_unsigned_subscription_gets_no_signature_headers(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url(), enable_signed_webhooks=False)
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    for name in ["X-Webhook-Signature", "webhook-signature", "webhook-id", "webhook-timestamp"]:
        assert delivery.all(name) == []


def test_the_subscriptions_own_headers_come_with_it(service, receiver):
    org = service()
    own = {"Authorization": "Bearer their-own", "X-Two": 'a "b"; c', "x-empty": "", "Accept": "text/plain"}
    org.api.subscribe(url=receiver.url(), headers=own)
    org.api.publish()
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert {name: delivery.header(name) for name in own} == own
    names = [name for name, _ in delivery.headers]
    assert names.index("Authorization") > names.index("X-Webhook-Signature")


def test_each_matching_subscription_gets_the_event_and_no_other(service, receiver):
    org = service()
    for path, events in [("/all", []), ("/orders", ["Order.*"]), ("/invoices", ["Invoice.Paid"])]:
        org.api.subscribe(url=receiver.url(path), events=events)
    org.api.subscribe(url=receiver.url("/paused"), active=False)
    Organization(org.installation, org.door).api.subscribe(url=receiver.url("/stranger"))
    org.api.publish("Order.Created")
    org.installation.deliver_once()
    assert sorted(delivery.path for delivery in receiver.deliveries) == ["/all", "/orders"]


def test_publishing_on_the_command_line_delivers_as_well(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url())
    payload = b'{ "from" : "stdin" }'
    org.installation.cli("publish", "--organization", org.id, "Order.Created", stdin=payload, check=True)
    org.installation.deliver_once()
    (delivery,) = receiver.deliveries
    assert delivery.body.endswith(b'"payload":' + payload + b"}") and delivery.is_signed_with(made["secret"])


def test_a_running_worker_delivers_what_is_published(service, receiver):
    org = service()
    org.api.subscribe(url=receiver.url())
    worker = org.installation.start_worker()
    for _ in range(20):
        org.api.publish()
    receiver.wait_for(20)
    assert worker.stop() == 0
    assert len({delivery.event_id for delivery in receiver.deliveries}) == 20 == len(receiver.deliveries)


def test_510_subscribers_all_get_it(service, receiver):
    org = service()
    for number in range(510):
        org.api.subscribe(name=f"n{number}", url=receiver.url(f"/{number}"), enable_signed_webhooks=False)
    assert org.api.publish().json["delivery_count"] == 510
    org.installation.deliver_once()
    assert sorted(int(delivery.path[1:]) for delivery in receiver.deliveries) == list(range(510))


def test_lighttpd_takes_events_that_are_delivered(install, receiver):
    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "lighttpd"))
    made = org.api.subscribe(url=receiver.url("/in"))
    newest = org.api.rotate(made["id"]).json["secret"]
    org.api.publish()
    installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([newest, made["secret"]])
