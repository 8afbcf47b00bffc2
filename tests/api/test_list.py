"""The list of subscriptions: page by page, oldest first."""

import pytest
from api import SUBSCRIPTIONS, Organization


def ids(entries):
    return [entry["id"] for entry in entries]


def test_an_organization_without_subscriptions_has_one_empty_page(api):
    response = api.page(10)
    assert response.status == 200 and response.json == {"data": []}


def test_all_are_there_oldest_first_and_as_they_are_read_one_by_one(api):
    made = [api.subscribe(name=f"n{9 - n}", description=f"d{n}", events=["A.b"][: n % 2]) for n in range(7)]
    response = api.page(100)
    assert response.status == 200 and set(response.json) == {"data"}
    assert ids(response.json["data"]) == ids(made)
    assert response.json["data"] == [api.subscription(entry["id"]).json for entry in made]


def test_no_secret_is_ever_in_it(api):
    made = [api.subscribe() for _ in range(3)]
    rotated = [api.rotate(entry["id"]).json for entry in made]
    response = api.page(100)
    for entry in made + rotated:
        assert entry["secret"].encode() not in response.body
    assert all(len(entry["signing_secrets"]) == 2 for entry in response.json["data"])


@pytest.mark.parametrize("page_size", [1, 2, 3, 6, 7, 8, 100])
def test_the_pages_together_are_the_whole(api, page_size):
    made = ids([api.subscribe() for _ in range(7)])
    token, pages = None, []
    while True:
        answer = api.page(page_size, token).json
        pages.append(ids(answer["data"]))
        token = answer.get("next_page_token")
        if token is None:
            break
        assert isinstance(token, str) and token and len(pages[-1]) == page_size
    assert sum(pages, []) == made
    assert len(pages) == -(-7 // page_size), "the last page is known to be the last"


def test_a_token_can_be_used_again_and_with_another_page_size(api):
    made = ids([api.subscribe() for _ in range(6)])
    token = api.page(2).json["next_page_token"]
    assert ids(api.page(2, token).json["data"]) == made[2:4]
    assert ids(api.page(2, token).json["data"]) == made[2:4]
    assert ids(api.page(100, token).json["data"]) == made[2:]


def test_a_token_outlives_the_subscription_at_which_its_page_ended(api):
    made = ids([api.subscribe() for _ in range(5)])
    token = api.page(2).json["next_page_token"]
    api.delete(made[1])
    api.delete(made[2])
    assert ids(api.page(2, token).json["data"]) == made[3:]


def test_changes_do_not_change_the_order(api):
    made = [api.subscribe() for _ in range(4)]
    api.patch(made[0]["id"], {"name": "zzz"})
    api.rotate(made[1]["id"])
    api.put(made[2]["id"], {"name": "aaa", "url": "https://a.example/", "enable_signed_webhooks": False})
    assert ids(api.pages(2)) == ids(made)


def test_deleted_ones_are_left_out_however_many(api):
    made = ids([api.subscribe() for _ in range(12)])
    for identity in made[:5] + made[6:11]:
        api.delete(identity)
    assert ids(api.pages(1)) == [made[5], made[11]]
    api.delete(made[11])
    answer = api.page(1).json
    assert ids(answer["data"]) == [made[5]] and "next_page_token" not in answer


def test_other_organizations_see_nothing_of_it(shared_door, api):
    made = ids([api.subscribe() for _ in range(3)])
    other = Organization(*shared_door).api
    theirs = ids([other.subscribe() for _ in range(3)])
    assert ids(api.pages(1)) == made and ids(other.pages(2)) == theirs


def test_the_token_of_another_organization_shows_nothing_of_it(shared_door, api):
    made = ids([api.subscribe() for _ in range(3)])
    other = Organization(*shared_door).api
    response = other.page(2, api.page(1).json["next_page_token"])
    assert response.status in (200, 400) and not any(identity.encode() in response.body for identity in made)


def test_header_values_are_hidden_from_read_keys(org, api):
    made = api.subscribe(headers={"Authorization": "Bearer theirs"})
    read = org.api_with("read").page()
    assert read.json["data"][0]["headers"] == {"Authorization": "[hidden]"} and b"theirs" not in read.body
    assert api.page().json["data"][0]["headers"] == made["headers"]


def test_a_full_page_of_large_subscriptions_is_whole(api):
    large = {
        "description": "\U0001f600" * 1500,
        "events": [f"Service_{n}.Event" for n in range(100)],
        "agent_ids": [f"agent-{n}" for n in range(100)],
        "headers": {f"X-{n}": "v" * 150 for n in range(50)},
    }
    made = [api.subscribe(**large) for _ in range(100)]
    response = api.page(100)
    assert ids(response.json["data"]) == ids(made) and "next_page_token" not in response.json
    assert all(entry["events"] == large["events"] for entry in response.json["data"])


BAD_SIZES = [
    "",
    "0",
    "-1",
    "101",
    "1000000",
    "99999999999999999999999",
    "abc",
    "1.5",
    "1e1",
    "0x10",
    "10x",
    "%20",
    "ten",
    "%00",
]


@pytest.mark.parametrize("size", BAD_SIZES)
def test_a_page_size_outside_of_1_to_100_is_400(api, size):
    response = api.get(f"{SUBSCRIPTIONS}?page_size={size}")
    assert response.status == 400 and response.fields == {"page_size"}


@pytest.mark.parametrize(
    "query", ["", "?", "?page_token=", "?pagesize=5", "?PAGE_SIZE=5", "?x=page_size=5", "?page_size"]
)
def test_the_page_size_is_required(api, query):
    response = api.get(f"{SUBSCRIPTIONS}{query}")
    assert response.status == 400 and "page_size" in response.fields


BAD_TOKENS = [
    "x",
    "0",
    "null",
    "%00",
    "..%2f",
    "a" * 3000,
    "%",
    "%zz",
    "AAAA",
    "-1",
    "%F0%9F%98%80",
    "0" * 23,
    "g" * 24,
]


@pytest.mark.parametrize("token", BAD_TOKENS, ids=lambda token: token[:12])
def test_a_token_that_was_never_given_is_400(api, token):
    api.subscribe()
    response = api.get(f"{SUBSCRIPTIONS}?page_size=5&page_token={token}")
    assert response.status == 400 and response.fields == {"page_token"}


def test_bytes_that_are_no_text_are_no_token(fcgi_org):
    """To the program itself: a web server may refuse such a query."""
    for token in ("%FF", "%ff%fe", "%C0%AF", "%ED%A0%80"):
        assert fcgi_org.api.get(f"{SUBSCRIPTIONS}?page_size=5&page_token={token}").fields == {"page_token"}


def test_a_damaged_token_is_400(api):
    for _ in range(3):
        api.subscribe()
    token = api.page(1).json["next_page_token"]
    for damaged in (token[:-1], token + "0", token[1:], token + token, f"%20{token}"):
        assert api.get(f"{SUBSCRIPTIONS}?page_size=5&page_token={damaged}").status == 400, damaged


def test_all_offending_parameters_are_named_at_once(api):
    assert api.get(f"{SUBSCRIPTIONS}?page_token=x&page_size=0").fields == {"page_size", "page_token"}


@pytest.mark.parametrize(
    "query", ["page_size=%31", "a=b&page_size=1&c", "&&page_size=1&&", "page%5Fsize=1", "page_size=1&x=%zz"]
)
def test_queries_are_read_as_forms_are(api, query):
    made = api.subscribe()
    response = api.get(f"{SUBSCRIPTIONS}?{query}")
    assert response.status == 200 and ids(response.json["data"]) == [made["id"]]


def test_head_and_other_methods(api):
    api.subscribe()
    target = f"{SUBSCRIPTIONS}?page_size=5"
    assert api.head(target).status == 200 and api.head(SUBSCRIPTIONS).status == 400
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        response = api.call(method, target, body=b"{}")
        assert response.status == 405 and set(response.header("Allow").split(", ")) == {"GET", "HEAD"}
