"""The edges of HTTP and JSON: methods, media types, sizes, depths, and bytes that are no text."""

import json
import uuid

import pytest
from api import EVENT, EVENTS, SUBSCRIPTION, SUBSCRIPTIONS, WHOAMI, Api, Organization, Response, make_door
from fcgi_client import abandon
from harness import ROOT

UNKNOWN = "0123456789abcdef01234567"
MAX_BODY = 131072


def event(payload=b"{}", more=b""):
    return b'{"event_name":"A.b","payload":' + payload + more + b"}"


def subscription(more=b""):
    return b'{"name":"%s","url":"https://a.example/","enable_signed_webhooks":true%s}' % (uuid.uuid4().hex.encode(), more)


# ---- methods ----


@pytest.mark.parametrize(
    "target, allowed",
    [
        (SUBSCRIPTION, {"POST"}),
        (EVENT, {"POST"}),
        (f"{SUBSCRIPTION}/{UNKNOWN}/rotate/secret", {"POST"}),
        (f"{SUBSCRIPTION}/{UNKNOWN}/revoke/secret", {"POST"}),
        (f"{SUBSCRIPTION}/{UNKNOWN}/probe/secret", {"POST", "GET", "HEAD"}),
        (f"{SUBSCRIPTION}/{UNKNOWN}", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        (SUBSCRIPTIONS, {"GET", "HEAD"}),
        (EVENTS, {"POST"}),
        (f"{EVENT}/{UNKNOWN}", {"GET", "HEAD"}),
        (WHOAMI, {"GET", "HEAD"}),
        ("/v1/openapi.json", {"GET", "HEAD"}),
        ("/healthz", {"GET", "HEAD"}),
    ],
)
def test_an_unsupported_method_is_405_with_those_that_are(api, target, allowed):
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    for method in sorted(methods - allowed):
        sent = b"{}" if method in ("POST", "PUT", "PATCH") else None
        response = api.call(method, target, body=sent)
        assert response.status == 405
        assert set(response.header("Allow").replace(" ", "").split(",")) == allowed


@pytest.mark.parametrize("method", ["BREW", "get", "", "TRACE", "X" * 5000])
def test_a_method_that_nobody_knows_is_405(fcgi_org, method):
    response = fcgi_org.api.call(method, EVENT)
    assert response.status == 405 and response.header("Allow") == "POST"


def test_head_has_gets_status_and_headers_and_no_body(api):
    made = api.subscribe()
    for target in [f"{SUBSCRIPTION}/{made['id']}", f"{SUBSCRIPTION}/{UNKNOWN}", "/v1/openapi.json", "/healthz"]:
        get, head = api.get(target), api.call("HEAD", target)
        assert head.status == get.status and head.body == b""
        assert head.header("ETag") == get.header("ETag")
        assert head.header("Content-Type") == get.header("Content-Type")


# ---- media types ----


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/json;charset=UTF-8"],
)
def test_json_is_accepted_with_its_parameters(api, content_type):
    assert api.post(EVENT, body=event(), content_type=content_type).status == 202


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/json-seq", "text/json", "json",
     "application/merge-patch+json", "multipart/form-data; boundary=x", "x/application/json", "*/*"],
)  # fmt: skip
@pytest.mark.parametrize("target", [EVENT, SUBSCRIPTION])
def test_another_media_type_is_415(api, target, content_type):
    response = api.post(target, body=event(), content_type=content_type)
    assert response.status == 415


def test_no_media_type_at_all_is_415(fcgi_org):
    response = fcgi_org.api.call("POST", EVENT, body=event(), content_type="")
    assert response.status == 415


@pytest.mark.parametrize("target", [EVENT, SUBSCRIPTION])
def test_nothing_at_all_is_400(api, target):
    """No body has no media type that could be wrong."""
    assert api.post(target).status == 400


# ---- sizes ----


def padded(size):
    empty = event(b'{"p":""}')
    return event(b'{"p":"' + b"x" * (size - len(empty)) + b'"}')


def test_a_body_of_128_kib_is_accepted_and_one_byte_more_is_413(api):
    assert len(padded(MAX_BODY)) == MAX_BODY
    assert api.post(EVENT, body=padded(MAX_BODY)).status == 202
    for size in (MAX_BODY + 1, MAX_BODY + 70_000):
        assert api.post(EVENT, body=padded(size)).status == 413


