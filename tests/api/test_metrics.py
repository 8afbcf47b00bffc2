"""/metrics: what it says, in which form, and that nothing is counted twice or lost."""

import time
import uuid

import pytest
from api import METRICS, Organization, make_door
from harness import eventually, free_port
from prometheus import parse
from receiver import Answer, Receiver

NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}
LATER = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 3, "maxRetryDelayMs": 86_400_000}


def figures(api):
    response = api.get(METRICS)
    assert response.status == 200, response
    return parse(response.body.decode())


@pytest.fixture(params=["fcgi", "lighttpd"])
def operated(request, install):
    """(Organization, a client with the scope `operate`) of a new installation."""
    installation = install(allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, request.param))
    return org, org.api_with("operate")


@pytest.fixture
def service(install):
    def make(**conf):
        installation = install(**{"allow_destinations": "127.0.0.0/8", **conf})
        org = Organization(installation, make_door(installation, "fcgi"))
        return org, org.api_with("operate")

    return make


def test_a_new_installation_has_its_store_and_no_past(operated):
    org, operator = operated
    found = figures(operator)
    version = org.api.get("/healthz").json["version"]
    assert found["hookturn_build_info"].value(version=version, store="bdb") == 1
    assert found["hookturn_worker_running"].value() == 0
    assert found["hookturn_attempts_total"].value(outcome="delivered") == 0
    assert found["hookturn_attempt_duration_seconds"].samples["hookturn_attempt_duration_seconds_count", ()] == 0
    for unknown in ("worker_last_run_timestamp_seconds", "oldest_due_seconds", "deliveries_waiting", "destination_due",
                    "deliveries_counted_timestamp_seconds", "counting_since_timestamp_seconds"):  # fmt: skip
        assert f"hookturn_{unknown}" not in found


def test_head_says_the_same_without_a_body(operated):
    _, operator = operated
    response = operator.head(METRICS)
    assert response.status == 200 and response.body == b""
    assert response.header("Content-Type").startswith("text/plain; version=0.0.4")
    assert operator.post(METRICS).header("Allow") == "GET, HEAD"


def test_a_key_of_every_organization_with_the_scope_sees_the_whole_service(operated):
    org, _ = operated
    other = Organization(org.installation, org.door)
    assert figures(other.api_with("operate")).keys() == figures(org.api_with("operate")).keys()


def test_attempts_are_counted_by_outcome_and_duration(service, receiver):
    org, operator = service()
    receiver.script("/slow", Answer(200, delay=0.3))
    receiver.script("/refuses", Answer(500))
    receiver.script("/hangs", Answer(behaviour="hang"))
    for path in ("/in", "/slow", "/refuses", "/hangs"):
        org.api.subscribe(url=receiver.url(path), retry_policy=NO_RETRY, request_timeout_ms=1200)
    org.api.subscribe(url=f"http://127.0.0.1:{free_port()}/", retry_policy=NO_RETRY)
    org.api.publish()
    org.installation.deliver_once()
    found = figures(operator)
    attempts, durations = found["hookturn_attempts_total"], found["hookturn_attempt_duration_seconds"]
    counted = {outcome: attempts.value(outcome=outcome) for outcome in attempts.labels("outcome")}
    assert counted == {"delivered": 2, "status": 1, "timeout": 1, "connect": 1, "dns": 0, "tls": 0, "blocked": 0,
                       "too_large": 0, "protocol": 0}  # fmt: skip
    assert found["hookturn_deliveries_total"].value(result="delivered") == 2
    assert found["hookturn_deliveries_total"].value(result="failed") == 3
    buckets = {dict(labels)["le"]: value for (name, labels), value in durations.samples.items() if labels}
    assert buckets["0.25"] <= 3 and buckets["+Inf"] == 5 and buckets["1"] < 5
    assert durations.samples["hookturn_attempt_duration_seconds_sum", ()] >= 1.5
    assert abs(found["hookturn_worker_last_run_timestamp_seconds"].value() - time.time()) < 60
    assert found["hookturn_counting_since_timestamp_seconds"].value() <= time.time()


def test_counters_go_on_over_workers_that_come_and_go(service, receiver):
    org, operator = service()
    org.api.subscribe(url=receiver.url("/in"))
    seen = []
    for _ in range(3):
        org.api.publish()
        org.installation.deliver_once()
        seen.append(figures(operator)["hookturn_attempts_total"].value(outcome="delivered"))
    assert seen == [1, 2, 3]
    worker = org.installation.start_worker()
    eventually(lambda: figures(operator)["hookturn_worker_running"].value() == 1, what="the worker")
    org.api.publish()
    eventually(
        lambda: figures(operator)["hookturn_attempts_total"].value(outcome="delivered") == 4, what="the fourth attempt"
    )
    worker.kill()
    assert figures_after_recovery(operator)["hookturn_attempts_total"].value(outcome="delivered") == 4


