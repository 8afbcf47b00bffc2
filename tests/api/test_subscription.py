"""Subscriptions: made and read. Sections 1 to 3 of the manual, through every door."""

import hashlib
import time
import unicodedata
from datetime import datetime

import pytest
from api import OBJECT_ID, SECRET, SUBSCRIPTION, TIME, Organization

URL = "https://hooks.example.com/in"
MINIMAL = {"name": "minimal", "url": URL, "enable_signed_webhooks": True}
ALWAYS = {
    "id", "organization_id", "scope", "created_user_id", "name", "url", "events", "active", "signing_enabled",
    "created_at", "updated_at",
}  # fmt: skip
UNKNOWN = "0123456789abcdef01234567"


def milliseconds(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000 + 0.5)


def test_a_signed_one_is_answered_with_its_secret_and_every_member_that_is_set(org, api):
    before = int(time.time() * 1000)
    response = api.create(**MINIMAL)
    after = int(time.time() * 1000)
    assert response.status == 201
    made = response.json
    assert set(made) == ALWAYS | {"secret", "signing_secrets"}
    assert OBJECT_ID.fullmatch(made["id"])
    assert made["organization_id"] == org.id and made["created_user_id"] == "tester"
    assert (made["name"], made["url"], made["events"]) == ("minimal", URL, [])
    assert made["scope"] == "ORGANIZATION" and made["active"] is True and made["signing_enabled"] is True
    assert SECRET.fullmatch(made["secret"])
    fingerprint = hashlib.sha256(made["secret"].encode()).hexdigest()[:12]
    assert made["signing_secrets"] == [{"fingerprint": fingerprint, "created_at": made["created_at"]}]
    assert made["created_at"] == made["updated_at"] and TIME.fullmatch(made["created_at"])
    assert before <= milliseconds(made["created_at"]) <= after
    assert response.header("Location") == f"{SUBSCRIPTION}/{made['id']}"
    assert response.header("ETag")


def test_reading_gives_the_same_but_never_the_secret(api):
    created = api.create(**MINIMAL)
    secret = created.json["secret"]
    read = api.subscription(created.json["id"])
    assert read.status == 200
    assert read.json == {name: value for name, value in created.json.items() if name != "secret"}
    assert read.header("ETag") == created.header("ETag")
    assert secret.encode() not in read.body


def test_an_unsigned_one_has_no_secret_at_all(api):
    created = api.create(**{**MINIMAL, "enable_signed_webhooks": False})
    assert created.status == 201 and set(created.json) == ALWAYS
    assert created.json["signing_enabled"] is False
    assert api.subscription(created.json["id"]).json == created.json


def test_secrets_are_different_for_each(api):
    assert len({api.subscribe()["secret"] for _ in range(8)}) == 8


def test_all_members_come_back_as_they_were_given(api):
    given = {
        "name": "everything \u00fc \U0001f600",
        "url": "http://hooks.example.com:8080/in?x=%20&y=1",
        "active": False,
        "events": ["Order.Created", "Invoice.*", "Webhook.DeliveryFailed"],
        "headers": {"X-One": "a b", "Authorization": "Bearer their-own"},
        "description": "d" * 1500,
        "workspace_ids": ["w1", "w 2"],
        "request_timeout_ms": 100,
        "retry_policy": {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 20, "maxRetryDelayMs": 86400000},
    }
    created = api.create(**given, enable_signed_webhooks=False)
    assert created.status == 201, created
    read = api.subscription(created.json["id"]).json
    assert {name: read[name] for name in given} == given
    assert read["scope"] == "WORKSPACE"
    assert set(read) == ALWAYS | set(given)


def test_agent_ids_make_the_scope_agent(api):
    assert api.subscribe(agent_ids=["a1"])["scope"] == "AGENT"
    assert api.subscribe(agent_ids=[], workspace_ids=[])["scope"] == "ORGANIZATION"


def test_a_partial_retry_policy_takes_the_configured_defaults(api):
    policy = api.subscribe(retry_policy={"maxRetryAttempts": 0})["retry_policy"]
    assert policy == {"retryStrategy": "EXPONENTIAL_BACKOFF", "maxRetryAttempts": 0, "maxRetryDelayMs": 36000000}


