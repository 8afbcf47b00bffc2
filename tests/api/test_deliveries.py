"""A subscription's deliveries by pages: order, filters, tokens, and what comes meanwhile."""

import threading
import time
from datetime import datetime

import pytest
from api import SUBSCRIPTION, TIME, Organization, make_door
from harness import eventually

FIELDS = ["id", "event_id", "trace_id", "event_name", "subscription_id", "status", "attempt_count", "next_attempt_at",
          "created_at"]  # fmt: skip
UNKNOWN = "0123456789abcdef01234567"


def batch(count, name="A.b", **members):
    return [{"event_name": name, "payload": {}, **members} for _ in range(count)]


def publish(api, count, name="A.b"):
    """Event ids, oldest first."""
    ids = []
    while len(ids) < count:
        answer = api.publish_batch(batch(min(500, count - len(ids)), name))
        assert answer.status == 202, answer
        ids += [event["event_id"] for event in answer.json["data"]]
    return ids


def is_past(created_at):
    return time.time() > datetime.fromisoformat(created_at.replace("Z", "+00:00")).timestamp() + 0.001


def by_time(event_id):
    return event_id[2:], event_id[:2]


def test_an_item_says_what_is_known_of_it(api):
    made = api.subscribe()
    accepted = api.publish("Order.Created", trace_id="t-1").json
    (item,) = api.all_deliveries(made["id"])
    assert list(item) == FIELDS
    assert item["id"] == made["id"] + accepted["event_id"]
    assert [item["id"]] == api.event(accepted["event_id"]).json["delivery_ids"]
    assert item["event_id"] == accepted["event_id"] and item["subscription_id"] == made["id"]
    assert item["trace_id"] == "t-1" and item["event_name"] == "Order.Created"
    assert item["status"] == "WAITING" and item["attempt_count"] == 0
    assert item["created_at"] == item["next_attempt_at"] == accepted["created_at"] and TIME.fullmatch(item["created_at"])


def test_a_subscription_without_deliveries_has_one_empty_page(api):
    assert api.deliveries(api.subscribe()["id"]).json == {"data": []}


