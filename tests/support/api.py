"""The API's client: one request through one of the doors, and what holds for every answer, checked on every answer."""

import json
import re
import signal
import uuid
from urllib.parse import quote, urlencode

import apache
import openapi
import plain_cgi
from fcgi_client import Pool, Raw
from lighttpd import Lighttpd, LighttpdCgi
from nginx import Nginx

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OBJECT_ID = re.compile(r"[0-9a-f]{24}")
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{40}")
SUBSCRIPTION = "/v1/public/webhook/subscription"
SUBSCRIPTIONS = "/v1/public/webhook/subscriptions"
EVENT = "/v1/public/webhook/event"
EVENTS = "/v1/public/webhook/events"
DELIVERY = "/v1/public/webhook/delivery"
WHOAMI = "/v1/whoami"
METRICS = "/metrics"

ERROR_TYPES = {
    400: "VALIDATION_ERROR",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class Response:
    def __init__(self, raw):
        self.status, self.headers, self.body = raw.status, list(raw.headers), raw.body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=_object)

    @property
    def fields(self):
        """The names in details.fields."""
        return set(self.json.get("details", {}).get("fields", {}))

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


def _object(pairs):
    assert len({name for name, _ in pairs}) == len(pairs), "a member stands twice"
    return dict(pairs)


def has_null(value):
    if isinstance(value, dict):
        return any(has_null(member) for member in value.values())
    if isinstance(value, list):
        return any(has_null(element) for element in value)
    return value is None


def check_answer(method, target, response, mount=""):
    """What section by section holds for each answer, whatever the operation."""
    path = target.partition("?")[0]
    trace_id = response.header("X-Trace-Id")
    assert trace_id and str(uuid.UUID(trace_id)) == trace_id
    assert response.header("Cache-Control") == "no-store"
    if response.status == 401:
        assert response.header("WWW-Authenticate") == "Bearer"
    if response.status == 503:
        assert int(response.header("Retry-After")) > 0
    if response.status == 405:
        assert response.header("Allow")
    if method == "HEAD":
        assert response.body == b""
        return
    if response.status == 204:
        assert response.body == b""
        return
    if path == "/metrics" and response.status == 200:
        assert response.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
        return
    assert response.header("Content-Type") == "application/json"
    body = response.json
    ours = {name: member for name, member in body.items() if name != "payload"}  # a payload is the publisher's
    assert path == "/v1/openapi.json" or not has_null(ours)
    if response.status == 401:
        assert list(body) == ["error", "message", "traceId"]
        assert body == {"error": "Authentication", "message": "Authentication failed", "traceId": trace_id}
    elif response.status >= 400 and not (path == "/healthz" and response.status == 503):
        check_error(body, response.status, mount + path, trace_id)


def check_error(body, status, path, trace_id):
    members = [name for name in body if name != "details"]
    assert members == ["status", "type", "message", "timestamp", "path", "trace_id"]
    assert body["status"] == status and body["type"] == ERROR_TYPES[status]
    assert isinstance(body["message"], str) and body["message"].strip()
    assert TIME.fullmatch(body["timestamp"])
    assert body["path"] == path
    assert body["trace_id"] == trace_id
    fields = body.get("details", {}).get("fields", {})
    assert all(isinstance(text, str) and text.strip() for text in fields.values())
    if "details" in body:
        assert status == 400 and set(body["details"]) == {"fields"} and fields


def cgi_params(method, target, headers=(), body=None, mount=""):
    """The variables that a web server sets."""
    path, _, query = target.partition("?")
    params = {
        "GATEWAY_INTERFACE": "CGI/1.1",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": method,
        "REQUEST_URI": mount + target,
        "SCRIPT_NAME": mount,
        "PATH_INFO": path,
        "QUERY_STRING": query,
    }
    if body is not None:
        params["CONTENT_LENGTH"] = len(body)
    for name, value in headers:
        upper = name.upper().replace("-", "_")
        params["CONTENT_TYPE" if upper == "CONTENT_TYPE" else f"HTTP_{upper}"] = value
    return params


