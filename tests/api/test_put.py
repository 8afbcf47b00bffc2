"""PUT: the whole of a subscription is replaced, and signing is switched by it."""

import hashlib

import pytest
from api import SECRET, SUBSCRIPTION, Organization, make_door

URL = "https://hooks.example.com/in"
UNKNOWN = "0123456789abcdef01234567"
FULL = {
    "events": ["Order.Created", "Invoice.*"],
    "active": False,
    "headers": {"X-One": "1", "Authorization": "Bearer theirs"},
    "description": "all of it",
    "workspace_ids": ["w1", "w2"],
    "request_timeout_ms": 2500,
    "retry_policy": {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 3, "maxRetryDelayMs": 2000},
}
OPTIONAL = {"headers", "description", "workspace_ids", "agent_ids", "request_timeout_ms", "retry_policy"}


def body(**members):
    return {"name": "replaced", "url": URL, "enable_signed_webhooks": True, **members}


def fingerprint(secret):
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def without_secret(answer):
    return {name: value for name, value in answer.items() if name != "secret"}


def test_all_members_are_replaced_and_the_answer_is_what_is_read_afterwards(api):
    made = api.subscribe(events=["Old.Event"], description="old", agent_ids=["a1"])
    response = api.put(made["id"], body(**FULL))
    assert response.status == 200, response
    after = response.json
    assert {name: after[name] for name in FULL} == FULL
    assert (after["name"], after["url"], after["scope"]) == ("replaced", URL, "WORKSPACE")
    assert "agent_ids" not in after and "secret" not in after
    for name in ("id", "organization_id", "created_user_id", "created_at", "signing_secrets"):
        assert after[name] == made[name]
    read = api.subscription(made["id"])
    assert read.json == after and read.header("ETag") == response.header("ETag")


def test_what_is_left_out_returns_to_its_default(api):
    made = api.subscribe(**FULL)
    after = api.put(made["id"], body()).json
    assert not OPTIONAL & set(after)
    assert (after["events"], after["active"], after["scope"]) == ([], True, "ORGANIZATION")


def test_null_means_left_out(api):
    made = api.subscribe(**FULL)
    after = api.put(made["id"], body(**{name: None for name in FULL})).json
    assert not OPTIONAL & set(after) and after["events"] == [] and after["active"] is True


def test_members_missing_in_the_retry_policy_take_the_configured_defaults(api):
    made = api.subscribe(**FULL)
    after = api.put(made["id"], body(retry_policy={"maxRetryAttempts": 1})).json
    assert after["retry_policy"] == {
        "retryStrategy": "EXPONENTIAL_BACKOFF", "maxRetryAttempts": 1, "maxRetryDelayMs": 36000000,
    }  # fmt: skip


def test_read_only_members_in_the_body_are_ignored(api):
    made = api.subscribe()
    after = api.put(made["id"], body(id=UNKNOWN, secret="whsec_mine", created_at="x", signing_enabled=False)).json
    assert after["id"] == made["id"] and after["created_at"] == made["created_at"]
    assert after["signing_secrets"] == made["signing_secrets"]


def test_every_put_changes_the_etag(api):
    made = api.subscribe()
    etags = [api.subscription(made["id"]).header("ETag")]
    etags += [api.put(made["id"], body(description=str(n))).header("ETag") for n in range(4)]
    assert len(set(etags)) == 5


def test_updated_at_follows_and_created_at_stays(install):
    installation = install(clock=True)
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe()
    installation.set_clock(5000)
    after = api.put(made["id"], body()).json
    assert after["updated_at"] > made["updated_at"] == made["created_at"] == after["created_at"]
    installation.set_clock(1000)  # a clock that goes back takes no time with it
    again = api.put(made["id"], body()).json
    assert again["updated_at"] > after["updated_at"]
    assert api.patch(made["id"], {"active": False}).json["updated_at"] > again["updated_at"]


