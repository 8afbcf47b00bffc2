"""/healthz, and that the OpenAPI document and the program say the same of each other."""

import json
import re

import openapi
import pytest
from api import TIME, Organization, Response, make_door
from harness import eventually, free_port

documented = pytest.mark.skipif(openapi.load() is None, reason="docs/openapi.yaml is not there")


def test_health_says_ok_with_version_store_and_worker(api):
    response = api.get("/healthz")
    assert response.status == 200
    body = response.json
    assert list(body)[:3] == ["status", "version", "store"]
    assert body["status"] == "ok" and body["store"] == "bdb"
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*", body["version"])
    assert body["worker"]["running"] is False


def test_health_follows_the_worker(install):
    installation = install()
    door = make_door(installation, "fcgi")

    def worker():
        return Response(door.request("GET", "/healthz")).json["worker"]

    assert worker()["running"] is False and "last_run_at" not in worker()
    running = installation.start_worker()
    eventually(lambda: worker()["running"] is True, what="the worker's mark")
    seen = eventually(lambda: worker().get("last_run_at"), what="the worker's time")
    assert TIME.fullmatch(seen)
    assert running.stop() == 0
    eventually(lambda: worker()["running"] is False, what="the mark's end")
    assert worker()["last_run_at"] >= seen


def test_health_tells_how_long_events_have_waited_while_no_worker_runs(install):
    installation = install(clock=True, allow_destinations="127.0.0.0/8")
    org = Organization(installation, make_door(installation, "fcgi"))
    retry = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 5, "maxRetryDelayMs": 1000}
    org.api.subscribe(url=f"http://127.0.0.1:{free_port()}/", retry_policy=retry)

    def oldest():
        return org.api.get("/healthz").json["worker"]["oldest_due_seconds"]

    assert oldest() == 0
    org.api.publish()
    installation.set_clock(90_000)
    assert 90 <= oldest() < 100, "nobody has taken it over"
    installation.deliver_once()  # in vain: it is due again soon
    installation.set_clock(200_000)
    org.api.publish()
    installation.set_clock(260_000)
    assert 60 <= oldest() < 70


def test_health_is_503_when_the_store_is_unusable(install):
    installation = install()
    key = installation.data / "master.key"
    key.rename(installation.data / "away")
    door = make_door(installation, "fcgi", processes=1)
    response = Response(door.request("GET", "/healthz"))
    assert response.status == 503 and str(installation.directory) not in response.body.decode()
    (installation.data / "away").rename(key)
    eventually(lambda: Response(door.request("GET", "/healthz")).status == 200, timeout=10)


def test_the_version_is_the_programs(org, api):
    printed = org.installation.cli("--version", check=True).stdout.decode()
    assert api.get("/healthz").json["version"] in printed


@documented
def test_the_document_is_served_as_it_stands_in_docs(api):
    response = api.call("GET", "/v1/openapi.json")
    assert response.status == 200
    served = json.loads(response.body)
    assert served == json.loads(json.dumps(openapi.load()))
    assert served["openapi"].startswith("3.1.")


@documented
def test_the_document_declares_exactly_the_methods_that_the_program_knows(fcgi_org):
    for template in openapi.load()["paths"]:
        declared = {method for method, path, _ in openapi.operations() if path == template}
        target = re.sub(r"\{[^}]*\}", "0123456789abcdef01234567", template)
        headers = [("Authorization", f"Bearer {fcgi_org.key_with('manage,read,publish,operate')}")]
        response = Response(fcgi_org.door.request("BREW", target, headers))
        assert response.status == 405, f"{template} is declared, but {response}"
        known = set(response.header("Allow").replace(" ", "").split(","))
        assert known - {"HEAD"} == declared
        assert ("HEAD" in known) == ("GET" in known)


@documented
def test_every_declared_operation_but_the_open_ones_asks_for_a_key(fcgi_org):
    for method, template, operation in openapi.operations():
        target = re.sub(r"\{[^}]*\}", "0123456789abcdef01234567", template)
        security = operation.get("security", openapi.load().get("security", []))
        status = fcgi_org.door.request(method, target).status
        assert (status == 401) == bool(security and security != [{}]), f"{method} {template}: {status}"


@documented
def test_operations_have_ids_and_their_references_lead_somewhere():
    identities = [operation["operationId"] for _, _, operation in openapi.operations()]
    assert len(set(identities)) == len(identities)

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                openapi.resolve(node)
            for member in node.values():
                walk(member)
        elif isinstance(node, list):
            for element in node:
                walk(element)

    walk(openapi.load())