class FcgiDoor:
    """Straight to the program, with the variables that a web server sets."""

    name, mount = "fcgi", ""

    def __init__(self, installation, processes=2, tcp=False, socket="fcgi.sock"):
        """`socket`: another name for each door of an installation that has several, to choose the process."""
        self.pool = Pool(
            installation.fcgi, installation.directory, installation.env, processes, tcp, installation.stderr, socket,
            prefix=installation.as_user,
        )  # fmt: skip
        installation.closers.append(self.pool.close)

    params = staticmethod(cgi_params)

    def request(self, method, target, headers=(), body=None, mount="", chunked=False, timeout=30):
        params = cgi_params(method, target, headers, body, mount)
        if chunked:
            params["CONTENT_LENGTH"] = ""
        return self.pool.request(params, body or b"", timeout)

    def pids(self):
        return self.pool.pids()

    def kill(self, pid, signum=signal.SIGKILL):
        self.pool.kill(pid, signum)


class CgiDoor:
    """Plain CGI without a server."""

    name, mount = "cgi", ""

    def __init__(self, installation):
        self.installation = installation

    def request(self, method, target, headers=(), body=None, mount="", chunked=False, timeout=30):
        params = cgi_params(method, target, headers, body, mount)
        if chunked:
            del params["CONTENT_LENGTH"]
        return plain_cgi.run(self.installation, params, body or b"", timeout, self.installation.as_user)[0]

    def pids(self):
        return []


class ServerDoor:
    """Through a real web server; `mount` as the server's configuration says."""

    def __init__(self, installation, kind, mount="", **more):
        self.name, self.mount = kind.name, mount
        self.server = kind(installation, mount, **more)
        installation.closers.append(self.server.close)

    def request(self, method, target, headers=(), body=None, mount="", chunked=False, timeout=30):
        assert mount in ("", self.mount)
        return Raw(*self.server.request(method, target, headers, body, chunked, timeout), "", 0)

    def pids(self):
        return self.server.backends()

    def kill(self, pid, signum=signal.SIGKILL):
        self.server.kill_backend(pid, signum)


SERVERS = {
    kind.name: kind
    for kind in (
        Lighttpd, LighttpdCgi, apache.ApacheFcgid, apache.ApacheCgid, apache.ApacheProxyFcgi, apache.HtaccessFcgid,
        apache.HtaccessCgid, Nginx,
    )
}  # fmt: skip
DOORS = ["fcgi", "cgi", *SERVERS]


def make_door(installation, name, **more):
    if name in SERVERS:
        return ServerDoor(installation, SERVERS[name], **more)
    return {"fcgi": FcgiDoor, "cgi": CgiDoor}[name](installation, **more)


