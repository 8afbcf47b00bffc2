"""Recovering what failed in a window of time."""

import uuid

import pytest
from crowd import at_once
from receiver import Answer

MINUTE_MS = 60_000


def fail(org, receiver, count, no_retry, offsets=(0,)):
    """The subscription's id and, for each offset of the clock, the ids of deliveries that failed then."""
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)
    failed = []
    for offset in offsets:
        org.installation.set_clock(offset)
        events = [{"event_name": "A.b", "payload": {}}] * count
        failed.append([made["id"] + event["event_id"] for event in org.api.publish_batch(events).json["data"]])
        org.installation.deliver_at(offset)
    return made["id"], failed


def with_status(org, subscription, status):
    return sorted(item["id"] for item in org.api.all_deliveries(subscription, status=status))


def test_a_windows_failures_are_sent_again_and_nothing_else(service, receiver, no_retry):
    org = service(clock=True)
    identity, failed = fail(org, receiver, 3, no_retry, [0, 10 * MINUTE_MS, 20 * MINUTE_MS])
    times = sorted(item["finished_at"] for item in org.api.all_deliveries(identity))
    receiver.script("/in", Answer(200))
    answer = org.api.recover(identity, {"since": times[3], "until": times[6]})
    assert answer.status == 202 and answer.json == {"requeued": 3, "more": False}
    assert with_status(org, identity, "WAITING") == sorted(failed[1])
    org.installation.deliver_once()
    assert with_status(org, identity, "DELIVERED") == sorted(failed[1])
    assert with_status(org, identity, "FAILED") == sorted(failed[0] + failed[2])
    assert org.api.recover(identity, {"since": times[3], "until": times[6]}).json["requeued"] == 0
    assert org.api.recover(identity, {"since": times[0]}).json == {"requeued": 6, "more": False}


def test_the_window_holds_its_first_millisecond_and_not_its_last(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 1, no_retry)
    (item,) = org.api.all_deliveries(identity)
    at = item["finished_at"]
    assert org.api.recover(identity, {"since": at, "until": at}).json["requeued"] == 0
    assert org.api.recover(identity, {"since": "2000-01-01T00:00:00Z", "until": at}).json["requeued"] == 0
    assert org.api.recover(identity, {"since": at, "until": None}).json["requeued"] == 1


