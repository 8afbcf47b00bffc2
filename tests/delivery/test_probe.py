"""The probe: is the receiver ready for the new secret alone? Receivers of every kind, and what is said of each."""

import os
import re
import signal
import uuid

import pytest
from api import SUBSCRIPTION, Organization, make_door
from crowd import at_once
from harness import eventually, free_port, is_alive
from receiver import Answer, Receiver, parse_signature

UNKNOWN = "0123456789abcdef01234567"


def path_of(identity):
    return f"{SUBSCRIPTION}/{identity}/probe/secret"


def ask(api, identity, **more):
    response = api.post(path_of(identity), **more)
    assert response.status == 202, response
    return response


def result(api, identity):
    response = api.get(path_of(identity))
    assert response.status == 200, response
    return response.json


def result_after_recovery(api, identity):
    """While the store recovers, and a little before that is noticed, requests may be answered with 503."""
    return eventually(lambda: (found := api.get(path_of(identity))).status == 200 and found.json, what="the recovery")


def is_done(api, identity):
    return result(api, identity)["status"] == "DONE"


class Verifier:
    """Answers 204 to what is signed with one of its secrets, 401 to the rest."""

    def __init__(self, *secrets):
        self.secrets = list(secrets)

    def __call__(self, delivery):
        return Answer(204 if any(delivery.is_signed_with(secret) for secret in self.secrets) else 401)


def rotated(org, url, **members):
    """(subscription, the old secret, the new one): in the middle of a rotation's grace period."""
    made = org.api.subscribe(url=url, **members)
    return made["id"], made["secret"], org.api.rotate(made["id"]).json["secret"]


def probed_by(service, make_answers, **members):
    """The result of a probe of a receiver: make_answers(old, new) gives its on_delivery."""
    org = service()
    with Receiver() as receiver:
        identity, old, new = rotated(org, receiver.url("/in"), **members)
        receiver.on_delivery = make_answers(old, new)
        ask(org.api, identity)
        org.installation.deliver_once()
        return result(org.api, identity), receiver.deliveries


def replies(probe):
    return [probe[name].get("response_status", probe[name].get("error")) for name in ("new_secret", "forged")]


def verdict(probe):
    return probe["new_secret_accepted"], probe["forged_rejected"], probe["ready"]


# ---- receivers ----


def test_one_that_verifies_with_the_new_secret_is_ready(service):
    probe, deliveries = probed_by(service, lambda old, new: Verifier(new))
    assert verdict(probe) == (True, True, True) and replies(probe) == [204, 401]
    assert probe["requested_at"] <= probe["finished_at"] and probe["new_secret"]["duration_ms"] >= 0
    assert len(deliveries) == 2


def test_one_that_knows_both_is_ready_as_well(service):
    probe, _ = probed_by(service, lambda old, new: Verifier(old, new))
    assert verdict(probe) == (True, True, True)


def test_one_that_knows_the_old_secret_alone_is_not_ready_though_its_deliveries_are_verified(service):
    probe, deliveries = probed_by(service, lambda old, new: Verifier(old))
    assert verdict(probe) == (False, True, False) and replies(probe) == [401, 401]


@pytest.mark.parametrize(
    "statuses, expected",
    [
        ([200, 200], (True, False, False)),  # verifies nothing
        ([401, 401], (False, True, False)),
        ([500, 500], (False, True, False)),
        ([200, 500], (True, True, True)),  # an exception of a verifier that fails
        ([302, 302], (False, True, False)),
        ([200, 302], (True, True, True)),
        ([401, 200], (False, False, False)),
        ([200, 429], (True, False, False)),  # "not now" is no verdict
        ([200, 503], (True, False, False)),
        ([503, 503], (False, False, False)),
        ([410, 410], (False, True, False)),
    ],
    ids=str,
)
def test_the_verdict_follows_from_both_answers(service, statuses, expected):
    answers = [Answer(status, {"Location": "/elsewhere"} if status == 302 else {}) for status in statuses]
    probe, deliveries = probed_by(service, lambda old, new: lambda _: answers.pop(0))
    assert replies(probe) == statuses and verdict(probe) == expected
    assert [delivery.path for delivery in deliveries] == ["/in", "/in"]  # one try each, no redirect followed


@pytest.mark.parametrize(
    "behaviour, error",
    [("hang", "TIMEOUT"), ("close", "PROTOCOL"), ("garbage", "PROTOCOL"), ("drip", "TIMEOUT")],
)
def test_no_whole_answer_is_neither_accepted_nor_rejected(service, behaviour, error):
    probe, deliveries = probed_by(
        service, lambda old, new: lambda _: Answer(200, behaviour=behaviour), request_timeout_ms=300
    )
    assert replies(probe) == [error, error] and verdict(probe) == (False, False, False)
    assert len(deliveries) == 2


