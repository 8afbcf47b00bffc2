"""Wherever it is mounted, the program finds its path: errors and Location name what the client sees, odd spellings lead
to no other route, and the site beside it is served as before."""

import re

import pytest
import raw_http
from api import SERVERS, SUBSCRIPTION, Organization, make_door

UNKNOWN = "0123456789abcdef01234567"
PROGRAM_STARTS_WITH = b"\x7fELF"

PLACES = [(name, {"mount": mount}) for name in SERVERS for mount in ("", "/hooks", "/a/b/c")]


@pytest.mark.parametrize("shared", PLACES, indirect=True, ids=lambda place: f"{place[0]}:{place[1]['mount']}/")
class TestMounted:
    def test_errors_and_location_name_what_the_client_sees(self, shared):
        mount, api = shared.door.mount, shared.api
        assert api.subscription(UNKNOWN).json["path"] == f"{mount}{SUBSCRIPTION}/{UNKNOWN}"
        made = api.create(name=mount or "root", url="https://a.example/", enable_signed_webhooks=True)
        assert made.header("Location") == f"{mount}{SUBSCRIPTION}/{made.json['id']}"

    def test_every_kind_of_operation_is_reached(self, shared):
        api = shared.api
        made = api.subscribe()
        assert api.rotate(made["id"]).status == 200
        assert api.publish().json["delivery_count"] >= 1
        assert [entry["id"] for entry in api.pages(1) if entry["id"] == made["id"]]
        assert api.get("/healthz").status == 200 and api.with_key(None).get("/v1/openapi.json").status == 200
        assert api.delete(made["id"]).status == 204 and api.subscription(made["id"]).status == 404

    @pytest.mark.parametrize("target", ["/v1", "/v1/", "/v1/x", "/metrics"])
    def test_nothing_below_our_roots_is_open(self, shared, target):
        assert shared.api.with_key(None).get(target).status == 401

    def test_a_site_beside_it_is_served(self, shared):
        server = shared.door.server
        folder = server.www / shared.door.mount.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for path in (folder, *folder.parents):
            if server.www in (path, *path.parents):
                path.chmod(0o755)
        for name in ("index.txt", "v1x.txt", "healthz.txt"):
            (folder / name).write_text(f"a site's {name}")
            (folder / name).chmod(0o644)
            assert server.request("GET", f"/{name}")[2] == f"a site's {name}".encode()


# Spellings that mean the same as another path (RFC 3986, section 6) and lead there, if the server lets them.
SAME = {
    "//v1/public/webhook/subscription/{id}", "/v1/../v1/public/webhook/subscription/{id}", "/../v1/public/webhook/subscription/{id}",
    "/v1/%2e%2e/v1/public/webhook/subscription/{id}", "/%761/public/webhook/subscription/{id}",
    "/v1/public/webhook/subscripti%6Fn/{id}",
}  # fmt: skip
# lighttpd takes an escaped slash for a slash before it looks for what the path is to be served by.
SAME_FOR_LIGHTTPD = {"/v1%2Fpublic/webhook/subscription/{id}"}
OTHER = [
    "/v1/public/webhook/subscription/%20", "/v1/public/webhook/subscription/{id}%20", "/v1/public/webhook/subscription/{id}%25",
    "/v1/public/webhook/subscription/{id}%2525", "/v1/public/webhook/subscription/{id}%2F", "/v1/public/webhook/subscription/{id}/",
    "/v1/public/webhook/subscription%2F{id}", "/v1/public/webhook%2Fsubscription/{id}", "/v1/public/webhook/subscription/{id}%3F",
    "/v1/public/webhook/subscription/{id}%3Fa=b", "/v1/public/webhook/subscription//{id}", "/v1/public//webhook/subscription/{id}",
    "/v1//public/webhook/subscription/{id}", "/v1/./public/webhook/subscription/{id}", "/v1/x/../public/webhook/subscription/{id}",
    "/v1/public/webhook/subscription/{id}/.", "/v1/public/webhook/subscription/{id}/..", "/v1/public/webhook/subscription/{id}%2F..",
    "/v1/x/%2e%2e/public/webhook/subscription/{id}", "/v1/..%2Fv1/public/webhook/subscription/{id}", "/v1/%2F%2F", "/v1/%3F", "/v1/%25",
    "/v1/%", "/v1/%zz", "/v1/%00", "/v1/public/webhook/subscription/{id}%00", "/v1/public/webhook/subscription/{id}%0A", "/v1/%5Cx",
    "/v1/%C3%A4", "/v1/%FF", "/v1/public/webhook/subscription/{id};a=b", "/v1/a%23b", "/V1/public/webhook/subscription/{id}",
    "/v1/%0D%0AX-Injected:%201", "/v1/" + "a/" * 500, "/v1/" + "%41" * 300, "/v1%20/x", "/v1%3F/x",
]  # fmt: skip