def test_the_limit_holds_without_a_length_as_well(api):
    assert api.post(EVENT, body=padded(MAX_BODY), chunked=True).status == 202
    assert api.post(EVENT, body=padded(MAX_BODY + 1), chunked=True).status == 413


def test_a_body_of_many_megabytes_is_413_and_holds_nothing_up(api):
    assert api.post(EVENT, body=b" " * (8 << 20)).status == 413
    assert api.publish().status == 202


def test_a_chunked_body_is_read_to_its_end(api):
    api.subscribe()
    response = api.post(EVENT, body=event(b'{"p":"' + b"x" * 20000 + b'"}'), chunked=True)
    assert response.status == 202 and response.json["delivery_count"] == 1


@pytest.mark.parametrize("length", ["", None])
def test_an_absent_content_length_means_read_to_the_end(fcgi_org, length):
    door = fcgi_org.door
    headers = [("Authorization", f"Bearer {fcgi_org.key}"), ("Content-Type", "application/json")]
    params = door.params("POST", EVENT, headers)
    if length is not None:
        params["CONTENT_LENGTH"] = length
    assert door.pool.request(params, event()).status == 202


def test_a_body_that_ends_before_its_announced_end_does_nothing(fcgi_org):
    door, api = fcgi_org.door, fcgi_org.api
    headers = [("Authorization", f"Bearer {fcgi_org.key}"), ("Content-Type", "application/json")]
    sent = subscription()
    params = {**door.params("POST", SUBSCRIPTION, headers), "CONTENT_LENGTH": len(sent) + 10}
    response = Response(door.pool.request(params, sent))
    assert response.status == 400, response
    assert api.post(SUBSCRIPTION, body=sent).status == 201  # the name is still free


@pytest.mark.parametrize("length", ["abc", "-1", "99999999999999999999999", "0x10", "1e3", "5 5", "18446744073709551615"])
def test_a_senseless_content_length_ends_in_an_orderly_answer(fcgi_org, length):
    door = fcgi_org.door
    headers = [("Authorization", f"Bearer {fcgi_org.key}"), ("Content-Type", "application/json")]
    params = {**door.params("POST", EVENT, headers), "CONTENT_LENGTH": length}
    response = Response(door.pool.request(params, event()))
    assert response.status in (202, 400, 413), response


