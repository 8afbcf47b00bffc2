"""Nobody waits for a stranger's receiver: dead destinations beside healthy ones, and several workers at one of them."""

import contextlib
import os
import re
import signal
import socket
import threading
import time

import pytest
from harness import eventually, free_port, is_alive
from receiver import OK, Answer, Receiver

DEAD_FOR_MS = 60_000
NO_SIGNING = {"enable_signed_webhooks": False}


class BlackHoles:
    """Destinations that take connections and requests and never answer: listeners that nobody accepts from."""

    def __init__(self, count):
        self.listeners = [socket.create_server((f"127.0.1.{number + 1}", 0), backlog=64) for number in range(count)]
        self.urls = ["http://{}:{}/in".format(*listener.getsockname()) for listener in self.listeners]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for listener in self.listeners:
            listener.close()


def attempts(installation):
    """The log's lines of attempts, as dicts."""
    lines = (installation.directory / "stderr.log").read_text().splitlines()
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in lines if "event=attempt " in line]


@pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
def test_healthy_destinations_are_done_while_dead_ones_hang(service, is_known):
    """As many dead ones as there are places for unknown ones where the healthy ones are known, and more; else fewer."""
    org = service(concurrency=16)
    with contextlib.ExitStack() as stack:
        healthy = [stack.enter_context(Receiver()) for _ in range(4)]
        holes = stack.enter_context(BlackHoles(40 if is_known else 8))
        for receiver in healthy:
            org.api.subscribe(url=receiver.url("/in"), **NO_SIGNING)
        worker = org.installation.start_worker()
        expected = 0
        if is_known:
            org.api.publish()
            expected += 1
            for receiver in healthy:
                receiver.wait_for(expected)
        for url in holes.urls:
            org.api.subscribe(url=url, request_timeout_ms=DEAD_FOR_MS, **NO_SIGNING)
        org.api.subscribe(url=f"http://127.0.0.1:{free_port()}/in", **NO_SIGNING)  # refuses
        for _ in range(3):
            org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 20)
            expected += 20
            for receiver in healthy:
                receiver.wait_for(expected, timeout=15)
        assert not [line for line in attempts(org.installation) if line["error"] == "TIMEOUT"]  # all of them still hang
        worker.process.send_signal(signal.SIGTERM)


def test_a_slow_port_delays_no_other_port_of_its_host(service):
    org = service(destination_concurrency=2)
    with Receiver() as quick, Receiver(on_delivery=lambda _: Answer(behaviour="hang")) as slow:
        org.api.subscribe(url=slow.url("/in"), request_timeout_ms=DEAD_FOR_MS)
        org.api.subscribe(url=quick.url("/in"))
        worker = org.installation.start_worker()
        for number in range(1, 11):
            org.api.publish()
            quick.wait_for(number, timeout=15)
        assert len(slow.deliveries) == 1  # unknown so far: one at a time
        slow.release()
        slow.wait_for(10)
        assert worker.stop() == 0


def test_a_destination_with_many_subscriptions_leaves_room_for_one_with_one(service):
    org = service(concurrency=8, destination_concurrency=8)
    with Receiver() as few, Receiver(on_delivery=lambda _: Answer(200, delay=0.05)) as many:
        for number in range(60):
            org.api.subscribe(name=f"many {number}", url=many.url(f"/{number}"), **NO_SIGNING)
        org.api.subscribe(url=few.url("/in"), **NO_SIGNING)
        org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 5)
        worker = org.installation.start_worker()
        few.wait_for(5)
        assert len(many.deliveries) < 300 / 2
        many.wait_for(300, timeout=60)
        assert worker.stop() == 0


class Crowd:
    """Counts how many requests a receiver has at a time. Those of workers that died count no more."""

    def __init__(self, delay, answer=OK):
        self.lock = threading.Lock()
        self.delay, self.answer = delay, answer
        self.now, self.stale, self.most = set(), set(), 0
        self.is_blind = False
        self.serial = 0

    def __call__(self, _):
        with self.lock:
            self.serial += 1
            me = self.serial
            self.now.add(me)
            if not self.is_blind:
                self.most = max(self.most, len(self.now - self.stale))
        time.sleep(self.delay)  # the receiver's work
        with self.lock:
            self.now.discard(me)
        return self.answer

    @contextlib.contextmanager
    def while_somebody_dies(self):
        self.is_blind = True
        yield
        with self.lock:
            self.stale = set(self.now)
            self.is_blind = False


