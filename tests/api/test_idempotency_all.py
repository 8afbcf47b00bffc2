"""Idempotency-Key on every POST, PUT and PATCH, and that replays die with the secrets they hold."""

import uuid

import pytest
from api import DELIVERY, EVENT, EVENTS, SUBSCRIPTION, WHOAMI, Organization, make_door

HOUR_MS = 3600 * 1000


def body(**members):
    return {"name": str(uuid.uuid4()), "url": "https://a.example/", "enable_signed_webhooks": True, **members}


def with_key(key=None):
    return {"Idempotency-Key": key or str(uuid.uuid4())}


def assert_replay_of(first, again):
    assert again.status == first.status and again.body == first.body, again
    for name in ("Location", "ETag", "Content-Type"):
        assert again.header(name) == first.header(name)
    assert again.header("Idempotent-Replayed") == "true" and first.header("Idempotent-Replayed") is None
    assert again.header("X-Trace-Id") != first.header("X-Trace-Id")


def assert_destroyed(response, *secrets):
    assert response.status == 409 and response.json["type"] == "CONFLICT", response
    assert response.header("Idempotent-Replayed") is None and b"whsec_" not in response.body
    assert not any(secret.encode() in response.body for secret in secrets)


def event(name="A.b"):
    return {"event_name": name, "payload": {"n": 1}}


# operation: (method, path, a body, another one or None where none is taken)
OPERATIONS = {
    "create": ("POST", SUBSCRIPTION, body, body),
    "put": ("PUT", SUBSCRIPTION + "/{id}", body, body),
    "patch": ("PATCH", SUBSCRIPTION + "/{id}", lambda: {"description": "one"}, lambda: {"description": "two"}),
    "patch that changes nothing": ("PATCH", SUBSCRIPTION + "/{id}", lambda: {}, lambda: {"description": "two"}),
    "rotate": ("POST", SUBSCRIPTION + "/{id}/rotate/secret", None, None),
    "revoke": ("POST", SUBSCRIPTION + "/{id}/revoke/secret", None, None),
    "test": ("POST", SUBSCRIPTION + "/{id}/test", None, None),
    "recover": (
        "POST",
        SUBSCRIPTION + "/{id}/recover",
        lambda: {"since": "2026-01-01T00:00:00Z"},
        lambda: {"since": "2026-01-02T00:00:00Z"},
    ),
    "retry": ("POST", DELIVERY + "/{id}{event}/retry", None, None),
    "cancel": ("POST", DELIVERY + "/{id}{event}/cancel", None, None),
    "probe": ("POST", SUBSCRIPTION + "/{id}/probe/secret", None, None),
    "publish": ("POST", EVENT, event, lambda: event("A.c")),
    "publish batch": ("POST", EVENTS, lambda: [event(), event()], lambda: [event()]),
}


@pytest.fixture(params=OPERATIONS)
def operation(request, api):
    method, path, make, other = OPERATIONS[request.param]
    made = api.subscribe()
    api.rotate(made["id"])
    path = path.replace("{id}", made["id"]).replace("{event}", api.publish().json["event_id"])

    class Operation:
        name, identity, takes_body = request.param, made["id"], make is not None
        first_body, other_body = make and make(), other and other()

        def call(self, headers, sent=None, client=api):
            return client.call(method, path, self.first_body if sent is None else sent, headers=headers)

    return Operation()


def test_a_repeat_is_the_first_answer_byte_for_byte(operation):
    headers = with_key()
    first = operation.call(headers)
    assert 200 <= first.status < 300, first
    for _ in range(3):
        assert_replay_of(first, operation.call(headers))


def test_a_repeat_does_nothing(api, operation):
    headers = with_key()
    operation.call(headers)
    before, published = api.subscription(operation.identity), api.publish().json["delivery_count"]
    operation.call(headers)
    after = api.subscription(operation.identity)
    assert after.json == before.json and after.header("ETag") == before.header("ETag")
    assert api.publish().json["delivery_count"] == published


def test_another_body_is_a_conflict_where_one_is_taken(api, operation):
    headers = with_key()
    first = operation.call(headers)
    if not operation.takes_body:
        assert_replay_of(first, operation.call(headers, {"ignored": True}))
        return
    before = api.subscription(operation.identity)
    other = operation.call(headers, operation.other_body)
    assert other.status == 409 and other.json["type"] == "CONFLICT"
    assert api.subscription(operation.identity).json == before.json
    assert_replay_of(first, operation.call(headers))