# ---- the signing lifecycle ----


def test_true_to_true_keeps_the_secrets_and_returns_none(api):
    made = api.subscribe()
    rotated = api.rotate(made["id"]).json
    before = api.subscription(made["id"]).json
    response = api.put(made["id"], body())
    assert response.status == 200 and "secret" not in response.json
    assert response.json["signing_secrets"] == before["signing_secrets"]
    assert response.json["previous_secret_expires_at"] == rotated["previous_secret_expires_at"]
    for secret in (made["secret"], rotated["secret"]):
        assert secret.encode() not in response.body


def test_unsigned_to_true_makes_a_secret_and_returns_it_once(api):
    made = api.subscribe(enable_signed_webhooks=False)
    response = api.put(made["id"], body())
    answer = response.json
    assert response.status == 200 and SECRET.fullmatch(answer["secret"]) and answer["signing_enabled"] is True
    assert [entry["fingerprint"] for entry in answer["signing_secrets"]] == [fingerprint(answer["secret"])]
    assert "previous_secret_expires_at" not in answer
    assert api.subscription(made["id"]).json == without_secret(answer)
    assert "secret" not in api.put(made["id"], body()).json


def test_true_to_false_destroys_every_secret_and_true_again_makes_a_new_one(api):
    made = api.subscribe()
    rotated = api.rotate(made["id"]).json
    off = api.put(made["id"], body(enable_signed_webhooks=False)).json
    assert off["signing_enabled"] is False
    assert not {"secret", "signing_secrets", "previous_secret_expires_at"} & set(off)
    assert api.rotate(made["id"]).status == 409 and api.revoke(made["id"]).status == 409
    on = api.put(made["id"], body()).json
    assert on["secret"] not in (made["secret"], rotated["secret"])
    assert [entry["fingerprint"] for entry in on["signing_secrets"]] == [fingerprint(on["secret"])]
    assert "previous_secret_expires_at" not in on
    assert api.rotate(made["id"]).status == 200


def test_false_to_false_has_nothing_to_return(api):
    made = api.subscribe(enable_signed_webhooks=False)
    assert "secret" not in api.put(made["id"], body(enable_signed_webhooks=False)).json


def test_what_receivers_get_follows_the_lifecycle(install, receiver):
    """Unsigned: none of the signing headers. Signed again: the new secret alone."""
    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe(url=receiver.url("/old"))
    api.publish()
    api.put(made["id"], body(url=receiver.url("/off"), enable_signed_webhooks=False, headers={"X-Mine": "yes"}))
    installation.deliver_once()
    (off,) = receiver.deliveries  # published before, sent by what the subscription is then
    assert off.path == "/off" and off.header("X-Mine") == "yes"
    for name in ("X-Webhook-Signature", "webhook-signature", "webhook-id", "webhook-timestamp"):
        assert off.header(name) is None
    on = api.put(made["id"], body(url=receiver.url("/on"))).json
    api.publish()
    installation.deliver_once()
    (delivery,) = receiver.at("/on")
    assert delivery.is_signed_by_exactly([on["secret"]]) and delivery.header("X-Mine") is None


def test_active_again_clears_the_reason_why_the_service_switched_it_off(install, receiver):
    from receiver import Answer

    installation = install(allow_destinations="127.0.0.0/8")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe(url=receiver.url("/gone"))
    receiver.script("/gone", Answer(410))
    api.publish()
    installation.deliver_once()
    gone = api.subscription(made["id"]).json
    assert gone["disabled_reason"] == "GONE" and gone["active"] is False
    assert gone["updated_at"] == made["updated_at"]
    kept = api.put(made["id"], body(url=receiver.url("/gone"), active=False)).json
    assert kept["disabled_reason"] == "GONE" and kept["active"] is False
    cleared = api.put(made["id"], body(url=receiver.url("/gone"), active=True)).json
    assert "disabled_reason" not in cleared and cleared["active"] is True