@pytest.mark.parametrize(("workers", "limit"), [(1, 1), (2, 4)])
def test_subscriptions_that_share_a_host_have_their_turns(service, workers, limit):
    org = service(destination_concurrency=limit)
    with Receiver(on_delivery=lambda _: Answer(200, delay=0.01)) as receiver:
        for path in ("busy", "late"):
            org.api.subscribe(url=receiver.url(f"/{path}"), events=[f"{path}.Event"], **NO_SIGNING)
        backlog = [{"event_name": "busy.Event", "payload": {}}] * 1000
        assert [org.api.publish_batch(backlog).status for _ in range(2)] == [202, 202]
        for _ in range(workers):
            org.installation.start_worker()
        receiver.wait_for(20, "/busy")
        org.api.publish("late.Event")
        receiver.wait_for(1, "/late")
        assert len(receiver.at("/busy")) < 1000, "it waited until the busy one had nothing left"


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_together_keep_to_a_destinations_limit(service, workers):
    org = service(destination_concurrency=4)
    crowd = Crowd(0.02)
    with Receiver(on_delivery=crowd) as receiver:
        for number in range(5):
            org.api.subscribe(url=receiver.url(f"/{number}"), **NO_SIGNING)
        started = [org.installation.start_worker() for _ in range(workers)]
        for _ in range(4):
            org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 20)
        receiver.wait_for(400, timeout=60)
        assert [worker.stop() for worker in started] == [0] * workers
        assert len({(delivery.path, delivery.event_id) for delivery in receiver.deliveries}) == 400
    assert crowd.most == 4  # and it is used


def test_the_limit_holds_and_its_places_come_back_when_a_worker_is_killed(service):
    org = service(destination_concurrency=3, request_timeout="1s")
    crowd = Crowd(0.05)
    with Receiver(on_delivery=crowd) as receiver:
        org.api.subscribe(url=receiver.url("/in"), **NO_SIGNING)
        workers = [org.installation.start_worker() for _ in range(3)]
        accepted = org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 150).json["data"]
        receiver.wait_for(30)
        child = workers[0].child()
        with crowd.while_somebody_dies():
            os.kill(child, signal.SIGKILL)
            eventually(lambda: not is_alive(child), what="the child's end")
            # The others leave the store for its recovery, and are replaced.
            eventually(lambda: len(receiver.deliveries) > 35 and all(worker.child() for worker in workers))
        crowd.most = 0
        wanted = {event["event_id"] for event in accepted}
        eventually(lambda: {delivery.event_id for delivery in receiver.deliveries} >= wanted, timeout=60)
        assert [worker.stop() for worker in workers] == [0, 0, 0]
    assert crowd.most == 3


def test_a_destination_that_recovers_is_used_fully_again(service):
    org = service(destination_concurrency=4)
    crowd = Crowd(0.02, Answer(503))
    with Receiver(on_delivery=crowd) as receiver:
        org.api.subscribe(
            url=receiver.url("/in"),
            retry_policy={"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 20, "maxRetryDelayMs": 1000},
            **NO_SIGNING,
        )
        worker = org.installation.start_worker()
        org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 8)
        receiver.wait_for(16)
        assert crowd.most <= 2  # one at first, and never a success that would have made it more
        crowd.answer = OK
        org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 40)
        eventually(lambda: len({delivery.event_id for delivery in receiver.deliveries}) == 48 and crowd.most == 4)
        assert worker.stop() == 0


# ---- one time budget for the whole exchange ----


@contextlib.contextmanager
def silent(scheme):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/in"


@contextlib.contextmanager
def unreachable():
    """A listener whose queue is full: the kernel lets further connections hang."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/in"


@contextlib.contextmanager
def dripping(first):
    """Sends `first`, then a byte each 20 ms for ever."""

    def drip(connection):
        with contextlib.suppress(OSError), connection:
            connection.sendall(first)
            while True:
                connection.sendall(b"a")
                time.sleep(0.02)

    def accept(listener):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/in"
        listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def not_reading():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/in"


@pytest.mark.parametrize(
    "dead",
    [
        unreachable,
        lambda: silent("http"),
        lambda: silent("https"),
        not_reading,
        lambda: dripping(b"HTTP/1.1 200 OK\r\nX-Long: "),
        lambda: dripping(b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    ids=["connect", "answer", "tls", "upload", "headers", "body"],
)
def test_the_timeout_is_for_the_whole_exchange(service, dead):
    org = service()
    with dead() as url:
        org.api.subscribe(url=url, request_timeout_ms=700)
        org.api.publish(payload={"long": "x" * 100_000})
        org.installation.start_worker()
        (attempt,) = eventually(lambda: attempts(org.installation), timeout=15)
        assert attempt["error"] == "TIMEOUT"
        assert 650 <= int(attempt["duration_ms"]) < 3000