def test_an_answer_to_the_first_alone_makes_nothing_ready(service):
    answers = [Answer(200), Answer(401, behaviour="hang")]
    probe, _ = probed_by(service, lambda old, new: lambda _: answers.pop(0), request_timeout_ms=300)
    assert replies(probe) == [200, "TIMEOUT"] and verdict(probe) == (True, False, False)


def test_a_refused_connection_and_a_blocked_address_are_errors(service):
    org = service(allow_destinations="127.0.0.0/8")
    identities = [org.api.subscribe(url=url)["id"] for url in (f"http://127.0.0.1:{free_port()}/", "http://ip6-localhost/")]
    for identity in identities:
        ask(org.api, identity)
    org.installation.deliver_once()
    refused, blocked = (result(org.api, identity) for identity in identities)
    assert replies(refused) == ["CONNECT", "CONNECT"] and verdict(refused) == (False, False, False)
    assert replies(blocked)[0] in ("BLOCKED", "DNS") and verdict(blocked) == (False, False, False)


# ---- the requests ----


def test_the_requests_look_like_deliveries_and_only_their_signatures_differ(service, receiver):
    org = service()
    own = {"Authorization": "Bearer their-own", "X-Site": "north"}
    identity, old, new = rotated(org, receiver.url("/in?a=b"), headers=own)
    org.api.publish()
    org.installation.deliver_once()
    ask(org.api, identity)
    org.installation.deliver_once()
    real, first, second = receiver.deliveries
    for asked in (first, second):
        assert asked.method == "POST" and asked.path == "/in?a=b"
        assert [name for name, _ in asked.headers] == [name for name, _ in real.headers]
        for name in ("Host", "Content-Type", "User-Agent", "X-Webhook-Attempt", *own):
            assert asked.header(name) == real.header(name)
        assert asked.header("X-Webhook-Event") == "Webhook.Test" == asked.json["eventName"]
        assert asked.header("X-Webhook-Traceid") == asked.json["traceId"]
        assert asked.event_id == asked.header("webhook-id") and re.fullmatch("[0-9a-f]{24}", asked.event_id)
        assert list(asked.json) == list(real.json) and asked.json["organizationId"] == org.id
        assert asked.json["payload"]["subscription_id"] == identity
        assert asked.header("webhook-timestamp") == str(asked.t) and abs(asked.t - asked.at) < 5
    assert first.event_id != second.event_id
    assert first.header("X-Webhook-Traceid") != second.header("X-Webhook-Traceid")


def test_the_first_is_signed_with_the_newest_alone_and_the_second_with_none_that_is_known(service, receiver):
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"))
    secrets = [made["secret"]] + [org.api.rotate(made["id"]).json["secret"] for _ in range(2)]
    for _ in range(2):
        ask(org.api, made["id"])
        org.installation.deliver_once()
    genuine, forged = receiver.deliveries[::2], receiver.deliveries[1::2]
    for delivery in genuine:
        assert delivery.is_signed_by_exactly([secrets[-1]])
    for delivery in forged:
        t, values = parse_signature(delivery.header("X-Webhook-Signature"))
        assert len(values) == 1 and re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", delivery.header("webhook-signature"))
        assert not any(delivery.is_signed_with(secret) or delivery.is_signed_with_standard(secret) for secret in secrets)
    assert len({parse_signature(delivery.header("X-Webhook-Signature"))[1][0] for delivery in receiver.deliveries}) == 4


def test_the_second_is_sent_when_the_first_was_answered(service):
    probe, (first, second) = probed_by(service, lambda old, new: lambda _: Answer(200, delay=0.3))
    assert second.at - first.at >= 0.3
    assert all(probe[name]["duration_ms"] >= 290 for name in ("new_secret", "forged"))


def test_it_is_no_delivery_and_changes_nothing(service, receiver):
    org = service()
    receiver.script("/in", Answer(410))
    identity, *_ = rotated(org, receiver.url("/in"))
    before = org.api.subscription(identity)
    ask(org.api, identity)
    org.installation.deliver_once()
    after = org.api.subscription(identity)
    assert after.json == before.json and after.header("ETag") == before.header("ETag")
    event = org.api.get(f"/v1/public/webhook/event/{receiver.deliveries[0].event_id}")
    assert event.status == 404
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 2