def test_ids_are_ordered_by_creation(api):
    ids = [api.subscribe()["id"] for _ in range(12)]
    assert ids == sorted(ids) and len(set(ids)) == 12


def test_unknown_members_are_ignored(api):
    made = api.subscribe(no_such_member={"a": [1, {"b": None}]}, secret="whsec_mine", id=UNKNOWN)
    assert made["id"] != UNKNOWN and made["secret"] != "whsec_mine" and "no_such_member" not in made


# ---- names ----


def test_a_name_is_taken_within_its_organization_alone(shared_door, api):
    first = api.create(**MINIMAL).json
    again = api.create(**{**MINIMAL, "url": "https://other.example.com/"})
    assert again.status == 409 and again.json["type"] == "CONFLICT"
    assert api.subscription(first["id"]).json["url"] == URL
    assert Organization(*shared_door).api.create(**MINIMAL).status == 201


def test_names_are_compared_by_exact_code_points(api):
    composed = unicodedata.normalize("NFC", "e\u0301")
    for name in ["a", "A", "a ", " a", composed, unicodedata.normalize("NFD", composed)]:
        assert api.subscribe(name=name)["name"] == name


def test_a_name_has_up_to_255_characters_whatever_their_bytes(api):
    for character in ["n", "\u00e9", "\U0001f600"]:
        assert api.subscribe(name=character * 255)["name"] == character * 255
        assert api.create(**{**MINIMAL, "name": character * 256}).fields == {"name"}


# ---- what is refused: one member at a time ----

REFUSED = [
    ("name", ""),
    ("name", "   "),
    ("name", "\u3000\u00a0\t"),
    ("name", 5),
    ("name", ["n"]),
    ("name", None),
    ("name", "nul \x00 inside"),
    ("url", None),
    ("url", 7),
    ("url", ""),
    ("url", "hooks.example.com"),
    ("url", "ftp://hooks.example.com/"),
    ("url", "httpx://hooks.example.com/"),
    ("url", "javascript:alert(1)"),
    ("url", "https://"),
    ("url", "https:///path"),
    ("url", "https://user@hooks.example.com/"),
    ("url", "https://user:password@hooks.example.com/"),
    ("url", "https://hooks.example.com/#fragment"),
    ("url", "https://hooks.example.com/a b"),
    ("url", "https://hooks.example.com/a\\b"),
    ("url", "https://hooks.example.com\\@evil.example.net/"),
    ("url", "https://hooks.example.com/\u00fc"),
    ("url", "https://h\u00f6\u00f6ks.example.com/"),
    ("url", "https://hooks.example.com/\r\nX: y"),
    ("url", "https://hooks.example.com/\t"),
    ("url", " https://hooks.example.com/"),
    ("url", "https://hooks_example.com/"),
    ("url", "https://hooks.example.com:0/"),
    ("url", "https://hooks.example.com:65536/"),
    ("url", "https://hooks.example.com:80x/"),
    ("url", "https://[::1/"),
    ("url", "https://[fe80::1%25eth0]/"),
    ("url", "https://hooks.example.com/" + "x" * 2048),
    ("enable_signed_webhooks", None),
    ("enable_signed_webhooks", "true"),
    ("enable_signed_webhooks", 1),
    ("active", "yes"),
    ("active", 0),
    ("events", "Order.Created"),
    ("events", {}),
    ("events", ["Order"]),
    ("events", ["Order."]),
    ("events", [".Created"]),
    ("events", ["*.Created"]),
    ("events", ["Order.Created.Twice"]),
    ("events", ["Order.Cre*"]),
    ("events", ["Order Created"]),
    ("events", [""]),
    ("events", [5]),
    ("events", [None]),
    ("events", ["Order.Created", None]),
    ("events", ["A." + "b" * 127]),
    ("events", [f"A.e{n}" for n in range(501)]),
    ("headers", ["X-A: b"]),
    ("headers", {"X-A": 5}),
    ("headers", {"": "empty"}),
    ("headers", {"X A": "space"}),
    ("headers", {"X:A": "colon"}),
    ("headers", {"X-\u00dc": "umlaut"}),
    ("headers", {"X-A": "line\r\nX-B: c"}),
    ("headers", {"X-A": "tab\there"}),
    ("headers", {"X-A": "\u00fcmlaut"}),
    ("headers", {"X-A": "1", "x-a": "2"}),
    ("headers", {f"X-{n}": "v" for n in range(51)}),
    ("headers", {"X-Long": "v" * 8192}),
    ("description", 5),
    ("description", "d" * 1501),
    ("agent_ids", "a"),
    ("agent_ids", [""]),
    ("agent_ids", ["  "]),
    ("agent_ids", [7]),
    ("agent_ids", [None]),
    ("agent_ids", [f"a{n}" for n in range(501)]),
    ("workspace_ids", [[]]),
    ("workspace_ids", [f"w{n}" for n in range(501)]),
    ("request_timeout_ms", 99),
    ("request_timeout_ms", 60001),
    ("request_timeout_ms", "1000"),
    ("request_timeout_ms", 1000.5),
    ("request_timeout_ms", -1),
    ("request_timeout_ms", 1e30),
    ("request_timeout_ms", True),
    ("retry_policy", []),
    ("retry_policy", "FIXED_DELAY"),
] + [
    ("headers", {name: "v"})
    for name in (
        "Host", "content-type", "Content-Anything", "Transfer-Encoding", "CONNECTION", "Keep-Alive", "Expect", "TE",
        "Trailer", "Upgrade", "Proxy-Authorization", "proxy-x", "User-Agent", "X-Webhook-Mine", "x-webhook-signature",
        "Webhook-Id", "webhook-signature",
    )
]  # fmt: skip


