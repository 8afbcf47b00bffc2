"""If-Match: who read an older state changes nothing."""

import pytest
from api import Organization, make_door

UNKNOWN = "0123456789abcdef01234567"
BODY = {"name": "changed", "url": "https://hooks.example.com/", "enable_signed_webhooks": True}

CHANGES = {
    "PUT": lambda api, identity, headers: api.put(identity, BODY, headers=headers),
    "PATCH": lambda api, identity, headers: api.patch(identity, {"name": "changed"}, headers=headers),
    "DELETE": lambda api, identity, headers: api.delete(identity, headers=headers),
}


@pytest.fixture(params=CHANGES)
def change(request):
    def run(api, identity, if_match, **headers):
        return CHANGES[request.param](api, identity, {"If-Match": if_match, **headers})

    run.success = 204 if request.param == "DELETE" else 200
    run.method = request.param
    return run


def assert_unchanged(api, before):
    after = api.subscription(before.json["id"])
    assert after.status == 200 and after.json == before.json and after.header("ETag") == before.header("ETag")


def test_the_current_etag_lets_the_change_through(api, change):
    made = api.subscribe()
    etag = api.subscription(made["id"]).header("ETag")
    assert change(api, made["id"], etag).status == change.success


def test_an_old_etag_is_412_and_changes_nothing(api, change):
    made = api.subscribe()
    old = api.subscription(made["id"]).header("ETag")
    api.patch(made["id"], {"description": "meanwhile"})
    before = api.subscription(made["id"])
    response = change(api, made["id"], old)
    assert response.status == 412 and response.json["type"] == "PRECONDITION_FAILED"
    assert_unchanged(api, before)


def test_every_visible_change_makes_an_etag_old(api, change):
    made = api.subscribe()
    for what in (
        lambda: api.rotate(made["id"]),
        lambda: api.revoke(made["id"]),
        lambda: api.put(made["id"], {**BODY, "name": made["name"]}),
        lambda: api.patch(made["id"], {"active": False}),
    ):
        old = api.subscription(made["id"]).header("ETag")
        assert what().status == 200
        assert change(api, made["id"], old).status == 412
    assert change(api, made["id"], api.subscription(made["id"]).header("ETag")).status == change.success


def test_the_etags_of_all_answers_fit(api):
    made = api.create(**{**BODY, "name": "made"})
    etag, identity = made.header("ETag"), made.json["id"]
    for number in range(3):
        answer = api.put(identity, {**BODY, "description": str(number)}, headers={"If-Match": etag})
        assert answer.status == 200
        answer = api.patch(identity, {"description": f"p{number}"}, headers={"If-Match": answer.header("ETag")})
        assert answer.status == 200
        answer = api.patch(identity, {"active": number == 1}, headers={"If-Match": api.rotate(identity).header("ETag")})
        assert answer.status == 200
        etag = api.revoke(identity).header("ETag")
    assert api.delete(identity, headers={"If-Match": etag}).status == 204


def test_a_star_means_any_that_exists(api, change):
    made = api.subscribe()
    assert change(api, made["id"], "*").status == change.success
    assert change(api, UNKNOWN, "*").status in (404, 412)


def test_one_of_several_is_enough(api, change):
    made = api.subscribe()
    etag = api.subscription(made["id"]).header("ETag")
    assert change(api, made["id"], '"a", "b,c"').status == 412
    assert change(api, made["id"], f'"a" , "b,c",{etag}').status == change.success


def test_weak_ones_never_match(api, change):
    made = api.subscribe()
    before = api.subscription(made["id"])
    assert change(api, made["id"], f"W/{before.header('ETag')}").status == 412
    assert_unchanged(api, before)


@pytest.mark.parametrize(
    "value", ['""', '"x"', '"*"', "garbage", '"unclosed', ",", '"' + "x" * 4000 + '"', "W/", '** "']
)
def test_anything_else_never_matches(api, change, value):
    made = api.subscribe()
    before = api.subscription(made["id"])
    assert change(api, made["id"], value).status in (400, 412)
    assert_unchanged(api, before)


def test_an_etag_is_a_strong_quoted_one(api):
    etag = api.subscription(api.subscribe()["id"]).header("ETag")
    assert len(etag) > 2 and etag[0] == etag[-1] == '"' and '"' not in etag[1:-1]


def test_what_does_not_exist_is_404_whatever_the_precondition(api, change):
    assert change(api, UNKNOWN, '"x"').status in (404, 412)
    made = api.subscribe()
    etag = api.subscription(made["id"]).header("ETag")
    api.delete(made["id"])
    assert change(api, made["id"], etag).status in (404, 412)


def test_the_end_of_a_window_makes_an_etag_old(install, change):
    installation = install(clock=True, secret_grace="10m")
    api = Organization(installation, make_door(installation, "fcgi", processes=1)).api
    made = api.subscribe()
    etag = api.rotate(made["id"]).header("ETag")
    installation.set_clock(660_000)
    assert change(api, made["id"], etag).status == 412
    assert change(api, made["id"], api.subscription(made["id"]).header("ETag")).status == change.success


def test_a_wrong_body_is_400_first_or_412_and_changes_nothing(api):
    made = api.subscribe()
    before = api.subscription(made["id"])
    assert api.put(made["id"], {"name": ""}, headers={"If-Match": '"old"'}).status in (400, 412)
    assert api.patch(made["id"], {"name": ""}, headers={"If-Match": '"old"'}).status in (400, 412)
    assert_unchanged(api, before)


def test_a_patch_that_changes_nothing_asks_for_the_current_etag_as_well(api):
    made = api.subscribe()
    old = api.subscription(made["id"]).header("ETag")
    assert api.patch(made["id"], {}, headers={"If-Match": old}).header("ETag") == old
    new = api.patch(made["id"], {"description": "d"}).header("ETag")
    assert api.patch(made["id"], {}, headers={"If-Match": old}).status == 412
    assert api.patch(made["id"], {}, headers={"If-Match": new}).status == 200


def test_a_replay_is_given_though_its_precondition_holds_no_more(api):
    made = api.subscribe()
    headers = {"If-Match": api.subscription(made["id"]).header("ETag"), "Idempotency-Key": "once"}
    first = api.put(made["id"], BODY, headers=headers)
    again = api.put(made["id"], BODY, headers=headers)
    assert first.status == again.status == 200 and again.header("Idempotent-Replayed") == "true"
    assert again.body == first.body and again.header("ETag") == first.header("ETag")


def test_a_failed_precondition_is_not_kept(api):
    made = api.subscribe()
    headers = {"If-Match": '"old"', "Idempotency-Key": "once"}
    assert api.patch(made["id"], {"description": "d"}, headers=headers).status == 412
    headers["If-Match"] = api.subscription(made["id"]).header("ETag")
    done = api.patch(made["id"], {"description": "d"}, headers=headers)
    assert done.status == 200 and done.header("Idempotent-Replayed") is None