def test_a_repeat_needs_the_scope(org, operation):
    headers = with_key()
    assert operation.call(headers).status < 300
    assert operation.call(headers, client=org.api_with("read")).status == 403


def test_another_organization_gets_nothing_of_it(shared_door, operation):
    headers = with_key()
    first = operation.call(headers)
    other = operation.call(headers, client=Organization(*shared_door).api)
    assert other.header("Idempotent-Replayed") is None and other.body != first.body
    if operation.name not in ("create", "publish", "publish batch"):
        assert other.status == 404


@pytest.mark.parametrize("key", ["k" * 256, "tab\there"])
def test_an_invalid_key_is_400_and_nothing_is_done(api, operation, key):
    before = api.subscription(operation.identity)
    assert operation.call(with_key(key)).status == 400
    after = api.subscription(operation.identity)
    assert after.json == before.json and after.header("ETag") == before.header("ETag")


def test_after_24_hours_the_key_is_free(install):
    installation = install(clock=True)
    api = Organization(installation, make_door(installation, "fcgi")).api
    made, headers = api.subscribe(), with_key()
    sent = body()
    first = api.put(made["id"], sent, headers=headers)
    batch = api.publish_batch([event()], headers=headers)
    installation.set_clock(24 * HOUR_MS - 60_000)
    assert_replay_of(first, api.put(made["id"], sent, headers=headers))
    assert_replay_of(batch, api.publish_batch([event()], headers=headers))
    installation.set_clock(24 * HOUR_MS + 60_000)
    assert api.put(made["id"], body(), headers=headers).header("Idempotent-Replayed") is None
    assert api.publish_batch([event("A.c")], headers=headers).status == 202


def test_errors_are_not_kept(api):
    taken, made = api.subscribe(), api.subscribe()
    for call in (api.put, api.patch):
        headers = with_key()
        assert call(made["id"], body(name=taken["name"]), headers=headers).status == 409
        assert call(made["id"], body(url="x"), headers=headers).status == 400
        done = call(made["id"], body(), headers=headers)
        assert done.status == 200 and done.header("Idempotent-Replayed") is None
    headers = with_key()
    assert api.publish_batch([event("bad")], headers=headers).status == 400
    assert api.publish_batch([event()], headers=headers).status == 202


def test_a_key_means_nothing_on_get_and_delete(api):
    made, headers = api.subscribe(), with_key()
    assert api.get(WHOAMI, headers=headers).header("Idempotent-Replayed") is None
    assert api.page(1, headers=headers).header("Idempotent-Replayed") is None
    assert api.delete(made["id"], headers=headers).status == 204
    again = api.delete(made["id"], headers=headers)
    assert again.status == 404 and again.header("Idempotent-Replayed") is None


def test_a_put_that_turned_signing_on_can_be_repeated_for_its_secret(api):
    made, headers, sent = api.subscribe(enable_signed_webhooks=False), with_key(), body()
    first = api.put(made["id"], sent, headers=headers)
    assert first.json["secret"]
    assert_replay_of(first, api.put(made["id"], sent, headers=headers))
    headers = with_key()
    api.patch(made["id"], {"enable_signed_webhooks": False})
    first = api.patch(made["id"], {"enable_signed_webhooks": True}, headers=headers)
    assert first.json["secret"]
    assert_replay_of(first, api.patch(made["id"], {"enable_signed_webhooks": True}, headers=headers))


# ---- replays die with the secrets they hold ----


class Issued:
    """A subscription whose three secrets were issued by answers with keys: creation, two rotations."""

    def __init__(self, api):
        self.api, self.sent = api, body()
        self.keys = [with_key() for _ in range(3)]
        self.creation = api.post(SUBSCRIPTION, self.sent, headers=self.keys[0])
        self.id = self.creation.json["id"]
        self.rotations = [api.rotate(self.id, headers=headers) for headers in self.keys[1:]]
        self.answers = [self.creation, *self.rotations]
        self.secrets = [answer.json["secret"] for answer in self.answers]

    def repeats(self):
        return [
            self.api.post(SUBSCRIPTION, self.sent, headers=self.keys[0]),
            *(self.api.rotate(self.id, headers=headers) for headers in self.keys[1:]),
        ]

    def assert_all_replayed(self):
        for first, again in zip(self.answers, self.repeats()):
            assert_replay_of(first, again)

    def assert_all_destroyed(self):
        for again in self.repeats():
            assert_destroyed(again, *self.secrets)