def test_500_a_call_the_oldest_failures_first(service, receiver, no_retry):
    org = service(clock=True)
    identity, failed = fail(org, receiver, 520, no_retry)
    assert len(with_status(org, identity, "FAILED")) == 520
    window = {"since": "2000-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    order = sorted(org.api.all_deliveries(identity), key=lambda item: item["finished_at"])
    assert org.api.recover(identity, window).json == {"requeued": 500, "more": True}
    left = org.api.all_deliveries(identity, status="FAILED")
    assert len(left) == 20 and min(item["finished_at"] for item in left) >= order[499]["finished_at"]
    assert org.api.recover(identity, window).json == {"requeued": 20, "more": False}
    assert len(with_status(org, identity, "WAITING")) == 520


def test_a_fresh_budget_and_a_second_failure_in_a_later_window(service, receiver, fixed_retry):
    org = service(clock=True)
    receiver.script("/in", Answer(500))
    made = org.api.subscribe(url=receiver.url("/in"), retry_policy={**fixed_retry, "maxRetryAttempts": 1})
    org.api.publish()
    for step in range(2):
        org.installation.deliver_at(step * MINUTE_MS)
    (first,) = org.api.all_deliveries(made["id"], status="FAILED")
    org.installation.set_clock(10 * MINUTE_MS)
    window = {"since": first["created_at"], "until": first["finished_at"].replace("Z", "001Z")}  # cut to milliseconds
    assert org.api.recover(made["id"], window).json["requeued"] == 0
    assert org.api.recover(made["id"], {"since": first["finished_at"]}).json["requeued"] == 1
    for step in range(10, 12):
        org.installation.deliver_at(step * MINUTE_MS)
    (second,) = org.api.all_deliveries(made["id"], status="FAILED")
    assert second["attempt_count"] == 4 and second["finished_at"] > first["finished_at"]
    until = {"since": first["created_at"], "until": second["finished_at"]}
    assert org.api.recover(made["id"], until).json["requeued"] == 0
    assert org.api.recover(made["id"], {"since": second["finished_at"]}).json["requeued"] == 1


def test_a_repeat_with_its_key_requeues_nothing_again(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 5, no_retry)
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    window = {"since": "2000-01-01T00:00:00Z"}
    answers = at_once(lambda _: org.api.recover(identity, window, headers=headers), 6)
    assert {answer.body for answer in answers} == {b'{"requeued":5,"more":false}'}
    org.installation.deliver_once()
    assert org.api.recover(identity, window, headers=headers).json["requeued"] == 5
    assert len(with_status(org, identity, "FAILED")) == 5, "they failed again, and the repeat took none of them"


def test_clients_at_once_share_what_there_is(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 60, no_retry)
    answers = at_once(lambda _: org.api.recover(identity, {"since": "2000-01-01T00:00:00Z"}), 5)
    assert sum(answer.json["requeued"] for answer in answers) == 60
    org.installation.deliver_once()
    assert len(receiver.deliveries) == 120


def test_another_subscriptions_failures_stay(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 2, no_retry)
    bystander = org.api.subscribe(url=receiver.url("/in"), retry_policy=no_retry)["id"]
    org.api.publish()
    org.installation.deliver_once()
    assert org.api.recover(bystander, {"since": "2000-01-01T00:00:00Z"}).json["requeued"] == 1
    assert len(with_status(org, identity, "FAILED")) == 3


@pytest.mark.parametrize(
    "body, fields",
    [
        ({}, {"since"}),
        ({"since": None}, {"since"}),
        ({"since": 1}, {"since"}),
        ({"since": "yesterday", "until": "2026-13-01T00:00:00Z"}, {"since", "until"}),
        ({"since": "2026-06-12T10:15:00"}, {"since"}),
        ({"since": "2026-06-12T10:15:00.001Z", "until": "2026-06-12T10:15:00Z"}, {"until"}),
        ({"since": "2026-06-12T10:15:00Z\0"}, {"since"}),
    ],
)
def test_what_is_no_window_is_400_and_named(service, body, fields):
    api = service().api
    response = api.recover(api.subscribe()["id"], body)
    assert response.status == 400 and response.fields == fields, response


def test_without_a_subscription_or_a_body_there_is_nothing_to_recover(service):
    api = service().api
    made = api.subscribe()
    assert api.recover(made["id"]).status in (400, 415)
    assert api.recover(made["id"], ["since"]).status == 400
    api.delete(made["id"])
    assert api.recover(made["id"], {"since": "2026-06-12T10:15:00Z"}).status == 404


# ---- the command ----


def test_the_command_goes_on_until_nothing_is_left(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 550, no_retry, [0, 1000])
    org.installation.set_clock(MINUTE_MS)
    done = org.installation.cli("recover", identity, "--since", "2000-01-01T00:00:00Z", check=True)
    assert done.stdout == b"1100 deliveries are due again\n" and done.stderr == b"", "progress is for terminals"
    assert len(org.api.all_deliveries(identity, status="WAITING")) == 1100
    again = org.installation.cli("recover", identity, "--since", "2000-01-01T00:00:00Z", check=True)
    assert again.stdout == b"0 deliveries are due again\n"


def test_the_commands_window_ends_where_it_starts_unless_told(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 2, no_retry, [0, 10 * MINUTE_MS])
    org.installation.set_clock(5 * MINUTE_MS)
    times = sorted(item["finished_at"] for item in org.api.all_deliveries(identity))
    recover = ("recover", identity, "--since", times[0])
    assert org.installation.cli(*recover, "--until", times[0], check=True).stdout.startswith(b"0 ")
    assert org.installation.cli(*recover, check=True).stdout.startswith(b"2 "), "the later two lie in its future"
    assert org.installation.cli(*recover, "--until", "2100-01-01T00:00:00Z", check=True).stdout.startswith(b"2 ")


def test_the_command_speaks_of_one_delivery(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 1, no_retry)
    org.installation.set_clock(MINUTE_MS)
    done = org.installation.cli("recover", identity, "--since", "2000-01-01T00:00:00Z", check=True)
    assert done.stdout == b"1 delivery is due again\n"


def test_the_command_shows_a_terminal_how_far_it_came(service, receiver, no_retry):
    org = service(clock=True)
    identity, _ = fail(org, receiver, 3, no_retry)
    org.installation.set_clock(MINUTE_MS)
    shown = org.installation.cli_at_terminal("recover", identity, "--since", "2000-01-01T00:00:00Z")
    assert b"due again: 3" in shown and shown.endswith(b"\r\x1b[K"), "the line is gone when the result is printed"


@pytest.mark.parametrize(
    "words, status, said",
    [
        (["0123456789abcdef01234567", "--since", "2000-01-01T00:00:00Z"], 1, b"no subscription 0123456789abcdef01234567"),
        (["nonsense", "--since", "2000-01-01T00:00:00Z"], 2, b"24 digits"),
        (["0123456789abcdef01234567"], 2, b"--since"),
        (["0123456789abcdef01234567", "--since", "yesterday"], 2, b"--since needs a time"),
        (["0123456789abcdef01234567", "--since", "2000-01-01T00:00:00Z", "--until", "2h"], 2, b"--until needs a time"),
        (["0123456789abcdef01234567", "--since", "2100-01-01T00:00:00Z"], 2, b"later than the end"),
    ],
)
def test_the_command_says_what_is_wrong(install, words, status, said):
    done = install().cli("recover", *words)
    assert done.returncode == status and said in done.stderr and done.stdout == b"", done
