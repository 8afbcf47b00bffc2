"""Who may do what: API keys, their scopes, and that they are asked for before anything else."""

import uuid

import pytest
from api import EVENT, SUBSCRIPTION, Api, Organization, Response, make_door
from harness import eventually

UNKNOWN = "0123456789abcdef01234567"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
def test_the_scheme_is_case_insensitive(org, api, scheme):
    response = api.with_key(None).get(f"{SUBSCRIPTION}/{UNKNOWN}", headers={"Authorization": f"{scheme} {org.key}"})
    assert response.status == 404


def wrong_values(key):
    other = "A" if key[-1] != "A" else "B"
    return [
        "", "Bearer", "Bearer ", f"Basic {key}", key, f"Bearer{key}", f"Bearer {key[:-1]}", f"Bearer {key}x",
        f"Bearer {key[:-1]}{other}", f"Bearer {key.upper()}", f"Bearer hk_{'A' * 43}", f"Bearer {key} {key}",
        f"Bearer \"{key}\"", "Bearer " + "x" * 4000, "Bearer hk_" + "\u00fc" * 20, f"Token {key}",
    ]  # fmt: skip


def test_any_other_authorization_is_refused(org, api):
    anonymous = api.with_key(None)
    for value in wrong_values(org.key):
        response = anonymous.get(f"{SUBSCRIPTION}/{UNKNOWN}", headers={"Authorization": value.encode().decode("latin-1")})
        assert response.status == 401, value
    assert anonymous.get(f"{SUBSCRIPTION}/{UNKNOWN}").status == 401


@pytest.mark.parametrize(
    "method, target, body, content_type",
    [
        ("GET", "/v1", None, None),
        ("GET", "/v1/", None, None),
        ("GET", "/v1/no/such/path", None, None),
        ("DELETE", EVENT, None, None),
        ("POST", EVENT, b"{ broken", "application/json"),
        ("POST", EVENT, b"x", "text/plain"),
        ("POST", EVENT, b"x" * 131073, "application/json"),
        ("POST", SUBSCRIPTION, b"{}", "application/json"),
        ("GET", f"{SUBSCRIPTION}/{UNKNOWN}", None, None),
        ("HEAD", f"{SUBSCRIPTION}/{UNKNOWN}", None, None),
        ("POST", f"{SUBSCRIPTION}/{UNKNOWN}/rotate/secret", None, None),
        ("GET", "/metrics", None, None),
    ],
)
def test_the_key_is_asked_for_before_anything_else(api, method, target, body, content_type):
    response = api.with_key(None).call(method, target, body=body, content_type=content_type)
    assert response.status == 401


@pytest.mark.parametrize("target", ["/v1/no/such/path", "/v1", "/v1/", "/v1/public/webhook", "/v1/public/webhook/events/x"])
def test_with_a_key_an_unknown_path_is_404(api, target):
    assert api.get(target).status == 404


def test_health_and_the_openapi_document_need_no_key(api):
    for target in ["/healthz", "/v1/openapi.json"]:
        for key in [None, "nonsense"]:
            assert api.with_key(key).get(target).status == 200


def test_each_scope_opens_its_operations_and_no_others(org, api):
    made = api.subscribe()
    operations = {
        "create": lambda api: api.create(name=str(uuid.uuid4()), url="https://a.example/", enable_signed_webhooks=False),
        "get": lambda api: api.subscription(made["id"]),
        "rotate": lambda api: api.rotate(made["id"]),
        "publish": lambda api: api.publish(),
    }
    allowed = {
        "manage": {"create", "get", "rotate"},
        "read": {"get"},
        "publish": {"publish"},
        "operate": set(),
        "read,publish": {"get", "publish"},
        "publish,manage": {"create", "get", "rotate", "publish"},
    }
    for scope, expected in allowed.items():
        limited = org.api_with(scope)
        answers = {name: call(limited).status for name, call in operations.items()}
        assert {name for name, status in answers.items() if status < 300} == expected, scope
        assert all(status == 403 for name, status in answers.items() if name not in expected), scope


def test_a_key_without_the_scope_learns_nothing_of_what_exists(org, api):
    made = api.subscribe()
    limited = org.api_with("publish")
    assert limited.subscription(made["id"]).status == limited.subscription(UNKNOWN).status == 403


def test_a_revoked_key_ends_at_once_in_every_process(org, api):
    key = org.key_with("read", name="to-revoke")
    limited = api.with_key(key)
    target = f"{SUBSCRIPTION}/{UNKNOWN}"
    assert {limited.get(target).status for _ in range(8)} == {404}
    mine = [entry for entry in org.installation.list_keys() if entry["organization_id"] == org.id]
    identity = next(entry["id"] for entry in mine if entry.get("name") == "to-revoke")
    org.installation.cli("key", "revoke", identity, check=True)
    assert {limited.get(target).status for _ in range(8)} == {401}
    assert api.get(target).status == 404


def test_an_expired_key_is_refused(install):
    installation = install(clock=True)
    org = Organization(installation, make_door(installation, "fcgi"))
    short, long = org.key_with("read", expires="1h"), org.key_with("read", expires="2h")
    target = f"{SUBSCRIPTION}/{UNKNOWN}"
    assert Api(org.door, short).get(target).status == 404
    installation.set_clock(3_700_000)
    assert Api(org.door, short).get(target).status == 401
    assert Api(org.door, long).get(target).status == 404


def test_a_key_made_while_the_service_runs_works_at_once(org):
    assert org.api_with("read").get(f"{SUBSCRIPTION}/{UNKNOWN}").status == 404


def test_the_rewritten_header_of_apache_is_read_as_well(fcgi_org):
    door = fcgi_org.door
    params = door.params("GET", f"{SUBSCRIPTION}/{UNKNOWN}")
    params["REDIRECT_HTTP_AUTHORIZATION"] = f"Bearer {fcgi_org.key}"
    assert door.pool.request(params).status == 404
    params["REDIRECT_HTTP_AUTHORIZATION"] = "Bearer hk_wrong"
    assert door.pool.request(params).status == 401


def test_the_creating_user_and_organization_are_the_keys(org):
    key = org.key_with("manage", user="somebody@example.com")
    made = Api(org.door, key).subscribe()
    assert made["created_user_id"] == "somebody@example.com" and made["organization_id"] == org.id


def test_a_refusal_does_not_say_why(org, api):
    """Unknown, malformed and revoked keys get the same answer but for the trace id."""
    bodies = set()
    for value in ["Bearer x", f"Bearer hk_{'A' * 43}", "Basic x"]:
        response = api.with_key(None).get("/v1/x", headers={"Authorization": value})
        bodies.add(response.body.replace(response.header("X-Trace-Id").encode(), b"-"))
    assert len(bodies) == 1


def test_a_stalled_client_without_a_key_does_not_hold_up_others(fcgi_org):
    from fcgi_client import BEGIN_REQUEST, PARAMS, connect, encode_params, record, stream

    door = fcgi_org.door
    stalled = []
    for _ in range(4):
        connection = connect(door.pool.address)
        params = {**door.params("POST", EVENT), "CONTENT_LENGTH": "100"}
        connection.sendall(record(BEGIN_REQUEST, b"\0\1\0\0\0\0\0\0") + stream(PARAMS, encode_params(params)))
        stalled.append(connection)
    assert eventually(lambda: Response(door.request("GET", "/healthz")).status == 200, timeout=10)
    for connection in stalled:
        connection.close()
