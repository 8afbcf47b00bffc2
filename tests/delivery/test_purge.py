"""`hookturn purge`: what the worker's housekeeping does little by little, now."""

import re
import threading

DAY_MS = 24 * 3600 * 1000


def line(cancelled, deliveries, events, answers, subscriptions):
    def of(count, one, many):
        return f"{count} {one if count == 1 else many}"

    return (
        f"cancelled {of(cancelled, 'waiting delivery', 'waiting deliveries')}; "
        f"deleted {of(deliveries, 'delivery', 'deliveries')}, {of(events, 'event', 'events')}, "
        f"{of(answers, 'kept answer', 'kept answers')} and "
        f"{of(subscriptions, 'deleted subscription', 'deleted subscriptions')}\n"
    )


def purge(org):
    done = org.installation.cli("purge", check=True)
    assert done.stderr == b"", done.stderr
    numbers = tuple(map(int, re.findall(r"\d+", done.stdout.decode())))
    assert done.stdout.decode() == line(*numbers)
    return numbers


def test_it_says_what_it_did_and_finds_nothing_the_second_time(service, receiver):
    org = service(clock=True, max_waiting="5", log_level="info")
    org.api.subscribe(url=receiver.url("/in"), events=["Order.Created"])
    org.api.subscribe(url=receiver.url("/held"), events=["Order.Held"], active=False)
    gone = org.api.subscribe(url=receiver.url("/gone"), events=["Order.Gone"])
    for number in range(3):
        org.api.publish(headers={"Idempotency-Key": str(number)})
    org.installation.deliver_once()
    org.api.publish_batch([{"event_name": "Order.Held", "payload": {}}] * 12)
    org.installation.deliver_once()
    org.api.delete(gone["id"])
    assert purge(org) == (0, 0, 0, 0, 0), "the worker has seen to it already"
    org.installation.set_clock(31 * DAY_MS)
    assert purge(org) == (5, 3 + 7, 3 + 7, 3, 1)
    assert purge(org) == (0, 0, 0, 0, 0)
    org.installation.set_clock(62 * DAY_MS)
    assert purge(org) == (0, 5, 5, 0, 0)


def test_it_runs_beside_requests_and_a_worker(service, receiver):
    org = service(clock=True, log_level="info")
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish_batch([{"event_name": "Order.Created", "payload": {}}] * 500)
    org.installation.deliver_once()
    org.installation.set_clock(31 * DAY_MS)
    worker = org.installation.start_worker()
    results = []
    threads = [threading.Thread(target=lambda: results.append(purge(org))) for _ in range(2)]
    for thread in threads:
        thread.start()
    accepted = [org.api.publish().status for _ in range(20)]
    for thread in threads:
        thread.join()
    assert accepted == [202] * 20
    assert sum(deliveries for _, deliveries, *_ in results) <= 500
    assert worker.stop() == 0
    assert purge(org)[1] == 0


def test_it_shows_a_terminal_how_far_it_came(service, receiver):
    org = service(clock=True)
    org.api.subscribe(url=receiver.url("/in"))
    org.api.publish()
    org.installation.deliver_once()
    org.installation.set_clock(31 * DAY_MS)
    shown = org.installation.cli_at_terminal("purge")
    assert b"removed or cancelled: " in shown and shown.endswith(b"\r\x1b[K"), "the line is gone when the result is printed"


def test_it_takes_no_operands(service):
    org = service()
    assert org.installation.cli("purge", "now").returncode == 2
