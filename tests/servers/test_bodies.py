"""Bodies, and how they are announced, through each server: at and over the limits of program and server, with a length
and in chunks, after 100-continue, from slow clients and from such as go away."""

import contextlib
import threading
import time

import pytest
import raw_http
from api import DOORS, EVENT, SERVERS, SUBSCRIPTION, Api, Response
from doors import BODY_LIMITS, STREAMS_BODIES

MAX_BODY = 131072
JSON = "Content-Type: application/json"
UNKNOWN = "0123456789abcdef01234567"

every_door = pytest.mark.parametrize("shared", DOORS, indirect=True)
every_server = pytest.mark.parametrize("shared", list(SERVERS), indirect=True)


def event(size):
    empty = b'{"event_name":"A.b","payload":{"p":""}}'
    return empty[:-3] + b"x" * (size - len(empty)) + empty[-3:]


def post(org, body, chunked):
    headers = [("Authorization", f"Bearer {org.key}"), ("Content-Type", "application/json")]
    return Response(org.door.request("POST", EVENT, headers, body, chunked=chunked))


@every_door
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
class TestSizes:
    def test_a_body_of_the_programs_limit_is_taken(self, shared, chunked):
        assert post(shared, event(MAX_BODY), chunked).status == 202
        assert post(shared, event(40), chunked).status == 202

    def test_one_beyond_it_is_the_programs_413_up_to_the_servers_limit(self, shared, chunked):
        limit = BODY_LIMITS.get(shared.door.name, (8 << 20, None))[0]
        for size in (MAX_BODY + 1, limit):
            if size > limit or size <= MAX_BODY:
                continue
            response = post(shared, event(size), chunked)
            assert response.status == 413 and response.json["type"] == "PAYLOAD_TOO_LARGE"


@pytest.mark.parametrize("shared", BODY_LIMITS, indirect=True)
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_beyond_a_servers_own_limit_comes_its_own_answer(shared, chunked):
    limit, status = BODY_LIMITS[shared.door.name]
    response = post(shared, event(limit + 1), chunked)
    assert response.status == status and not raw_http.is_ours(response)
    assert shared.api.publish().status == 202


@every_door
def test_head_is_get_without_a_body(shared):
    made = shared.api.subscribe()
    for target in (f"{SUBSCRIPTION}/{made['id']}", f"{SUBSCRIPTION}/{UNKNOWN}", "/healthz"):
        get, head = shared.api.get(target), shared.api.head(target)
        assert head.status == get.status and head.body == b"" and head.header("ETag") == get.header("ETag")


@every_door
def test_authorization_arrives_whatever_its_spelling(shared):
    anonymous = shared.api.with_key(None)
    target = f"{SUBSCRIPTION}/{UNKNOWN}"
    for name, value, status in (
        ("Authorization", f"Bearer {shared.key}", 404),
        ("authorization", f"bearer {shared.key}", 404),
        ("AUTHORIZATION", f"BEARER {shared.key}", 404),
        ("Authorization", f"Basic {shared.key}", 401),
        ("Authorization", shared.key, 401),
        ("X-Authorization", f"Bearer {shared.key}", 401),
    ):
        assert anonymous.get(target, headers={name: value}).status == status, (name, value)
    assert anonymous.get(target).status == 401


@every_server
def test_who_waits_for_100_continue_gets_it_or_the_answer(shared):
    body = event(5000)
    with raw_http.connect(shared) as connection, connection.makefile("rb") as stream:
        connection.sendall(raw_http.head(shared, "POST", EVENT, JSON, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        assert raw_http.read_answer(stream).status == 100
        connection.sendall(body)
        assert raw_http.read_answer(stream).status == 202


@every_server
def test_one_connection_carries_many_requests(shared):
    made = shared.api.subscribe()
    with raw_http.connect(shared) as connection, connection.makefile("rb") as stream:
        for method, identity, status in (("GET", made["id"], 200), ("HEAD", made["id"], 200), ("GET", UNKNOWN, 404)) * 3:
            connection.sendall(raw_http.head(shared, method, f"{SUBSCRIPTION}/{identity}"))
            assert raw_http.read_answer(stream, method).status == status


@every_server
def test_a_body_that_ends_early_does_nothing(shared):
    body = event(3000)
    for sent in (0, 1, 1500, 2999):
        with raw_http.connect(shared) as connection:
            connection.sendall(raw_http.head(shared, "POST", EVENT, JSON, f"Content-Length: {len(body)}", "Idempotency-Key: cut"))
            connection.sendall(body[:sent])
    response = shared.api.post(EVENT, body=body, headers={"Idempotency-Key": "cut"})
    assert response.status == 202 and response.header("Idempotent-Replayed") is None


@every_server
def test_slow_clients_and_such_as_go_away_do_not_block_others(shared):
    """More of them than there are processes and request threads: a body a byte at a time, and a head that never ends."""
    body, stop = event(2000), threading.Event()
    whole = raw_http.head(shared, "POST", EVENT, JSON, f"Content-Length: {len(body)}") + body
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(raw_http.connect(shared)) for _ in range(16)]
        for number, connection in enumerate(slow):
            connection.sendall(whole[: len(whole) - 1500 if number % 2 else 40])

        def drip():
            at = len(whole) - 1500
            while not stop.wait(0.05):
                for connection in slow[1::2]:
                    with contextlib.suppress(OSError):
                        connection.sendall(whole[at : at + 1])
                at += 1

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            started = time.monotonic()
            api = Api(shared.door, shared.key)
            rounds = 0 if shared.door.name in STREAMS_BODIES else 20
            assert all(api.publish().status == 202 for _ in range(rounds))
            assert time.monotonic() - started < 10
        finally:
            stop.set()
            dripping.join()
    assert shared.api.publish().status == 202