@pytest.mark.parametrize("member, value", REFUSED, ids=lambda value: str(value)[:40].encode("unicode_escape").decode())
def test_a_wrong_value_is_refused_with_its_member_named(api, member, value):
    response = api.create(**{**MINIMAL, member: value})
    assert response.status == 400 and response.json["type"] == "VALIDATION_ERROR", response
    fields = {field.partition(".")[0].partition("[")[0] for field in response.fields}
    assert fields == {member}
    # Nothing was made: the name is still free.
    assert api.create(**MINIMAL).status == 201


@pytest.mark.parametrize("missing", ["name", "url", "enable_signed_webhooks"])
def test_a_required_member_that_is_missing_is_named(api, missing):
    body = {name: value for name, value in MINIMAL.items() if name != missing}
    assert api.create(**body).fields == {missing}


@pytest.mark.parametrize(
    "member, value",
    [
        ("retryStrategy", "LINEAR"),
        ("retryStrategy", "fixed_delay"),
        ("retryStrategy", 1),
        ("maxRetryAttempts", -1),
        ("maxRetryAttempts", 21),
        ("maxRetryAttempts", "8"),
        ("maxRetryAttempts", 1.5),
        ("maxRetryDelayMs", 999),
        ("maxRetryDelayMs", 86400001),
    ],
)
def test_nested_members_are_named_with_a_dot(api, member, value):
    response = api.create(**MINIMAL, retry_policy={member: value})
    assert response.status == 400 and response.fields == {f"retry_policy.{member}"}


def test_all_offending_members_are_named_at_once(api):
    response = api.create(
        name=" ",
        url="ftp://x",
        active="no",
        events=["nope"],
        headers={"Host": "x"},
        description="d" * 1501,
        request_timeout_ms=1,
        retry_policy={"retryStrategy": "X", "maxRetryAttempts": 21, "maxRetryDelayMs": 1},
        agent_ids=[""],
    )
    assert response.status == 400
    whole = {field if field.startswith("retry_policy") else field.partition(".")[0].partition("[")[0]
             for field in response.fields}  # fmt: skip
    assert whole == {
        "name", "url", "enable_signed_webhooks", "active", "events", "headers", "description", "request_timeout_ms",
        "retry_policy.retryStrategy", "retry_policy.maxRetryAttempts", "retry_policy.maxRetryDelayMs", "agent_ids",
    }  # fmt: skip


