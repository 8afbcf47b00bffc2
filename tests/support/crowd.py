"""Many clients: such as start together, and such as go on until they are stopped."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread

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


class Clients:
    """Within `with`: so many threads that call `once()` of a subclass again and again."""

    def __init__(self, count):
        self.stop = Event()
        self.threads = [Thread(target=self._run) for _ in range(count)]

    def _run(self):
        while not self.stop.is_set():
            self.once()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads), "a client hangs"
