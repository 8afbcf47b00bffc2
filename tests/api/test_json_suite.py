"""The published suite of JSON texts (tests/data/JSONTestSuite): as bodies, as payloads and as parts of batches."""

import json

import pytest
from api import EVENT, EVENTS, SUBSCRIPTION
from harness import ROOT

SUITE = ROOT / "tests/data/JSONTestSuite"
FILES = sorted(SUITE.glob("*.json"))
MERGE = "application/merge-patch+json"
MAX_BODY = 131072


def texts(prefix=""):
    for path in FILES:
        if path.name.startswith(prefix):
            yield path.name, path.read_bytes()


def is_refused(raw, sent):
    """400, but one of the suite's texts is larger than any body may be."""
    if len(sent) > MAX_BODY:
        return raw.status == 413
    return raw.status == 400 and json.loads(raw.body)["type"] == "VALIDATION_ERROR"


def event(value):
    return b'{"event_name":"A.b","payload":{"x":' + value + b"}}"


class Bare:
    """Requests past the API client, which reads what hookturn interprets, and a payload may hold more than that."""

    def __init__(self, org):
        self.org = org

    def call(self, method, target, body=None, content_type="application/json"):
        headers = [("Authorization", f"Bearer {self.org.key}")]
        if body is not None:
            headers.append(("Content-Type", content_type))
        return self.org.door.request(method, target, headers, body, timeout=10)


@pytest.fixture
def bare(org):
    return Bare(org)


def test_the_suite_is_there():
    assert len(FILES) > 300 and {path.name[:2] for path in FILES} == {"y_", "n_", "i_"}


@pytest.mark.parametrize("method, path, content_type", [
    ("POST", EVENT, "application/json"),
    ("POST", EVENTS, "application/json"),
    ("POST", SUBSCRIPTION, "application/json"),
    ("PUT", SUBSCRIPTION + "/{id}", "application/json"),
    ("PATCH", SUBSCRIPTION + "/{id}", MERGE),
])  # fmt: skip
def test_as_a_whole_body_each_is_answered_in_order(org, bare, method, path, content_type):
    made = org.api.subscribe()
    target, wrong = path.replace("{id}", made["id"]), []
    for name, text in texts():
        raw = bare.call(method, target, text, content_type)
        # An object that changes nothing is a patch; nothing else in the suite is what hookturn expects.
        is_patch = method == "PATCH" and not name.startswith("n_") and raw.status == 200
        if not is_patch and not is_refused(raw, text):
            wrong.append((name, raw.status))
    assert wrong == []
    after = org.api.subscription(made["id"]).json
    assert after["signing_secrets"] == made["signing_secrets"] and after["name"] == made["name"]


def test_valid_ones_are_accepted_as_payloads_and_kept_byte_for_byte(org, bare):
    for name, text in texts("y_"):
        accepted = bare.call("POST", EVENT, event(text))
        assert accepted.status == 202, (name, accepted)
        read = bare.call("GET", f"{EVENT}/{json.loads(accepted.body)['event_id']}")
        assert read.status == 200 and b'"payload":{"x":' + text + b"}" in read.body, name
        json.loads(read.body)


def test_valid_ones_are_accepted_in_batches_and_kept_byte_for_byte(org, bare):
    names, values = zip(*texts("y_"))
    accepted = bare.call("POST", EVENTS, b"[" + b",".join(map(event, values)) + b"]")
    assert accepted.status == 202, accepted
    for name, text, entry in zip(names, values, json.loads(accepted.body)["data"]):
        read = bare.call("GET", f"{EVENT}/{entry['event_id']}")
        assert read.status == 200 and b'"payload":{"x":' + text + b"}" in read.body, name


def test_invalid_ones_are_refused_as_payloads_and_in_batches(bare):
    wrong = []
    for name, text in texts("n_"):
        for target, sent in (
            (EVENT, event(text)),
            (EVENTS, b"[" + event(text) + b"]"),
            (EVENTS, b"[" + event(b"1") + b"," + event(text) + b"," + event(b"2") + b"]"),
        ):
            raw = bare.call("POST", target, sent)
            if not is_refused(raw, sent):
                wrong.append((name, target, raw.status))
    assert wrong == []


def test_invalid_ones_are_refused_in_members_that_nobody_reads(bare):
    wrong = []
    for name, text in texts("n_"):
        sent = b'{"event_name":"A.b","payload":{},"unknown":{"x":' + text + b"}}"
        if not is_refused(bare.call("POST", EVENT, sent), sent):
            wrong.append(name)
    assert wrong == []


def test_those_that_a_parser_may_judge_either_way_are_judged_and_kept_where_accepted(bare):
    for name, text in texts("i_"):
        accepted = bare.call("POST", EVENT, event(text))
        assert accepted.status in (202, 400), (name, accepted)
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            assert accepted.status == 400, f"{name} is not UTF-8"
        if accepted.status == 202:
            read = bare.call("GET", f"{EVENT}/{json.loads(accepted.body)['event_id']}")
            assert read.status == 200 and b'"payload":{"x":' + text + b"}" in read.body, name
        assert bare.call("POST", EVENTS, b"[" + event(text) + b"]").status == accepted.status, name


def test_what_is_delivered_is_what_was_published(install, receiver):
    from api import Organization, make_door

    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "fcgi"))
    org.api.subscribe(url=receiver.url())
    bare, sent = Bare(org), {}
    for _, text in texts("y_"):
        accepted = bare.call("POST", EVENT, event(text))
        sent[json.loads(accepted.body)["event_id"]] = text
    installation.deliver_once()
    assert len(receiver.deliveries) == len(sent)
    for delivery in receiver.deliveries:
        assert delivery.body.endswith(b',"payload":{"x":' + sent[delivery.event_id] + b"}}")