def test_agents_and_workspaces_at_once_are_refused(api):
    response = api.create(**MINIMAL, agent_ids=["a"], workspace_ids=["w"])
    assert response.status == 400 and response.fields <= {"agent_ids", "workspace_ids"} and response.fields


def test_null_means_left_out_at_any_depth(api):
    made = api.subscribe(
        description=None,
        headers=None,
        events=None,
        active=None,
        agent_ids=None,
        request_timeout_ms=None,
        retry_policy={"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": None, "maxRetryDelayMs": None},
    )
    assert made["active"] is True and made["events"] == []
    assert made["retry_policy"] == {
        "retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 8, "maxRetryDelayMs": 36000000,
    }  # fmt: skip
    assert not {"description", "headers", "agent_ids", "request_timeout_ms"} & set(made)
    assert "X-Gone" not in api.subscribe(headers={"X-Gone": None, "X-Kept": "v"})["headers"]


ALLOWED_URLS = [
    "http://hooks.example.com",
    "https://hooks.example.com:443/",
    "https://Hooks.Example.COM/In?a=b&c=%23",
    "https://hooks.example.com./",
    "https://localhost/checked-when-it-is-sent",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]:8443/x",
    "https://xn--hks-snaa.example.com/",
    "https://hooks.example.com/" + "x" * (2048 - len("https://hooks.example.com/")),
]


@pytest.mark.parametrize("url", ALLOWED_URLS, ids=lambda url: url[:50])
def test_an_allowed_url_is_kept_as_given(api, url):
    assert api.subscribe(url=url)["url"] == url


SPECIAL_HOSTS = [
    "127.0.0.1", "127.1", "127.0.0.1.", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "0.0.0.0",
    "0", "10.1.2.3", "100.64.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "192.0.0.1", "192.0.2.1",
    "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "[::]",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:a00:1]", "[fe80::1]", "[fc00::1]", "[fd12::1]", "[ff02::1]",
    "[2001:db8::1]", "[2002:7f00:1::]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "[2001::1]", "[100::1]",
]  # fmt: skip


@pytest.mark.parametrize("host", SPECIAL_HOSTS)
def test_a_literal_special_address_is_refused_however_it_is_spelt(api, host):
    response = api.create(**{**MINIMAL, "url": f"http://{host}/"})
    assert response.status == 400 and response.fields == {"url"}


@pytest.mark.parametrize("port", [22, 25, 465, 587, 3306, 5432, 6379, 11211])
def test_a_denied_port_is_refused(api, port):
    assert api.create(**{**MINIMAL, "url": f"https://hooks.example.com:{port}/"}).fields == {"url"}


def test_500_filters_and_50_headers_are_allowed(api):
    events = [f"Service_{n}.Event" for n in range(500)]
    headers = {f"X-{n}": "v" for n in range(50)}
    made = api.subscribe(events=events, headers=headers)
    assert made["events"] == events and made["headers"] == headers


def test_header_values_are_hidden_from_read_keys(org, api):
    made = api.subscribe(headers={"Authorization": "Bearer their-own", "X-Two": "2"})
    read = org.api_with("read").subscription(made["id"])
    assert read.json["headers"] == {"Authorization": "[hidden]", "X-Two": "[hidden]"}
    assert b"their-own" not in read.body
    assert org.api_with("manage").subscription(made["id"]).json["headers"] == made["headers"]


# ---- what does not exist ----


@pytest.mark.parametrize("identity", [UNKNOWN, "x", "0123456789abcdef0123456", UNKNOWN + "0", UNKNOWN.upper(), "%20", "-"])
def test_what_is_no_id_of_ours_does_not_exist(api, identity):
    assert api.subscription(identity).status == 404
    assert api.rotate(identity).status == 404


def test_another_organizations_subscription_does_not_exist(shared_door, api):
    made = api.subscribe()
    other = Organization(*shared_door).api
    assert other.subscription(made["id"]).status == 404
    assert other.rotate(made["id"]).status == 404
    assert len(api.subscription(made["id"]).json["signing_secrets"]) == 1
