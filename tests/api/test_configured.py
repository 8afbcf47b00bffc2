"""What the configuration decides about subscriptions, and that they outlive the processes."""

import json

from api import Api, Organization, make_door
from fcgi_client import parse_cgi

MINIMAL = {"name": "minimal", "url": "https://hooks.example.com/in", "enable_signed_webhooks": True}


def organization_in(installation, door_name="fcgi"):
    return Organization(installation, make_door(installation, door_name))


def test_no_more_than_max_subscriptions_in_an_organization(install):
    org = organization_in(install(max_subscriptions=3))
    for _ in range(3):
        org.api.subscribe()
    response = org.api.create(**MINIMAL)
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    assert Organization(org.installation, org.door).api.create(**MINIMAL).status == 201


def test_http_urls_are_refused_where_https_is_required(install):
    api = organization_in(install(require_https="on")).api
    assert api.create(**{**MINIMAL, "url": "http://hooks.example.com/"}).fields == {"url"}
    assert api.create(**MINIMAL).status == 201


def test_allowed_destinations_are_exempt_from_the_address_check_but_not_from_the_ports(install):
    installation = install(allow_destinations="127.0.0.0/8:8080 [::1/128]", deny_ports="22 9999")
    api = organization_in(installation).api
    assert api.subscribe(url="http://127.0.0.1:8080/") and api.subscribe(url="http://[::1]/")
    for url in ["http://127.0.0.1:8081/", "http://10.0.0.1:8080/", "http://[::1]:9999/"]:
        assert api.create(**{**MINIMAL, "url": url}).fields == {"url"}


def test_configured_retry_defaults_fill_a_partial_policy(install):
    installation = install(retry_strategy="FIXED_DELAY", retry_attempts=2, retry_max_delay="5s")
    policy = organization_in(installation).api.subscribe(retry_policy={})["retry_policy"]
    assert policy == {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 2, "maxRetryDelayMs": 5000}


def test_subscriptions_outlive_the_processes(install):
    installation = install()
    org = organization_in(installation)
    made = org.api.subscribe()
    for pid in org.door.pids():
        org.door.pool.kill(pid, 15)
    assert Api(org.door, org.key).subscription(made["id"]).json["id"] == made["id"]


def test_plain_cgi_answers_in_our_form_when_its_configuration_is_wrong(install):
    """A web server would make an empty page of it; the cause is the operator's business, under the same trace id."""
    installation = install()
    installation.configure(secret_grace="soon")
    variables = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/hooks", "PATH_INFO": "/v1/whoami", "REQUEST_URI": "/hooks/v1/whoami"}
    done = installation.run_program(installation.fcgi, env=variables)
    raw = parse_cgi(done.stdout)
    body = json.loads(raw.body)
    assert raw.status == 500 and body["type"] == "INTERNAL_ERROR" and body["path"] == "/hooks/v1/whoami"
    complaint = done.stderr.decode()
    assert f"{installation.conf_path}:" in complaint and "secret_grace" in complaint and body["trace_id"] in complaint
    assert "soon" not in raw.body.decode()