@pytest.mark.parametrize("page_size", [1, 7, 30, 31, 100])
def test_pages_are_newest_first_and_each_item_is_in_one(api, page_size):
    made, other = api.subscribe(), api.subscribe(events=["C.d"])
    ids = []
    for _ in range(5):
        ids += publish(api, 6)  # of several threads, in several lanes
    pages = list(api.delivery_pages(made["id"], page_size))
    listed = [item["event_id"] for page in pages for item in page]
    assert sorted(listed) == sorted(ids) and listed == sorted(listed, key=by_time, reverse=True)
    assert [len(page) for page in pages] == [page_size] * (30 // page_size) + [30 % page_size] * (30 % page_size > 0)
    assert api.all_deliveries(other["id"]) == []


def test_filters_choose_and_all_of_them_must_fit(api):
    made = api.subscribe()
    old = publish(api, 2, "A.b")
    eventually(lambda: is_past(api.event(old[-1]).json["created_at"]), what="another millisecond")
    (chosen,) = publish(api, 1, "A.c")
    since = api.event(chosen).json["created_at"]

    def found(**filters):
        return sorted(item["event_id"] for item in api.all_deliveries(made["id"], **filters))

    assert found(event_name="A.b") == sorted(old) and found(event_name="A.c") == [chosen]
    assert found(event_name="a.b") == found(event_name="A.bb") == []
    assert found(since=since) == [chosen], "at that very millisecond counts"
    assert found(since=since[:-1] + "+00:00") == [chosen]
    assert found(status="WAITING") == sorted([*old, chosen]) and found(status="FAILED") == []
    assert found(status="WAITING", event_name="A.b", since=since) == []
    api.cancel(made["id"] + old[0])
    assert found(status="CANCELLED") == [old[0]]
    (item,) = api.all_deliveries(made["id"], status="CANCELLED")
    assert "next_attempt_at" not in item and TIME.fullmatch(item["finished_at"])


@pytest.mark.parametrize(
    "query, fields",
    [
        ("", {"page_size"}),
        ("page_size=0", {"page_size"}),
        ("page_size=101&status=waiting", {"page_size", "status"}),
        ("page_size=1&status=", {"status"}),
        ("page_size=1&status=DONE&since=yesterday&event_name=x", {"status", "since", "event_name"}),
        ("page_size=1&since=2026-06-12", {"since"}),
        ("page_size=1&since=2026-06-12T10:15:00%2b25:00", {"since"}),
        ("page_size=1&event_name=A.*", {"event_name"}),
        ("page_size=1&event_name=*", {"event_name"}),
        ("page_size=1&event_name=A.b%00", {"event_name"}),
        ("page_size=1&event_name=A." + "b" * 127, {"event_name"}),
        ("page_size=1&status=FAILED&status=FAILED", {"status"}),
        ("page_size=1&page_token=nonsense", {"page_token"}),
    ],
)
def test_what_is_wrong_in_the_query_is_400_and_named(api, query, fields):
    made = api.subscribe()
    response = api.get(f"{SUBSCRIPTION}/{made['id']}/deliveries?{query}")
    assert response.status == 400 and response.fields == fields, response


def test_the_events_of_the_service_itself_can_be_chosen(api):
    made = api.subscribe()
    publish(api, 1)
    event_id = api.send_test(made["id"]).json["event_id"]
    (item,) = api.all_deliveries(made["id"], event_name="Webhook.Test")
    assert item["event_id"] == event_id


def test_a_token_is_of_one_list_and_goes_on_with_other_filters(api):
    made, other = api.subscribe(), api.subscribe()
    publish(api, 5)
    first = api.deliveries(made["id"], 2).json
    token = first["next_page_token"]
    assert len(api.deliveries(made["id"], 100, token).json["data"]) == 3
    assert len(api.deliveries(made["id"], 100, token, status="WAITING", event_name="A.b").json["data"]) == 3
    assert api.deliveries(made["id"], 100, token, status="FAILED").json == {"data": []}
    assert api.deliveries(other["id"], 2, token).fields == {"page_token"}
    assert api.page(2, token).fields == {"page_token"}
    assert api.deliveries(made["id"], 2, token[:-1] + ("A" if token[-1] != "A" else "B")).status == 400
    subscriptions = api.page(1).json["next_page_token"]
    assert api.deliveries(made["id"], 2, subscriptions).fields == {"page_token"}


def test_what_is_gone_unknown_or_anothers_is_404(shared_door, api):
    made = api.subscribe()
    (event_id,) = publish(api, 1)
    assert api.deliveries(UNKNOWN).status == 404 and api.deliveries("nonsense").status == 404
    assert Organization(*shared_door).api.deliveries(made["id"]).status == 404
    assert api.delete(made["id"]).status == 204
    assert api.deliveries(made["id"]).status == 404
    assert api.delivery(made["id"] + event_id).json["status"] == "CANCELLED"


def test_a_filter_that_lets_little_through_still_comes_to_its_end(install):
    installation = install()
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = api.subscribe()
    rare = publish(api, 3, "A.rare")
    publish(api, 4500)
    pages = list(api.delivery_pages(made["id"], 100, event_name="A.rare"))
    assert 2 <= len(pages) <= 5
    assert sorted(item["event_id"] for page in pages for item in page) == sorted(rare)


def test_what_was_there_at_the_first_page_is_in_exactly_one_while_thousands_arrive(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi", processes=3))
    api, made = org.api, org.api.subscribe()
    there, stop, arrived = publish(api, 1500), threading.Event(), []

    def keep_publishing():
        while not stop.is_set():
            arrived.append(len(publish(api, 200)))

    publishers = [threading.Thread(target=keep_publishing) for _ in range(2)]
    for thread in publishers:
        thread.start()
    try:
        for page_size in (37, 100):
            listed = [item["event_id"] for item in api.all_deliveries(made["id"], page_size)]
            assert len(set(listed)) == len(listed)
            assert sorted(set(listed) & set(there)) == sorted(there)
            assert listed == sorted(listed, key=by_time, reverse=True)
    finally:
        stop.set()
        for thread in publishers:
            thread.join()
    assert sum(arrived) > 1000


def test_a_wide_events_deliveries_are_there_before_a_worker_has_written_them(install):
    installation = install()
    api = Organization(installation, make_door(installation, "fcgi")).api
    made = [api.subscribe(enable_signed_webhooks=False, active=False)["id"] for _ in range(503)]
    accepted = api.publish("A.b").json
    ids = api.event(accepted["event_id"]).json["delivery_ids"]
    assert sorted(ids) == sorted(identity + accepted["event_id"] for identity in made)
    unwritten = [identity for identity in made if api.all_deliveries(identity) == []]
    assert 1 <= len(unwritten) <= 3, "otherwise this tests nothing"
    last = unwritten[0] + accepted["event_id"]
    assert api.delivery(last).json["status"] == "WAITING"
    assert api.retry(last).json["status"] == "WAITING"
    assert api.cancel(last).json["status"] == "CANCELLED"
    assert [item["id"] for item in api.all_deliveries(unwritten[0])] == [last]
    installation.deliver_once()
    assert api.delivery(last).json["status"] == "CANCELLED", "taking the event over does not revive it"
    assert all(api.all_deliveries(identity) for identity in made)