def test_secrets_and_the_forged_one_stand_in_no_file(service, receiver):
    org = service(log_level="debug", log_file="/dev/stderr")
    identity, old, new = rotated(org, receiver.url("/in"))
    ask(org.api, identity)
    done = org.installation.deliver_once()
    assert b"event=probe " in done.stderr and b"whsec_" not in done.stderr
    assert done.stderr.count(b"event=probe ") == 2 and b"secret=newest" in done.stderr and b"secret=forged" in done.stderr
    for path in org.installation.data.rglob("*"):
        if path.is_file():
            assert b"whsec_" not in path.read_bytes() or path.suffix == ".conf", path


# ---- when ----


def test_a_running_worker_makes_it_at_once(service, receiver):
    org = service()
    identity, _, new = rotated(org, receiver.url("/in"))
    receiver.on_delivery = Verifier(new)
    worker = org.installation.start_worker()
    eventually(lambda: org.api.get("/healthz").json["worker"]["running"], what="the worker")
    ask(org.api, identity)
    eventually(lambda: is_done(org.api, identity), timeout=10, what="the result")
    assert result(org.api, identity)["ready"] is True
    assert worker.stop() == 0


def test_asking_starts_a_worker_where_none_runs(service, receiver):
    org = service(worker="auto")
    identity, _, new = rotated(org, receiver.url("/in"))
    receiver.on_delivery = Verifier(new)
    ask(org.api, identity)
    eventually(lambda: is_done(org.api, identity), timeout=10, what="the result")
    assert result(org.api, identity)["ready"] is True


def test_a_paused_subscription_is_asked_as_well(service, receiver):
    org = service()
    identity, _, new = rotated(org, receiver.url("/in"), active=False)
    receiver.on_delivery = Verifier(new)
    org.api.publish()
    ask(org.api, identity)
    org.installation.deliver_once()
    assert result(org.api, identity)["ready"] is True and len(receiver.deliveries) == 2


def test_a_rotation_before_the_worker_comes_counts(service, receiver):
    org = service()
    identity, _, second = rotated(org, receiver.url("/in"))
    ask(org.api, identity)
    third = org.api.rotate(identity).json["secret"]
    receiver.on_delivery = Verifier(second)
    org.installation.deliver_once()
    assert receiver.deliveries[0].is_signed_by_exactly([third])
    assert verdict(result(org.api, identity)) == (False, True, False)


@pytest.mark.parametrize("number", [1, 2])
def test_a_rotation_in_the_middle_makes_it_begin_anew(service, receiver, number):
    """What is said is never about a secret that is not the newest any more when it is said."""
    org = service()
    identity, _, second = rotated(org, receiver.url("/in"))
    secrets = [second]

    def answer(delivery):
        if len(receiver.deliveries) == number:
            secrets.append(org.api.rotate(identity).json["secret"])
        return Verifier(second)(delivery)

    receiver.on_delivery = answer
    ask(org.api, identity)
    org.installation.deliver_once()
    assert len(receiver.deliveries) == number + 2
    assert receiver.deliveries[0].is_signed_by_exactly([second])
    assert receiver.deliveries[number].is_signed_by_exactly([secrets[1]])
    probe = result(org.api, identity)
    assert verdict(probe) == (False, True, False)
    assert probe["finished_at"] > org.api.subscription(identity).json["signing_secrets"][0]["created_at"]


def test_a_killed_workers_probe_is_made_again_when_its_lease_ends(service, receiver):
    org = service(clock=True)
    identity, _, new = rotated(org, receiver.url("/in"), request_timeout_ms=1000)
    hang = [Answer(204), Answer(behaviour="hang")]
    receiver.on_delivery = lambda delivery: hang.pop(0) if hang else Verifier(new)(delivery)
    ask(org.api, identity)
    worker = org.installation.start_worker()
    receiver.wait_for(2)
    child = worker.child()
    os.kill(child, signal.SIGKILL)
    eventually(lambda: not is_alive(child), what="the child's end")
    assert result_after_recovery(org.api, identity)["status"] == "PENDING" and len(receiver.deliveries) == 2
    org.installation.set_clock(11_500)  # the timeout and 10 s, from the second request on
    probe = eventually(
        lambda: (found := result_after_recovery(org.api, identity))["status"] == "DONE" and found, what="the result"
    )
    assert probe["ready"] is True and len(receiver.deliveries) == 4


def test_a_worker_that_is_told_to_end_hands_it_back(service, receiver):
    org = service()
    identity, _, new = rotated(org, receiver.url("/in"), request_timeout_ms=60_000)
    hang = [Answer(behaviour="hang")]
    receiver.on_delivery = lambda delivery: hang.pop(0) if hang else Verifier(new)(delivery)
    ask(org.api, identity)
    worker = org.installation.start_worker()
    receiver.wait_for(1)
    assert worker.stop() == 0
    org.installation.deliver_once()  # at once: the lease need not run out
    assert result(org.api, identity)["ready"] is True and len(receiver.deliveries) == 3


