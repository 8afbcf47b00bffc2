"""`hookturn status`: how things stand, for people and for programs."""

import json
import re

import pytest
from api import TIME, Organization, has_null, make_door
from harness import eventually
from receiver import Answer

LOOPBACK = {"allow_destinations": "127.0.0.0/8 [::1/128]"}
RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 5, "maxRetryDelayMs": 60_000}
NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}


@pytest.fixture
def org(install):
    installation = install(**LOOPBACK)
    return Organization(installation, make_door(installation, "fcgi", processes=1))


def status(org):
    done = org.installation.cli("status", "--json", check=True)
    assert done.stdout.endswith(b"\n") and done.stderr == b""
    found = json.loads(done.stdout)
    assert not has_null(found)
    return found


def report(org):
    done = org.installation.cli("status", check=True)
    assert done.stderr == b""
    return done.stdout.decode()


def waiting(found):
    return {name: found["waiting"][name] for name in ("due", "in_flight", "later", "held")}


def test_an_empty_installation_has_nothing_to_show(install):
    installation = install()
    done = installation.cli("status", "--json", check=True)
    found = json.loads(done.stdout)
    assert TIME.fullmatch(found.pop("at"))
    assert found == {
        "worker": {"running": False, "mode": "manual"},
        "waiting": {"deliveries": 0, "subscriptions": 0, "due": 0, "in_flight": 0, "later": 0, "held": 0},
        "subscriptions": {"active": 0, "failing": 0, "paused": 0, "off_gone": 0, "off_failing": 0},
        "unreadable": 0,
        "concerns": [],
        "concerns_left_out": 0,
    }
    lines = installation.cli("status", check=True).stdout.decode().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["worker", "waiting", "oldest due", "rates", "subscriptions"]
    assert lines[0].startswith("worker         not running; run `hookturn deliver`")
    assert lines[2] == "oldest due     nothing is due"


def test_what_was_published_waits_before_any_worker_has_seen_it(org):
    org.api.subscribe()
    org.api.subscribe(active=False)
    for _ in range(3):
        org.api.publish()
    found = status(org)
    assert waiting(found) == {"due": 3, "in_flight": 0, "later": 0, "held": 3}
    assert found["waiting"]["deliveries"] == 6 and found["waiting"]["subscriptions"] == 2
    assert TIME.fullmatch(found["waiting"]["oldest_due_at"])
    assert found["subscriptions"] == {"active": 1, "failing": 0, "paused": 1, "off_gone": 0, "off_failing": 0}
    assert found["concerns"] == [], "a pause that its owner wants is no concern"
    assert "6 deliveries of 2 subscriptions (due now 3, in flight 0, later 0, paused or off 3)" in report(org)


def test_a_running_worker_and_what_is_in_flight_are_seen(org, receiver):
    receiver.script("/in", Answer(behaviour="hang"))
    org.api.subscribe(url=receiver.url("/in"), request_timeout_ms=60_000)
    org.installation.start_worker()
    org.api.publish()
    receiver.wait_for(1)
    found = status(org)
    assert found["worker"]["running"] is True and TIME.fullmatch(found["worker"]["last_run_at"])
    assert waiting(found) == {"due": 0, "in_flight": 1, "later": 0, "held": 0}
    assert re.match(r"worker         running, last look \d+ s ago\n", report(org))
    receiver.release()


def test_attempts_are_counted_by_their_outcome_in_all_workers(org, receiver):
    receiver.script("/ok", Answer(200))
    receiver.script("/bad", Answer(500))
    receiver.script("/lost", Answer(behaviour="close"))
    for path in ("/ok", "/bad", "/lost"):
        org.api.subscribe(url=receiver.url(path), retry_policy=NO_RETRY)
    for _ in range(2):  # two workers, one after the other
        org.api.publish()
        org.installation.deliver_once()
    found = status(org)
    counts = {name: count for name, count in found["counts"].items() if count and name != "since"}
    assert counts == {
        "attempts_delivered": 2, "attempts_status": 2, "attempts_protocol": 2,
        "deliveries_delivered": 2, "deliveries_failed": 4,
    }  # fmt: skip
    assert TIME.fullmatch(found["counts"]["since"])
    assert found["rates"]["last_hour"] == {"succeeded": 2, "failed": 4}
    assert "last hour 2, 4" in report(org)