# ---- names ----


def test_a_name_that_another_has_is_a_conflict_and_changes_nothing(api):
    taken, made = api.subscribe(name="taken"), api.subscribe(name="mine")
    before = api.subscription(made["id"])
    response = api.put(made["id"], body(name="taken", description="never"))
    assert response.status == 409 and response.json["type"] == "CONFLICT"
    after = api.subscription(made["id"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")
    assert api.subscription(taken["id"]).json["name"] == "taken"


def test_the_own_name_is_no_conflict_and_the_old_one_is_free_afterwards(api):
    made = api.subscribe(name="first")
    assert api.put(made["id"], body(name="first")).status == 200
    assert api.put(made["id"], body(name="second")).status == 200
    assert api.subscribe(name="first")["id"] != made["id"]
    assert api.put(made["id"], body(name="first")).status == 409
    assert api.put(made["id"], body(name="First")).status == 200


# ---- what is refused ----


@pytest.mark.parametrize("missing", ["name", "url", "enable_signed_webhooks"])
def test_required_members_are_required_here_as_well(api, missing):
    made = api.subscribe()
    sent = {name: value for name, value in body().items() if name != missing}
    assert api.put(made["id"], sent).fields == {missing}


@pytest.mark.parametrize(
    "member, value",
    [
        ("name", " "),
        ("url", "http://127.0.0.1/"),
        ("url", "https://hooks.example.com:25/"),
        ("enable_signed_webhooks", "true"),
        ("active", 1),
        ("events", ["Order"]),
        ("events", [None]),
        ("headers", {"Host": "x"}),
        ("headers", {"X-A": "1", "x-a": "2"}),
        ("description", "d" * 1501),
        ("agent_ids", [""]),
        ("request_timeout_ms", 99),
        ("retry_policy", []),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_changes_nothing(api, member, value):
    made = api.subscribe()
    before = api.subscription(made["id"])
    response = api.put(made["id"], body(**{member: value}))
    assert response.status == 400 and {field.partition(".")[0].partition("[")[0] for field in response.fields} == {
        member
    }
    after = api.subscription(made["id"])
    assert after.json == before.json and after.header("ETag") == before.header("ETag")


def test_all_offending_members_are_named_at_once(api):
    made = api.subscribe()
    response = api.put(made["id"], {"name": "", "url": "x", "active": 5, "retry_policy": {"maxRetryAttempts": 21}})
    assert response.fields == {"name", "url", "enable_signed_webhooks", "active", "retry_policy.maxRetryAttempts"}


@pytest.mark.parametrize("content_type", ["application/merge-patch+json", "text/plain", "application/json-patch+json"])
def test_another_media_type_is_415(api, content_type):
    made = api.subscribe()
    assert api.put(made["id"], body=b"{}", content_type=content_type).status == 415


@pytest.mark.parametrize("sent", [b"", b"{", b"[]", b"null", b'{"name":"a","name":"b"}', b'"text"', b"{}{}"])
def test_what_is_no_json_object_is_400(api, sent):
    made = api.subscribe()
    assert api.put(made["id"], body=sent).status == 400
    assert api.subscription(made["id"]).json["name"] == made["name"]


@pytest.mark.parametrize("identity", [UNKNOWN, "x", UNKNOWN.upper()])
def test_put_makes_nothing_new(api, identity):
    assert api.put(identity, body()).status == 404
    assert api.get(f"{SUBSCRIPTION}/{identity}").status == 404


def test_require_https_holds_for_changes(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    made = org.api.subscribe(url="http://hooks.example.com/")
    installation.configure(require_https="on")
    api = Organization(installation, make_door(installation, "fcgi", processes=1, socket="strict.sock")).api.with_key(
        org.key
    )
    assert api.put(made["id"], body(url="http://hooks.example.com/")).fields == {"url"}
    assert api.put(made["id"], body()).status == 200