def test_a_client_that_goes_away_leaves_nothing_behind(fcgi_org):
    door, api = fcgi_org.door, fcgi_org.api
    headers = [("Authorization", f"Bearer {fcgi_org.key}"), ("Content-Type", "application/json")]
    sent = subscription()
    for cut in (0, 1, len(sent) // 2, len(sent) - 1):
        abandon(door.pool.address, door.params("POST", SUBSCRIPTION, headers, sent), sent[:cut])
    assert api.post(SUBSCRIPTION, body=sent).status == 201


# ---- JSON ----

INVALID_JSON = {
    "nothing": b"",
    "spaces": b"  \n",
    "cut": b'{"event_name":"A.b"',
    "trailing comma": b'{"event_name":"A.b","payload":{},}',
    "second value": b'{"event_name":"A.b","payload":{}} {}',
    "trailing text": b'{"event_name":"A.b","payload":{}}x',
    "comment": b'{"event_name":"A.b",/**/"payload":{}}',
    "single quotes": b"{'event_name':'A.b','payload':{}}",
    "bare name": b'{event_name:"A.b","payload":{}}',
    "byte order mark": b"\xef\xbb\xbf" + b'{"event_name":"A.b","payload":{}}',
    "NaN": event(b'{"n":NaN}'),
    "Infinity": event(b'{"n":Infinity}'),
    "-Infinity": event(b'{"n":-Infinity}'),
    "1.": event(b'{"n":1.}'),
    ".5": event(b'{"n":.5}'),
    "+1": event(b'{"n":+1}'),
    "01": event(b'{"n":01}'),
    "0x1": event(b'{"n":0x1}'),
    "raw newline": event(b'{"s":"a\nb"}'),
    "raw tab": event(b'{"s":"a\tb"}'),
    "raw NUL": event(b'{"s":"a\x00b"}'),
    "NUL behind": b'{"event_name":"A.b","payload":{}}\x00',
    "bad escape": event(b'{"s":"\\x41"}'),
    "short escape": event(b'{"s":"\\u12"}'),
    "upper-case literal": event(b'{"s":True}'),
    "latin-1": event(b'{"s":"\xfc"}'),
    "lone continuation": event(b'{"s":"\x80"}'),
    "overlong": event(b'{"s":"\xc0\xaf"}'),
    "encoded surrogate": event(b'{"s":"\xed\xa0\x80"}'),
    "beyond Unicode": event(b'{"s":"\xf4\x90\x80\x80"}'),
    "cut UTF-8": event(b'{"s":"\xe2\x82"}'),
    "UTF-16": '{"event_name":"A.b","payload":{}}'.encode("utf-16"),
    "member twice": b'{"event_name":"A.b","payload":{},"payload":{}}',
    "member twice, escaped": b'{"event_name":"A.b","payload":{},"p\\u0061yload":{}}',
    "unknown member twice": b'{"event_name":"A.b","payload":{},"x":1,"x":1}',
    "form feed": b'\x0c{"event_name":"A.b","payload":{}}',
    "no-break space": b'\xc2\xa0{"event_name":"A.b","payload":{}}',
}


@pytest.mark.parametrize("name", INVALID_JSON)
def test_what_is_not_strictly_json_is_400(api, name):
    response = api.post(EVENT, body=INVALID_JSON[name])
    assert response.status == 400 and response.json["type"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("value", [b"[]", b"[{}]", b"null", b"true", b"5", b'"text"'])
@pytest.mark.parametrize("target", [EVENT, SUBSCRIPTION])
def test_a_body_that_is_no_object_is_400(api, target, value):
    assert api.post(target, body=value).status == 400


@pytest.mark.parametrize("target", [EVENT, SUBSCRIPTION])
def test_nul_and_lone_surrogates_are_400_in_what_is_interpreted(api, target):
    make, member = (event, b"trace_id") if target == EVENT else (subscription, b"description")
    for text in [b"a\\u0000b", b"\\ud800", b"\\udc00x", b"\\ud800\\u0041", b"\\udc00\\ud800"]:
        sent = make(more=b',"%s":"%s"' % (member, text))
        assert api.post(target, body=sent).status == 400, text


def test_escapes_are_understood_wherever_they_stand(api):
    sent = b'{"\\u006eame":"\\ud83d\\ude00 %s","url":"https:\\/\\/a.example\\/","enable_signed_webhooks":true}'
    mark = uuid.uuid4().hex
    made = api.post(SUBSCRIPTION, body=sent % mark.encode())
    assert made.status == 201
    assert made.json["name"] == f"\U0001f600 {mark}" and made.json["url"] == "https://a.example/"


def nested(levels):
    """A payload so that the whole body is `levels` deep: the outermost object is level 1."""
    inner = levels - 2
    return event(b'{"a":' + b"[" * inner + b"]" * inner + b"}")


def test_nesting_of_32_is_accepted_and_33_is_400(api):
    assert api.post(EVENT, body=nested(32)).status == 202
    assert api.post(EVENT, body=nested(33)).status == 400
    objects = b'{"a":' * 31 + b"1" + b"}" * 31
    assert api.post(EVENT, body=event(objects)).status == 202
    assert api.post(EVENT, body=event(b'{"a":' + objects + b"}")).status == 400


def test_depth_in_unknown_members_counts_as_well(api):
    assert api.post(EVENT, body=event(more=b',"x":' + b"[" * 31 + b"]" * 31)).status == 202
    assert api.post(EVENT, body=event(more=b',"x":' + b"[" * 32 + b"]" * 32)).status == 400


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_hostile_depth_costs_nothing(api, opening):
    sent = opening * (100_000 // len(opening))
    assert api.post(EVENT, body=sent).status == 400
    assert api.publish().status == 202


SUITE = ROOT / "tests/data/JSONTestSuite"


@pytest.mark.skipif(not SUITE.exists(), reason="tests/data/JSONTestSuite is not there")
def test_the_published_suite_of_json_texts_is_judged_as_its_names_say(fcgi_org):
    wrong = []
    for path in sorted(SUITE.glob("[yn]_*.json")):
        sent = path.read_bytes()
        if b"[" * 32 in sent:
            continue
        response = fcgi_org.api.post(EVENT, body=event(b'{"a":' + sent + b"}"))
        good = response.status == 202
        if good != path.name.startswith("y_"):
            wrong.append(path.name)
    # Texts whose fault is an end that comes too early or a value too many become other texts inside of a body.
    assert wrong == []


# ---- paths ----


@pytest.mark.parametrize(
    "variables",
    [
        {"PATH_INFO": f"{SUBSCRIPTION}/{{id}}", "SCRIPT_NAME": "", "REQUEST_URI": f"{SUBSCRIPTION}/{{id}}"},
        {"PATH_INFO": f"{SUBSCRIPTION}/{{id}}", "SCRIPT_NAME": "/mount", "REQUEST_URI": f"/mount{SUBSCRIPTION}/{{id}}"},
        {"PATH_INFO": "/public/webhook/subscription/{id}", "SCRIPT_NAME": "/v1", "REQUEST_URI": f"{SUBSCRIPTION}/{{id}}"},
        {"SCRIPT_NAME": f"{SUBSCRIPTION}/{{id}}", "REQUEST_URI": f"{SUBSCRIPTION}/{{id}}"},
        {"SCRIPT_NAME": "/cgi-bin/hookturn.fcgi", "REQUEST_URI": f"{SUBSCRIPTION}/{{id}}"},
        {"SCRIPT_NAME": "/hooks/hookturn.fcgi", "REQUEST_URI": f"/hooks{SUBSCRIPTION}/{{id}}?a=/v1/x"},
        {"PATH_INFO": "", "SCRIPT_NAME": "", "REQUEST_URI": f"{SUBSCRIPTION}/{{id}}"},
        {"SCRIPT_NAME": "/x.fcgi", "REQUEST_URI": "/v1/public/webhook/subscripti%6Fn/{id}"},
    ],
)
def test_the_path_is_found_however_the_server_splits_it(fcgi_org, variables):
    made = fcgi_org.api.subscribe()
    params = fcgi_org.door.params("GET", "/", [("Authorization", f"Bearer {fcgi_org.key}")])
    del params["PATH_INFO"]
    params.update({name: value.replace("{id}", made["id"]) for name, value in variables.items()})
    response = Response(fcgi_org.door.pool.request(params))
    assert response.status == 200 and response.json["id"] == made["id"]


@pytest.mark.parametrize(
    "path",
    ["/v1/public/webhook/subscription/", "/v1//public/webhook/event", "/v1/public/webhook/event/extra/more", "/V1/openapi.json",
     "/v1/openapi.json/", "/v1/public/webhook/subscription/a/b", "/v1/../v1/openapi.json/x"],
)  # fmt: skip
def test_a_path_that_is_nearly_one_of_ours_is_404(fcgi_org, path):
    response = fcgi_org.door.request("GET", path, [("Authorization", f"Bearer {fcgi_org.key}")])
    assert response.status == 404


@pytest.mark.parametrize("path", [b"/v1/\xff\xfe", b"/v1/\x00x", b"/v1/\r\nX-Injected: 1", b"/v1/" + b"a" * 60000, b"v1", b""])
def test_a_hostile_path_is_answered_and_injects_nothing(fcgi_org, path):
    params = fcgi_org.door.params("GET", "/", [("Authorization", f"Bearer {fcgi_org.key}")])
    params["PATH_INFO"] = path
    params["REQUEST_URI"] = path
    response = Response(fcgi_org.door.pool.request(params))
    assert response.status in (400, 404) and response.header("X-Injected") is None
    json.loads(response.body)


def test_what_one_door_made_the_other_reads(install):
    installation = install()
    lighttpd = make_door(installation, "lighttpd")
    org = Organization(installation, make_door(installation, "fcgi", tcp=True))
    made = org.api.subscribe()
    behind_lighttpd = Api(lighttpd, org.key)
    assert behind_lighttpd.subscription(made["id"]).json["name"] == made["name"]
    assert behind_lighttpd.rotate(made["id"]).status == 200
    assert len(org.api.subscription(made["id"]).json["signing_secrets"]) == 2
