"""Paging while others insert, change and delete: what existed throughout is seen once."""

import threading
import uuid

import pytest
from api import Organization, make_door

STABLE = 45


@pytest.fixture(params=["fcgi", "lighttpd"])
def busy(request, install):
    """(client, ids of what stays): others come, change and go on all sides of them, all the time."""
    installation = install()
    door = make_door(installation, request.param)
    api = Organization(installation, door).api
    stable, doomed = [], []
    for number in range(STABLE):
        stable.append(api.subscribe()["id"])
        if number % 3 == 0:
            doomed.append(api.subscribe()["id"])
    stop, failures = threading.Event(), []

    def churn(number):
        mine = doomed[number::2]
        while not stop.is_set():
            try:
                while len(mine) > 4:
                    assert api.delete(mine.pop(0)).status == 204
                mine.append(api.subscribe()["id"])
                assert api.patch(stable[number], {"name": str(uuid.uuid4())}).status == 200
                assert api.rotate(mine[-1]).status == 200
            except BaseException as error:
                failures.append(error)
                return

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield api, stable
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures


def test_no_item_that_existed_throughout_appears_twice_or_is_missing(busy):
    api, stable = busy
    for page_size in (1, 2, 3, 7, 20, 44, 45, 46, 100):
        seen = [entry["id"] for entry in api.pages(page_size)]
        assert seen == sorted(seen) and len(set(seen)) == len(seen), "oldest first, none twice"
        assert [identity for identity in seen if identity in set(stable)] == stable


def test_several_readers_do_not_disturb_each_other(busy):
    api, stable = busy
    results = []

    def read(page_size):
        results.append([entry["id"] for entry in api.pages(page_size)])

    threads = [threading.Thread(target=read, args=(size,)) for size in (1, 4, 9, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for seen in results:
        assert [identity for identity in seen if identity in set(stable)] == stable


def test_what_is_created_behind_the_page_is_seen_later(api):
    first = [api.subscribe()["id"] for _ in range(4)]
    answer = api.page(2).json
    later = [api.subscribe()["id"] for _ in range(3)]
    seen = [entry["id"] for entry in answer["data"]]
    token = answer["next_page_token"]
    while token:
        answer = api.page(2, token).json
        seen += [entry["id"] for entry in answer["data"]]
        token = answer.get("next_page_token")
    assert seen == first + later


def test_every_entry_of_a_page_is_a_whole_state(busy):
    api, _ = busy
    for _ in range(5):
        for entry in api.page(100).json["data"]:
            assert entry["signing_enabled"] is True
            assert ("previous_secret_expires_at" in entry) == (len(entry["signing_secrets"]) > 1)