def figures_after_recovery(operator):
    """While the store recovers requests are answered with 503."""
    answer = eventually(lambda: (found := operator.get(METRICS)).status == 200 and found, what="the recovery")
    return parse(answer.body.decode())


def test_what_waits_is_told_by_state_and_the_worst_destinations_by_name(service):
    org, operator = service(destination_concurrency=1)
    with Receiver(host="127.0.0.2") as dead, Receiver(host="127.0.0.3") as worse, Receiver() as refuses:
        for hanging, count in ((dead, 1), (worse, 2)):
            hanging.script("/", Answer(behaviour="hang"))
            for _ in range(count):
                org.api.subscribe(url=hanging.url(), request_timeout_ms=60_000)
        refuses.script("/", Answer(503))
        org.api.subscribe(url=refuses.url(), retry_policy=LATER)
        org.api.subscribe(url="http://127.0.0.4/", active=False)
        for _ in range(5):
            org.api.publish()
        org.installation.start_worker()

        def waiting(state):
            family = figures(operator).get("hookturn_deliveries_waiting")
            return family and family.value(state=state)

        eventually(lambda: waiting("due") == 13 and waiting("later") == 7 and waiting("paused") == 5, what="the count")
        found = figures(operator)
        destinations = found["hookturn_destination_due"]
        assert destinations.labels("host") == ["127.0.0.3", "127.0.0.2"]
        assert [destinations.value(host=host) for host in destinations.labels("host")] == [9, 4]
        assert abs(found["hookturn_deliveries_counted_timestamp_seconds"].value() - time.time()) < 60
        assert found["hookturn_oldest_due_seconds"].value() >= 0


def test_of_many_destinations_the_ten_worst_are_told(service):
    """Each hangs with one request under way; so many wait behind it as its address ends with."""
    org, operator = service(destination_concurrency=1)
    with Receiver(host="0.0.0.0", on_delivery=lambda _: Answer(behaviour="hang")) as hanging:
        for number in range(14):
            org.api.subscribe(url=hanging.url(host=f"127.0.1.{number}"), events=[f"A.n{n}" for n in range(number + 1)],
                              request_timeout_ms=60_000)  # fmt: skip
        for number in range(14):
            org.api.publish(f"A.n{number}")
        org.installation.start_worker()

        def worst():
            family = figures(operator).get("hookturn_destination_due")
            return [(host, family.value(host=host)) for host in family.labels("host")] if family else []

        expected = [(f"127.0.1.{number}", number) for number in range(13, 3, -1)]
        eventually(lambda: worst() == expected, what="the ten worst")


def test_failing_destinations_are_told_until_they_answer(service):
    org, operator = service()
    retry = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 5, "maxRetryDelayMs": 1000}
    with Receiver() as receiver:
        receiver.script("/", Answer(503), Answer(503), Answer(200))
        org.api.subscribe(url=receiver.url(), retry_policy=retry)
        org.api.publish()
        org.installation.start_worker()
        name = receiver.url("").split("/")[2]

        def failing():
            found = figures(operator)
            failures = found["hookturn_destination_failures"]
            assert failures.labels("destination") == found["hookturn_destination_window"].labels("destination")
            return {label: failures.value(destination=label) for label in failures.labels("destination")}

        eventually(lambda: failing() in ({name: 1}, {name: 2}), what="a failing destination")
        receiver.wait_for(3)
        eventually(lambda: failing() == {}, what="its recovery")


def test_the_stores_figures_are_those_of_its_files(service):
    org, operator = service()
    for number in range(20):
        org.api.subscribe(name=str(number))
    found = figures(operator)
    files = [path for path in (org.installation.data / "store").iterdir() if path.is_file()]
    logs = [path for path in files if path.name.startswith("log.")]
    data = [path for path in files if path not in logs and not path.name.startswith("__db.")]
    assert found["hookturn_store_log_files"].value() == len(logs)
    assert found["hookturn_store_log_bytes"].value() == sum(path.stat().st_size for path in logs)
    assert found["hookturn_store_data_bytes"].value() == sum(path.stat().st_size for path in data)
    assert found["hookturn_store_free_bytes"].value() > 0


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"hookturn-worker-state 1\nlast_run_at_ms", b"x" * 100_000])
def test_damaged_figures_of_workers_are_left_out(service, damage):
    org, operator = service()
    (org.installation.data / "worker.state").write_bytes(damage)
    found = figures(operator)
    assert "hookturn_oldest_due_seconds" not in found and "hookturn_deliveries_waiting" not in found
    assert found["hookturn_attempts_total"].value(outcome="delivered") == 0


def test_no_secret_name_or_id_stands_in_it(service, receiver):
    org, operator = service()
    made = org.api.subscribe(name=f"name-{uuid.uuid4()}", url=receiver.url("/token-in-the-path"))
    org.api.publish()
    org.installation.deliver_once()
    text = operator.get(METRICS).body.decode()
    for hidden in (made["id"], made["name"], made["secret"], "token-in-the-path", org.id, org.key):
        assert hidden not in text