# What a server answers by itself with 400 or 404, and does not let through, although it would be ours.
SERVERS_OWN = {
    "apache": r"%(?![0-9A-Fa-f]{2})|%00|^/\.\.|^/V1|^//|^/v1%",
    "htaccess": r"%2F",  # Apache's default, which an .htaccess file cannot change
    "lighttpd": r"%FF|%00|^/V1|^/v1%|%2F\.\.|\.\.%2F|/\.\.|^/v1/%2[fF]",
    "nginx": r"%(?![0-9A-Fa-f]{2})|%00|^/\.\.|^/V1|^//|^/v1%|\.\.%2F",
}


def may_answer_itself(name, path):
    kinds = [kind for kind in SERVERS_OWN if name.startswith(kind)] + (["apache"] if name.startswith("htaccess") else [])
    return any(re.search(SERVERS_OWN[kind], path) for kind in kinds)


@pytest.mark.parametrize("shared", [("fcgi", {}), *PLACES[0::3], *PLACES[1::3]], indirect=True, ids=lambda place: f"{place[0]}:{place[1].get('mount', '')}/")
def test_an_odd_path_leads_to_no_other_route(shared):
    identity = shared.api.subscribe()["id"]
    same = SAME | (SAME_FOR_LIGHTTPD if shared.door.name.startswith("lighttpd") else set())
    wrong = []
    for spelling in [*OTHER, *SAME, *SAME_FOR_LIGHTTPD]:
        path = spelling.replace("{id}", identity)
        response = ask(shared, path)
        if response.status == 200:
            good = spelling in same and response.json["id"] == identity
        elif raw_http.is_ours(response):
            good = response.status == 404 and response.json["path"] == shared.door.mount + path
        else:
            good = response.status in (400, 404) and may_answer_itself(shared.door.name, spelling)
        if not good or response.header("X-Injected"):
            wrong.append((spelling, response))
    assert not wrong


def ask(org, path):
    if org.door.name == "fcgi":
        from api import Response

        return Response(org.door.request("GET", path, [("Authorization", f"Bearer {org.key}")]))
    return raw_http.exchange(org, "GET", path)


@pytest.mark.parametrize("shared", PLACES[0::3], indirect=True, ids=lambda place: place[0])
@pytest.mark.parametrize("target", ["/hookturn.fcgi", "/hookturn.fcgi/", "/hookturn.fcgi?x", "/.htaccess", "/HOOKTURN.FCGI"])
def test_the_program_and_its_configuration_are_no_files_of_the_site(shared, target):
    response = raw_http.exchange(shared, "GET", target)
    assert response.status in (403, 404) and PROGRAM_STARTS_WITH not in response.body and b"Rewrite" not in response.body
    if shared.door.name.startswith("htaccess") and target.startswith("/hookturn.fcgi"):
        assert response.json["path"] == target.partition("?")[0]


@pytest.mark.parametrize("name", ["htaccess-fcgid", "htaccess-cgid"])
def test_a_users_own_web_directory_is_a_place_as_well(install, name):
    installation = install()
    org = Organization(installation, make_door(installation, name, mount="/~tester"))
    made = org.api.create(name="n", url="https://a.example/", enable_signed_webhooks=True)
    assert made.header("Location") == f"/~tester{SUBSCRIPTION}/{made.json['id']}"
    assert org.api.rotate(made.json["id"]).status == 200
    assert org.api.subscription(UNKNOWN).json["path"] == f"/~tester{SUBSCRIPTION}/{UNKNOWN}"
    assert raw_http.exchange(org, "GET", "/hookturn.fcgi").json["path"] == "/~tester/hookturn.fcgi"
