"""Many clients that start together."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

CLIENTS = 20


def at_once(work, count=CLIENTS):
    """Runs work(n) in `count` threads that start together; their results in order of n."""
    barrier = Barrier(count)

    def run(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def statuses(answers):
    return sorted(answer.status for answer in answers)