class Api:
    """One client with one key (None: without)."""

    def __init__(self, door, key=None):
        self.door, self.key = door, key

    def with_key(self, key):
        return Api(self.door, key)

    def call(self, method, target, json_body=None, *, body=None, headers=None, content_type=None, **more):
        sent = [] if self.key is None else [("Authorization", f"Bearer {self.key}")]
        if json_body is not None:
            body = json.dumps(json_body).encode()
        if body is not None and content_type is None:
            content_type = "application/json"
        if content_type:
            sent.append(("Content-Type", content_type))
        sent += list((headers or {}).items())
        response = Response(self.door.request(method, target, sent, body, **more))
        check_answer(method, target, response, more.get("mount", self.door.mount))
        openapi.check(method, target.partition("?")[0], response)
        return response

    def get(self, target, **more):
        return self.call("GET", target, **more)

    def head(self, target, **more):
        return self.call("HEAD", target, **more)

    def post(self, target, json_body=None, **more):
        return self.call("POST", target, json_body, **more)

    # --- the operations ---

    def create(self, **members):
        """POST a subscription as given; nothing is filled in."""
        return self.post(SUBSCRIPTION, members)

    def subscribe(self, **members):
        """Makes a subscription that must succeed, with unimportant members filled in; returns its JSON."""
        body = {"name": f"s-{uuid.uuid4()}", "url": "https://hooks.example.com/in", "enable_signed_webhooks": True}
        response = self.create(**{**body, **members})
        assert response.status == 201, response
        return response.json

    def subscription(self, identity):
        return self.get(f"{SUBSCRIPTION}/{identity}")

    def rotate(self, identity, **more):
        return self.post(f"{SUBSCRIPTION}/{identity}/rotate/secret", **more)

    def put(self, identity, json_body=None, **more):
        return self.call("PUT", f"{SUBSCRIPTION}/{identity}", json_body, **more)

    def patch(self, identity, json_body=None, **more):
        return self.call("PATCH", f"{SUBSCRIPTION}/{identity}", json_body, **more)

    def delete(self, identity, **more):
        return self.call("DELETE", f"{SUBSCRIPTION}/{identity}", **more)

    def revoke(self, identity, **more):
        return self.post(f"{SUBSCRIPTION}/{identity}/revoke/secret", **more)

    def page(self, page_size=100, page_token=None, **more):
        query = f"page_size={page_size}" + (f"&page_token={quote(page_token, safe='')}" if page_token else "")
        return self.get(f"{SUBSCRIPTIONS}?{query}", **more)

    def pages(self, page_size=100):
        """Every subscription of the list, page by page."""
        token = None
        while True:
            response = self.page(page_size, token)
            assert response.status == 200 and len(response.json["data"]) <= page_size, response
            yield from response.json["data"]
            token = response.json.get("next_page_token")
            if token is None:
                return

    def deliveries(self, identity, page_size=100, page_token=None, **filters):
        query = {"page_size": page_size, **({"page_token": page_token} if page_token else {}), **filters}
        return self.get(f"{SUBSCRIPTION}/{identity}/deliveries?{urlencode(query)}")

    def delivery_pages(self, identity, page_size=100, **filters):
        """The pages of the subscription's list of deliveries, each a list."""
        token = None
        while True:
            response = self.deliveries(identity, page_size, token, **filters)
            assert response.status == 200 and len(response.json["data"]) <= page_size, response
            yield response.json["data"]
            token = response.json.get("next_page_token")
            if token is None:
                return

    def all_deliveries(self, identity, page_size=100, **filters):
        return [item for page in self.delivery_pages(identity, page_size, **filters) for item in page]

    def delivery(self, identity, **more):
        return self.get(f"{DELIVERY}/{identity}", **more)

    def retry(self, identity, **more):
        return self.post(f"{DELIVERY}/{identity}/retry", **more)

    def cancel(self, identity, **more):
        return self.post(f"{DELIVERY}/{identity}/cancel", **more)

    def recover(self, identity, json_body=None, **more):
        return self.post(f"{SUBSCRIPTION}/{identity}/recover", json_body, **more)

    def send_test(self, identity, **more):
        return self.post(f"{SUBSCRIPTION}/{identity}/test", **more)

    def event(self, identity, **more):
        return self.get(f"{EVENT}/{identity}", **more)

    def publish_batch(self, events, **more):
        return self.post(EVENTS, events, **more)

    def publish(self, event_name="Order.Created", payload=None, headers=None, **members):
        body = {"event_name": event_name, "payload": {"n": 1} if payload is None else payload, **members}
        return self.post(EVENT, body, headers=headers)


class Organization:
    """A fresh organization with one key for everything: tests do not see each other."""

    def __init__(self, installation, door):
        self.installation, self.door = installation, door
        self.id = str(uuid.uuid4())
        self.key = installation.create_key(self.id)
        self.api = Api(door, self.key)

    def key_with(self, scope, **more):
        return self.installation.create_key(self.id, scope, **more)

    def api_with(self, scope, **more):
        return Api(self.door, self.key_with(scope, **more))
