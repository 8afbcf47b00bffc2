"""The form of errors: what the API client checks on every answer (see support/api.py), and what is particular."""

import pytest
from api import EVENT, SUBSCRIPTION, Organization, Response, make_door
from harness import eventually

UNKNOWN = "0123456789abcdef01234567"


def test_the_path_is_the_clients_without_the_query(api):
    response = api.get(f"{SUBSCRIPTION}/{UNKNOWN}?a=b&c=%2F")
    assert response.json["path"] == f"{SUBSCRIPTION}/{UNKNOWN}"


@pytest.mark.parametrize("mount", ["/hooks", "/cgi-bin/hookturn.fcgi", "/a/b/c"])
def test_the_mount_point_stands_in_the_path_and_in_location(fcgi_org, mount):
    api = fcgi_org.api
    response = api.get(f"{SUBSCRIPTION}/{UNKNOWN}", mount=mount)
    assert response.status == 404 and response.json["path"] == f"{mount}{SUBSCRIPTION}/{UNKNOWN}"
    body = {"name": mount, "url": "https://a.example/", "enable_signed_webhooks": False}
    made = api.post(SUBSCRIPTION, body, mount=mount)
    assert made.header("Location") == f"{mount}{SUBSCRIPTION}/{made.json['id']}"


def test_trace_ids_are_different_for_each_answer(api):
    assert len({api.get(f"{SUBSCRIPTION}/{UNKNOWN}").header("X-Trace-Id") for _ in range(10)}) == 10


def test_what_was_sent_is_not_echoed(api):
    """Messages are ours: hostile input never comes back in them."""
    mark = "<script>mark-4711</script>"
    for body in [{"name": mark, "url": mark, "events": [mark], "headers": {mark: mark}}, {"name": [mark]}]:
        response = api.post(SUBSCRIPTION, body)
        assert response.status == 400
        text = "".join(response.json["details"]["fields"].values()) + response.json["message"]
        assert "4711" not in text


def test_malformed_json_has_no_fields_but_a_message(api):
    response = api.post(EVENT, body=b'{"event_name":')
    assert response.status == 400 and response.json["type"] == "VALIDATION_ERROR"


def test_validation_errors_keep_their_form_for_hundreds_of_entries(api):
    """Every answer is whole, however many entries are wrong."""
    response = api.post(SUBSCRIPTION, {"name": "n", "events": [f"bad {n}" for n in range(500)]})
    assert response.status == 400
    assert {field.partition("[")[0].partition(".")[0] for field in response.fields} == {
        "events", "url", "enable_signed_webhooks",
    }  # fmt: skip


def test_an_unusable_store_is_503_for_the_api(install):
    installation = install()
    org = Organization(installation, make_door(installation, "fcgi"))
    store_home = next(path for path in installation.data.iterdir() if path.is_dir())
    store_home.rename(installation.data / "away")
    response = Response(org.door.request("GET", f"{SUBSCRIPTION}/{UNKNOWN}", [("Authorization", f"Bearer {org.key}")]))
    assert response.status in (500, 503), response
    assert response.json["type"] in ("INTERNAL_ERROR", "SERVICE_UNAVAILABLE")
    assert str(installation.directory) not in response.body.decode()
    (installation.data / "away").rename(store_home)
    eventually(lambda: org.api.get(f"{SUBSCRIPTION}/{UNKNOWN}").status == 404, timeout=10)