def test_a_killed_worker_takes_at_most_its_last_second_of_figures_along(org, receiver):
    org.api.subscribe(url=receiver.url("/in"))
    worker = org.installation.start_worker()
    org.api.publish()
    receiver.wait_for(1)
    eventually(lambda: status(org).get("counts", {}).get("attempts_delivered") == 1)
    worker.kill()
    org.api.publish()
    org.installation.deliver_once()
    assert status(org)["counts"]["attempts_delivered"] == 2


def test_a_subscription_whose_deliveries_were_tried_in_vain_is_failing(org, receiver):
    receiver.script("/in", Answer(503))
    made = org.api.subscribe(
        name="Lager", url=receiver.url("/in?token=geheim"), retry_policy=RETRY, headers={"X-Token": "geheim"}
    )
    receiver.script("/in?token=geheim", Answer(503))
    org.api.publish()
    org.installation.deliver_once()
    org.api.publish()
    found = status(org)
    assert found["subscriptions"]["failing"] == 1 and found["subscriptions"]["active"] == 1
    [concern] = found["concerns"]
    assert TIME.fullmatch(concern.pop("failing_since"))
    assert concern == {
        "subscription_id": made["id"], "organization_id": org.id, "name": "Lager", "host": "127.0.0.1",
        "active": True, "waiting": 2, "waiting_tried": 1, "attempt_count": 1,
    }  # fmt: skip
    text = report(org)
    assert re.search(rf"\n{made['id']} +{org.id} +failing +2 +1 +\S+Z +127\.0\.0\.1 +Lager\n", text)
    assert "geheim" not in text + json.dumps(found)


def test_a_subscription_that_was_switched_off_is_shown_with_its_reason(org, receiver):
    receiver.script("/in", Answer(410))
    made = org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    org.installation.deliver_once()
    org.api.publish()
    found = status(org)
    assert found["subscriptions"] == {"active": 0, "failing": 0, "paused": 0, "off_gone": 1, "off_failing": 0}
    [concern] = found["concerns"]
    assert concern["subscription_id"] == made["id"] and concern["disabled_reason"] == "GONE"
    assert concern["active"] is False and concern["waiting"] == 1
    assert "switched off 1 (GONE 1), failing 0\n" in report(org) and "off: GONE" in report(org)


def test_the_table_shows_those_for_which_most_waits_and_counts_the_rest(org, receiver):
    receiver.script("/in", Answer(410))
    made = [org.api.subscribe(url=receiver.url("/in"), events=["A.b"]) for _ in range(22)]
    worst = org.api.subscribe(url=receiver.url("/in"), events=["A.b", "A.c"])
    org.api.publish("A.b")
    org.installation.deliver_once()
    org.api.publish("A.c")
    found = status(org)
    assert len(found["concerns"]) == 20 and found["concerns_left_out"] == 3
    assert found["concerns"][0]["subscription_id"] == worst["id"]
    assert {concern["subscription_id"] for concern in found["concerns"][1:]} < {one["id"] for one in made}
    assert report(org).endswith("\nand 3 more\n")


def test_a_name_does_not_speak_to_the_terminal(org, receiver):
    receiver.script("/in", Answer(410))
    org.api.subscribe(name="a\u001b[2J\u009bb", url=receiver.url("/in"))
    org.api.publish()
    org.installation.deliver_once()
    assert "\u001b" not in report(org) and report(org).endswith(" a?[2J?b\n")


def test_a_damaged_figures_file_is_no_failure(org, receiver):
    org.api.subscribe(url=receiver.url("/in"))
    (org.installation.data / "worker.state").write_bytes(b"last_run_at_ms 9999999999999999999\n\xff")
    found = status(org)
    assert "last_run_at" not in found["worker"] and "counts" not in found and "rates" not in found
    org.api.publish()
    org.installation.deliver_once()
    assert status(org)["counts"]["attempts_delivered"] == 1


@pytest.mark.parametrize("words", [["extra"], ["--yaml"], ["--json=yes"]], ids=" ".join)
def test_wrong_usage_is_exit_2(install, words):
    assert install().cli("status", *words).returncode == 2