def test_it_waits_for_a_free_slot_of_its_destination(service, receiver):
    org = service(destination_concurrency=1)
    identity, _, new = rotated(org, receiver.url("/in"), request_timeout_ms=60_000)
    receiver.script("/in", Answer(behaviour="hang"), Answer(200))
    org.api.publish()
    org.installation.start_worker()
    receiver.wait_for(1)
    ask(org.api, identity)
    org.api.publish()
    other = org.api.subscribe(url=receiver.url("/other", host="localhost"))
    ask(org.api, other["id"])  # another host's is made meanwhile
    eventually(lambda: is_done(org.api, other["id"]), what="the other's result")
    assert result(org.api, identity)["status"] == "PENDING" and len(receiver.at("/in")) == 1
    receiver.release()
    eventually(lambda: is_done(org.api, identity), what="the result")


# ---- the operation ----


@pytest.fixture(params=["fcgi", "lighttpd"])
def doored(request, install):
    installation = install(allow_destinations="127.0.0.0/8")
    return Organization(installation, make_door(installation, request.param))


def test_while_it_is_pending_everybody_gets_the_same(doored, receiver):
    api = doored.api
    identity, _, new = rotated(doored, receiver.url("/in"))
    receiver.on_delivery = Verifier(new)
    assert api.get(path_of(identity)).status == 404
    first = ask(api, identity)
    assert first.json.keys() == {"status", "requested_at"} and first.json["status"] == "PENDING"
    assert ask(api, identity).json == first.json == result(api, identity)
    doored.installation.deliver_once()
    done = result(api, identity)
    assert done["ready"] is True and done["requested_at"] == first.json["requested_at"]
    assert result(api, identity) == done and api.head(path_of(identity)).status == 200
    again = ask(api, identity)
    assert again.json["requested_at"] > first.json["requested_at"]
    assert result(api, identity) == again.json  # a result can be read until the next probe is asked for
    assert len(receiver.deliveries) == 2


def test_many_that_ask_at_once_get_one_probe(service, receiver):
    org = service()
    identity, *_ = rotated(org, receiver.url("/in"))
    answers = at_once(lambda _: org.api.post(path_of(identity)))
    assert {answer.status for answer in answers} == {202} and len({answer.body for answer in answers}) == 1
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 2


def test_a_key_gets_the_first_answer_again_and_asks_nothing_new(doored, receiver):
    api = doored.api
    identity, *_ = rotated(doored, receiver.url("/in"))
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first = ask(api, identity, headers=headers)
    doored.installation.deliver_once()
    done = result(api, identity)
    again = ask(api, identity, headers=headers)
    assert again.body == first.body and again.header("Idempotent-Replayed") == "true"
    assert result(api, identity) == done
    assert ask(api, identity, headers={"Idempotency-Key": "another"}).header("Idempotent-Replayed") is None


def test_without_signing_there_is_nothing_to_ask(doored):
    api = doored.api
    made = api.subscribe(enable_signed_webhooks=False)
    response = api.post(path_of(made["id"]))
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    assert api.get(path_of(made["id"])).status == 404


def test_what_is_not_there_and_what_is_anothers_is_404(doored):
    api, other = doored.api, Organization(doored.installation, doored.door).api
    made = api.subscribe()
    ask(api, made["id"])
    for client, identity in [(api, UNKNOWN), (api, "x"), (other, made["id"])]:
        for method in ("POST", "GET", "HEAD"):
            assert client.call(method, path_of(identity)).status == 404
    assert api.call("DELETE", path_of(made["id"])).header("Allow") == "POST, GET, HEAD"


def test_switching_signing_off_takes_a_pending_one_along(service, receiver):
    org = service()
    identity, *_ = rotated(org, receiver.url("/in"))
    ask(org.api, identity)
    org.api.patch(identity, {"enable_signed_webhooks": False})
    assert org.api.get(path_of(identity)).status == 404
    org.installation.deliver_once()
    org.api.patch(identity, {"enable_signed_webhooks": True})
    assert org.api.get(path_of(identity)).status == 404 and receiver.deliveries == []
    ask(org.api, identity)
    org.installation.deliver_once()
    assert result(org.api, identity)["status"] == "DONE"


def test_deleting_takes_it_along(service, receiver):
    org = service()
    done, *_ = rotated(org, receiver.url("/in"))
    ask(org.api, done)
    org.installation.deliver_once()
    pending, *_ = rotated(org, receiver.url("/in"))
    ask(org.api, pending)
    for identity in (done, pending):
        assert org.api.delete(identity).status == 204
        assert org.api.get(path_of(identity)).status == 404 and org.api.post(path_of(identity)).status == 404
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 2
