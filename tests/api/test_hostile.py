"""Clients that lie, stall, flood or go away: each gets an orderly answer or none, and nobody else notices."""

import json
import socket
import threading
import time
import uuid

import pytest
from api import EVENT, EVENTS, SUBSCRIPTION, SUBSCRIPTIONS, Organization, Response, check_answer, make_door
from fcgi_client import BEGIN_REQUEST, PARAMS, STDIN, connect, encode_params, parse_cgi, read_answer, record

UNKNOWN = "0123456789abcdef01234567"
BEGIN = record(BEGIN_REQUEST, b"\0\1\0\0\0\0\0\0")


@pytest.fixture(scope="module")
def behind():
    """An organization behind lighttpd, with its port."""
    from harness import Installation

    installation = Installation()
    try:
        org = Organization(installation, make_door(installation, "lighttpd"))
        org.port = org.door.server.port
        yield org
    finally:
        installation.close()


@pytest.fixture
def healthy(behind):
    """After the test: the service answers, by the same processes, and keeps what it had."""
    made, pids = behind.api.subscribe(), set(behind.door.pids())
    yield behind
    assert behind.api.subscription(made["id"]).status == 200
    assert behind.api.publish().status == 202
    assert set(behind.door.pids()) == pids, "a process ended"


def raw_exchange(port, sent, timeout=10, close_after=False):
    """Sends the bytes; everything that comes back until the server closes (or the timeout)."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        try:
            connection.sendall(sent)
            if close_after:
                return b""
            connection.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = b""
        try:
            while more := connection.recv(65536):
                got += more
        except ConnectionResetError:
            pass
        return got


def head(org, method, target, *lines):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {org.key}", *lines]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def status_of(answer):
    assert answer.startswith(b"HTTP/1."), answer[:200]
    return int(answer.split(b" ", 2)[1])


JSON = "Content-Type: application/json"


# ---- bodies ----


def subscription(name=None):
    sent = {"name": name or str(uuid.uuid4()), "url": "https://a.example/", "enable_signed_webhooks": True}
    return json.dumps(sent).encode()


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_body_does_nothing(healthy, share):
    sent = subscription()
    cut = sent[: int(len(sent) * share)]
    answer = raw_exchange(healthy.port, head(healthy, "POST", SUBSCRIPTION, JSON, f"Content-Length: {len(sent)}") + cut)
    assert answer == b"" or status_of(answer) == 400
    assert healthy.api.post(SUBSCRIPTION, body=sent).status == 201  # the name is still free


def test_clients_that_go_away_at_any_point_leave_nothing_behind(healthy):
    sent = subscription()
    whole = head(healthy, "POST", SUBSCRIPTION, JSON, f"Content-Length: {len(sent)}") + sent
    for cut in range(0, len(whole), 7):
        raw_exchange(healthy.port, whole[:cut], close_after=True)
    assert healthy.api.post(SUBSCRIPTION, body=sent).status == 201


@pytest.mark.parametrize("target", [SUBSCRIPTION, EVENT, EVENTS])
@pytest.mark.parametrize("size", [131073, 1 << 20])
def test_an_oversized_body_is_413(healthy, target, size):
    for body in (b" " * size, b'{"a":"' + b"x" * size + b'"}', b"[" * size):
        assert healthy.api.post(target, body=body).status == 413


def test_an_oversized_announcement_without_a_body_holds_nothing(healthy):
    for length in (10**9, 10**18, 2**63, 2**64, 10**40):
        answer = raw_exchange(healthy.port, head(healthy, "POST", EVENT, JSON, f"Content-Length: {length}"))
        assert answer == b"" or status_of(answer) in (400, 413)


CHUNKS = {
    "no end": b'5\r\n{"a":\r\n',
    "no number": b"zz\r\n{}\r\n0\r\n\r\n",
    "negative": b"-5\r\n{}\r\n0\r\n\r\n",
    "huge": b"ffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "larger than 64 bits": b"f" * 40 + b"\r\n{}\r\n0\r\n\r\n",
    "shorter than it says": b"a\r\n{}\r\n0\r\n\r\n",
    "longer than it says": b'1\r\n{"a":1}\r\n0\r\n\r\n',
    "bare newlines": b"2\n{}\n0\n\n",
    "endless extension": b"2;" + b"x" * 100000 + b"\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_broken_chunks_end_in_an_orderly_answer(healthy, name):
    answer = raw_exchange(healthy.port, head(healthy, "POST", EVENT, JSON, "Transfer-Encoding: chunked") + CHUNKS[name])
    assert answer == b"" or status_of(answer) in (400, 408, 413, 431)


def test_ten_thousand_chunks_of_one_byte_are_one_body(healthy):
    sent = json.dumps({"event_name": "A.b", "payload": {"p": "x" * 10_000}}).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in sent) + b"0\r\n\r\n"
    answer = raw_exchange(
        healthy.port, head(healthy, "POST", EVENT, JSON, "Transfer-Encoding: chunked", "Connection: close") + chunks
    )
    assert status_of(answer) == 202


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 2", "Content-Length: 3"),
        ("Content-Length: 2", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding: gzip",),
        ("Content-Length: +2",),
        ("Content-Length: 0x2",),
        ("Content-Length: 2 2",),
    ],
)
def test_a_request_in_a_request_is_never_answered(healthy, lines):
    """Ambiguous lengths: what follows them must not be taken for a request of its own that succeeds."""
    name = str(uuid.uuid4())
    inner = head(healthy, "POST", SUBSCRIPTION, JSON, f"Content-Length: {len(subscription(name))}") + subscription(name)
    raw_exchange(healthy.port, head(healthy, "POST", EVENT, JSON, *lines) + b"0\r\n\r\n" + inner)
    if lines[0].startswith("Content-Length: 2") and len(lines) == 2 and "chunked" in lines[1]:
        return  # RFC 9112 lets a server take the chunks, and then what follows is a request
    assert healthy.api.post(SUBSCRIPTION, body=subscription(name)).status == 201


# ---- heads ----


def test_a_flood_of_headers_is_refused_or_ignored(healthy):
    for lines in (
        [f"X-{n}: {'v' * 50}" for n in range(100)],
        [f"X-{n}: {'v' * 50}" for n in range(5000)],
        ["X-Long: " + "v" * 100_000],
        ["Authorization: Bearer x"] * 500,
        ["Cookie: " + "a=b; " * 10_000],
        ["If-Match: " + '"x", ' * 1000 + '"y"', "Idempotency-Key: " + "k" * 5000],
    ):
        answer = raw_exchange(healthy.port, head(healthy, "GET", f"{SUBSCRIPTION}/{UNKNOWN}", *lines))
        assert answer == b"" or status_of(answer) in (400, 401, 404, 413, 431)


@pytest.mark.parametrize("length", [1000, 8000, 60_000, 1_000_000])
def test_a_flood_of_path_or_query_is_refused(healthy, length):
    for target in (
        "/v1/" + "a" * length,
        "/v1/" + "a/" * (length // 2),
        "/v1/" + "%41" * (length // 3),
        f"{SUBSCRIPTION}/" + "0" * length,
        f"{SUBSCRIPTIONS}?page_token=" + "0" * length,
        f"{SUBSCRIPTIONS}?" + "page_size=1&" * (length // 12) + "page_size=0",
    ):
        answer = raw_exchange(healthy.port, head(healthy, "GET", target, "Connection: close"))
        assert answer == b"" or status_of(answer) in (400, 404, 413, 414, 431), target[:60]


PATHS = [
    "/v1/%00", "/v1/%ff%fe", "/v1/%2e%2e/%2e%2e/etc/passwd", "/v1/../../etc/passwd", "/v1/%2F%2F", "/v1/%", "/v1/%zz",
    "/v1/%u0041", "/v1/%c0%af", "/v1/%0d%0aX-Injected:%201", "/v1/%25%30%30", "/v1/public%2Fwebhook%2Fsubscriptions",
    "/v1/public/webhook/subscription/%2e%2e", "/v1/public/webhook/subscription/%00",
    f"/v1/public/webhook/subscription/{UNKNOWN}%00", f"/v1/public/webhook/subscription/{UNKNOWN}%20",
    f"/v1/public/webhook/subscription/{UNKNOWN}%2f", f"/v1/public/webhook/subscription/{UNKNOWN};x=1",
    f"/v1/public/webhook/event/{UNKNOWN}%0a", "/v1/public/webhook/event/%F0%9F%98%80", "/v1/\xff\xfe", "/v1/\x7f",
    "//v1//public//webhook//subscriptions?page_size=0", "/v1?x", "/v1/#fragment", "/v1/public/webhook/subscriptions/",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_an_odd_path_is_400_or_404_and_injects_nothing(healthy, path):
    answer = raw_exchange(healthy.port, head(healthy, "GET", path, "Connection: close"))
    status = status_of(answer)
    assert status in (400, 404), answer[:300]
    top, _, body = answer.partition(b"\r\n\r\n")
    assert b"\nX-Injected" not in top and b"root:" not in body
    if b"application/json" in top:
        assert json.loads(body)["status"] == status


@pytest.mark.parametrize("path", [path for path in PATHS if "\xff" not in path])
def test_an_odd_path_means_no_more_to_the_program_itself(fcgi_org, path):
    raw = fcgi_org.door.request("GET", path, [("Authorization", f"Bearer {fcgi_org.key}")])
    assert raw.status in (400, 404)
    assert Response(raw).header("X-Injected") is None and json.loads(raw.body)["status"] == raw.status


def test_an_escaped_id_is_the_id(healthy):
    made = healthy.api.subscribe()
    escaped = "".join(f"%{ord(character):02x}" for character in made["id"])
    assert (
        healthy.door.request("GET", f"{SUBSCRIPTION}/{escaped}", [("Authorization", f"Bearer {healthy.key}")])[0] == 200
    )


@pytest.mark.parametrize(
    "sent",
    [b"\r\n\r\n", b"\0\0\0\0", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /v1 HTTP/1.1\r\n\r\n", b"GET /v1 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
     b"A" * 100_000],
)  # fmt: skip
def test_what_is_no_request_disturbs_nobody(healthy, sent):
    answer = raw_exchange(healthy.port, sent)
    if not sent.startswith(b"PRI"):  # lighttpd speaks HTTP/2, too
        assert answer == b"" or status_of(answer) >= 400


def test_one_connection_carries_many_requests(healthy):
    """Pipelined: each is answered, in order, errors among them."""
    made = healthy.api.subscribe()
    good, bad = head(healthy, "GET", f"{SUBSCRIPTION}/{made['id']}"), head(healthy, "GET", f"{SUBSCRIPTION}/{UNKNOWN}")
    last = head(healthy, "GET", f"{SUBSCRIPTION}/{made['id']}", "Connection: close")
    answer = raw_exchange(healthy.port, good + bad + good + bad + last)
    found = [int(part.split(b" ", 1)[0]) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert found == [200, 404, 200, 404, 200]


# ---- slow ones ----


def test_a_hundred_slow_connections_do_not_block_others(healthy):
    sent = subscription()
    whole = head(healthy, "POST", SUBSCRIPTION, JSON, f"Content-Length: {len(sent)}") + sent
    slow = [socket.create_connection(("127.0.0.1", healthy.port), 10) for _ in range(100)]
    try:
        for number, connection in enumerate(slow):  # some stop within the head, some within the body
            connection.sendall(whole[: 10 + (len(whole) - 20) * number // 100])
        made, slowest = healthy.api.subscribe(), 0
        for step in range(30):
            started = time.monotonic()
            assert healthy.api.subscription(made["id"]).status == 200
            assert healthy.api.publish().json["delivery_count"] >= 1
            slowest = max(slowest, time.monotonic() - started)
            for number, connection in enumerate(slow):
                at = 10 + (len(whole) - 20) * number // 100 + step
                if at < len(whole) - 1:
                    connection.sendall(whole[at : at + 1])
        assert slowest < 2
    finally:
        for connection in slow:
            connection.close()
    assert healthy.api.post(SUBSCRIPTION, body=sent).status == 201


def test_readers_that_never_read_do_not_block_others(healthy):
    for _ in range(20):
        healthy.api.subscribe(description="d" * 1500)
    lazy = [socket.create_connection(("127.0.0.1", healthy.port), 10) for _ in range(30)]
    try:
        for connection in lazy:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(head(healthy, "GET", f"{SUBSCRIPTIONS}?page_size=100") * 5)
        started = time.monotonic()
        for _ in range(20):
            assert healthy.api.publish().status == 202
        assert time.monotonic() - started < 10
    finally:
        for connection in lazy:
            connection.close()


# ---- behind the web server's back: the FastCGI protocol itself ----


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\1",
        BEGIN,
        BEGIN[:5],
        BEGIN + record(4, b"\x0e\x04REQUEST_METHODPO"),
        BEGIN + record(4, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        BEGIN + record(4, b"\x80\xff\xff\xff\x00NAME"),
        b"\2" + BEGIN[1:],
        record(9, b"\x0eFCGI_MAX_CONNS"),
        record(BEGIN_REQUEST, b"\0\x02\0\0\0\0\0\0"),
        record(STDIN, b"x" * 100),
        b"GET / HTTP/1.0\r\n\r\n",
        b"\xff" * 5000,
    ],
    ids=range(13),
)
def test_a_broken_protocol_ends_the_connection_and_not_the_program(install, sent):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=1))
    pids = org.door.pids()
    for _ in range(6):  # more than there are threads
        with connect(org.door.pool.address) as connection:
            connection.sendall(sent)
    assert org.api.publish().status == 202
    assert org.door.pids() == pids


def test_a_body_in_many_records_is_one_body(fcgi_org):
    body = json.dumps({"event_name": "A.b", "payload": {"p": "x" * 3000}}).encode()
    params = fcgi_org.door.params(
        "POST", EVENT, [("Authorization", f"Bearer {fcgi_org.key}"), ("Content-Type", "application/json")], body
    )
    encoded = encode_params(params)
    with connect(fcgi_org.door.pool.address) as connection:
        parts = [record(PARAMS, encoded[at : at + 1]) for at in range(len(encoded))] + [record(PARAMS)]
        connection.sendall(BEGIN + b"".join(parts))
        for at in range(len(body)):
            connection.sendall(record(STDIN, body[at : at + 1]))
        connection.sendall(record(STDIN))
        answer = parse_cgi(*read_answer(connection))
    assert answer.status == 202
    check_answer("POST", EVENT, Response(answer))


def test_a_crowd_of_all_kinds_at_once(healthy):
    """Good and bad clients together: every good one gets its answer."""
    failures = []

    def good(number):
        for _ in range(10):
            answer = healthy.api.publish(payload={"n": number})
            if answer.status != 202:
                failures.append(answer)

    def bad(number):
        sent = [b"GET", b"\xff" * 1000, head(healthy, "POST", EVENT, JSON, "Content-Length: 50") + b"{",
                head(healthy, "POST", EVENT, JSON, "Content-Length: 9") + b'{"a":[[[[', b"[" * 3000][number % 5]  # fmt: skip
        for _ in range(10):
            try:
                raw_exchange(healthy.port, sent, close_after=number % 2 == 0)
            except OSError as error:
                failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10) for work in (good, bad)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_errors_do_not_leak_what_was_sent(healthy):
    mark = "mark-4711"
    for method, target, body in [
        ("PUT", f"{SUBSCRIPTION}/{UNKNOWN}", {"name": [mark], "url": mark, "events": [mark]}),
        ("PATCH", f"{SUBSCRIPTION}/{UNKNOWN}", {"name": [mark], "headers": {"Host": mark}}),
        ("POST", EVENTS, [{"event_name": mark, "payload": mark, "trace_id": f"{mark} "}]),
        ("GET", f"{SUBSCRIPTIONS}?page_size={mark}&page_token={mark}", None),
    ]:
        answer = healthy.api.call(method, target, body)
        assert answer.status in (400, 404) and mark not in answer.json["message"]
        assert mark not in "".join(answer.json.get("details", {}).get("fields", {}).values())
