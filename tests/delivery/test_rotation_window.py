"""The promise that rotation makes to receivers: within its window every secret verifies, and afterwards none does.

A request tells its attempt's start by `t`, in whole seconds: the attempt started somewhere in [t, t + 1)."""

import random
import threading
import time
from datetime import datetime

from harness import eventually
from receiver import Receiver

HOUR_MS = 3600 * 1000


def milliseconds(text):
    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def judge(delivery, old, new, expires_at_ms):
    """Both before the end, the new one alone from the end on; within the end's own second either. Returns which."""
    start, stop = delivery.t * 1000, (delivery.t + 1) * 1000
    both, only_new = delivery.is_signed_by_exactly([new, old]), delivery.is_signed_by_exactly([new])
    assert both or only_new
    if stop <= expires_at_ms:
        assert both, f"the old secret was dropped {expires_at_ms - stop} ms early or more"
    if start >= expires_at_ms:
        assert only_new, f"the old secret still signed {start - expires_at_ms} ms late or more"
    return "both" if both else "new"


def test_at_the_end_of_72_hours_the_old_secret_stops_and_not_before(service, receiver):
    org = service(clock=True)
    made = org.api.subscribe(url=receiver.url("/in"))
    answer = org.api.rotate(made["id"]).json
    end = milliseconds(answer["previous_secret_expires_at"])
    installation = org.installation
    seen = []
    for before_end_ms in (71 * HOUR_MS, HOUR_MS, 60_000, 8_000, 4_000, -1, -1000, -60_000, -24 * HOUR_MS):
        installation.set_clock(end - before_end_ms - int(time.time() * 1000))
        org.api.publish()
        installation.deliver_once()
        delivery = receiver.deliveries[-1]
        verdict = judge(delivery, made["secret"], answer["secret"], end)
        if before_end_ms >= 8_000:
            assert verdict == "both"
        if before_end_ms < 0:
            assert verdict == "new"
        seen.append(verdict)
    assert len(receiver.deliveries) == len(seen)


def test_across_the_edge_of_a_short_window_no_attempt_is_on_the_wrong_side(service, receiver):
    org = service(secret_grace="2s")
    made = org.api.subscribe(url=receiver.url("/in"))
    org.installation.start_worker()
    org.api.publish()
    receiver.wait_for(1)
    answer = org.api.rotate(made["id"]).json
    end = milliseconds(answer["previous_secret_expires_at"])
    published = 1
    while time.time() * 1000 < end + 2500:
        org.api.publish()
        published += 1
        receiver.wait_for(published)  # one after the other: they arrive in the order of their start
    verdicts = [judge(delivery, made["secret"], answer["secret"], end) for delivery in receiver.deliveries[1:]]
    assert "both" in verdicts and "new" in verdicts
    assert verdicts == sorted(verdicts), "once the old secret is gone it never comes back"


def test_every_attempt_after_the_answer_carries_the_new_secret(service, receiver):
    """With a busy worker: what starts after the rotation's answer was here is signed with both."""
    org = service()
    made = org.api.subscribe(url=receiver.url("/in"))
    for _ in range(2):
        org.installation.start_worker()
    stop, accepted = threading.Event(), []

    def publish():
        while not stop.is_set():
            accepted.append(org.api.publish().json["event_id"])

    thread = threading.Thread(target=publish)
    thread.start()
    receiver.wait_for(20)
    secrets, answered = [made["secret"]], []
    for _ in range(3):
        secrets.append(org.api.rotate(made["id"]).json["secret"])
        answered.append(time.time())
        count = len(receiver.deliveries)
        receiver.wait_for(count + 40)
    stop.set()
    thread.join()
    eventually(lambda: len(receiver.deliveries) >= len(accepted))
    for delivery in receiver.deliveries:
        must = 1 + sum(at <= delivery.t for at in answered)  # `t` is rounded down: certain to be after the answer
        assert any(delivery.is_signed_by_exactly(secrets[:count][::-1]) for count in range(must, 5)), must
    assert receiver.deliveries[-1].is_signed_by_exactly(secrets[::-1])


class Book:
    """Of one subscription: each secret with the time from which and until which receivers may rely on it."""

    def __init__(self, made):
        self.identity, self.lock = made["id"], threading.Lock()
        self.entries = [[made["secret"], 0.0, None]]  # secret, answered at, promised until (None: no end)

    def rotate(self, api):
        with self.lock:
            response = api.rotate(self.identity)
            now = time.time()
            if response.status == 409:
                return False
            assert response.status == 200, response
            self.entries[-1][2] = milliseconds(response.json["previous_secret_expires_at"]) / 1000
            self.entries.append([response.json["secret"], now, None])
            return True

    def check(self, delivery):
        """How many secrets had to fit, and did; how many must not, and did not."""
        held = ended = 0
        start, stop = delivery.t, delivery.t + 1
        for secret, since, until in self.entries:
            fits = delivery.is_signed_with(secret)
            if since <= start and (until is None or stop <= until):
                assert fits, f"a secret valid until {until} did not fit a delivery of {start}"
                held += 1
            elif until is not None and start >= until:
                assert not fits, f"a secret that ended at {until} still signed a delivery of {start}"
                ended += 1
        return held, ended


def test_eight_clients_rotate_while_events_flow_and_no_receiver_ever_notices(service):
    org = service(secret_grace="2s", processes=3)
    stop = threading.Event()
    published, rotated = [0], [0]
    failures = []
    with Receiver() as receiver:
        books = [Book(org.api.subscribe(url=receiver.url(f"/{number}"))) for number in range(12)]
        workers = [org.installation.start_worker() for _ in range(2)]

        def guarded(work):
            try:
                while not stop.is_set():
                    work()
            except BaseException as error:  # noqa: BLE001 - shown by the test's own thread
                failures.append(error)
                stop.set()

        def rotate():
            rotated[0] += random.choice(books).rotate(org.api)
            stop.wait(0.05)

        def publish():
            assert org.api.publish().json["delivery_count"] == len(books)
            published[0] += 1

        threads = [threading.Thread(target=guarded, args=(rotate,)) for _ in range(8)]
        threads.append(threading.Thread(target=guarded, args=(publish,)))
        for thread in threads:
            thread.start()
        stop.wait(8)
        stop.set()
        for thread in threads:
            thread.join()
        assert not failures, failures
        receiver.wait_for(published[0] * len(books), timeout=60)
        assert [worker.stop() for worker in workers] == [0, 0]
        assert len(receiver.deliveries) == published[0] * len(books)
        held = ended = more_than_one = 0
        for delivery in receiver.deliveries:
            fit, gone = books[int(delivery.path[1:])].check(delivery)
            held, ended, more_than_one = held + fit, ended + gone, more_than_one + (fit > 1)
        assert rotated[0] > 20 and held >= len(receiver.deliveries) / 4 and ended > 0 and more_than_one > 0