def test_as_long_as_all_secrets_are_valid_all_can_be_repeated(api):
    issued = Issued(api)
    api.patch(issued.id, {"description": "d"})
    api.put(issued.id, body())
    issued.assert_all_replayed()


@pytest.mark.parametrize("how", ["put", "patch", "delete"])
def test_turning_signing_off_and_deleting_destroy_all_of_them(api, how):
    issued, other = Issued(api), Issued(api)
    if how == "put":
        assert api.put(issued.id, body(enable_signed_webhooks=False)).status == 200
    elif how == "patch":
        assert api.patch(issued.id, {"enable_signed_webhooks": False}).status == 200
    else:
        assert api.delete(issued.id).status == 204
    issued.assert_all_destroyed()
    other.assert_all_replayed()
    if how != "delete":
        api.patch(issued.id, {"enable_signed_webhooks": True})
        issued.assert_all_destroyed()
        assert len(api.subscription(issued.id).json["signing_secrets"]) == 1


@pytest.mark.parametrize("call", ["put", "patch"])
def test_so_it_is_with_the_secret_that_put_or_patch_issued(api, call):
    made, headers = api.subscribe(enable_signed_webhooks=False), with_key()
    sent = body() if call == "put" else {"enable_signed_webhooks": True}
    first = getattr(api, call)(made["id"], sent, headers=headers)
    api.patch(made["id"], {"enable_signed_webhooks": False})
    assert_destroyed(getattr(api, call)(made["id"], sent, headers=headers), first.json["secret"])
    assert api.subscription(made["id"]).json["signing_enabled"] is False


def test_revoking_destroys_those_of_previous_secrets_alone(api):
    issued = Issued(api)
    headers = with_key()
    revoked = api.revoke(issued.id, headers=headers)
    assert revoked.json == {"revoked": 2}
    creation, first, second = issued.repeats()
    assert_destroyed(creation, issued.secrets[0])
    assert_destroyed(first, issued.secrets[1])
    assert_replay_of(issued.rotations[1], second)
    assert_replay_of(revoked, api.revoke(issued.id, headers=headers))


def test_the_end_of_a_window_destroys_those_of_its_secret(install):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi")).api
    made, headers, sent = api.subscribe(enable_signed_webhooks=False), with_key(), body()
    first = api.put(made["id"], sent, headers=headers)
    rotated = api.rotate(made["id"], headers=with_key("second"))
    installation.set_clock(540_000)
    assert_replay_of(first, api.put(made["id"], sent, headers=headers))
    installation.set_clock(660_000)
    assert_destroyed(api.put(made["id"], sent, headers=headers), first.json["secret"])
    assert_replay_of(rotated, api.rotate(made["id"], headers=with_key("second")))


def test_answers_without_a_secret_outlive_all_that(api):
    made = api.subscribe()
    kept = [
        (headers := with_key(), api.patch(made["id"], {"description": "d"}, headers=headers), {"description": "d"}),
        (headers := with_key(), api.patch(made["id"], {"name": "n"}, headers=headers), {"name": "n"}),
    ]
    api.patch(made["id"], {"enable_signed_webhooks": False})
    for headers, first, sent in kept:
        assert_replay_of(first, api.patch(made["id"], sent, headers=headers))


def test_a_destroyed_replay_stays_a_conflict_in_every_process(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    other = Organization(installation, make_door(installation, "fcgi", processes=1, socket="other.sock")).api.with_key(
        org.key
    )
    issued = Issued(org.api)
    issued.assert_all_replayed()
    assert other.put(issued.id, body(enable_signed_webhooks=False)).status == 200
    issued.assert_all_destroyed()
    for pid in org.door.pids():
        org.door.pool.kill(pid, 15)
    issued.assert_all_destroyed()


def test_no_secret_stands_in_clear_in_the_store(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    issued = Issued(org.api)
    issued.assert_all_replayed()
    for path in installation.data.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(secret.encode() in content for secret in issued.secrets), path.name
