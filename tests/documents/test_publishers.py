"""The publishers in docs/publishers: an event is published once, whatever becomes of the answers."""

import http.client
import json
import subprocess

import pytest
from example_receiver import find
from harness import ROOT
from stub import QuietHandler, StubServer

KINDS = {"php": "publish.php", "python3": "publish.py", "node": "publish.mjs", "sh": "publish.sh"}


class Losing(StubServer):
    """A proxy that answers the first `lost` requests with 503, after they were done or in place of doing them."""

    def __init__(self, url, lost, is_done):
        authority = url.removeprefix("http://")
        self.keys = []
        losing = self

        class Handler(QuietHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                losing.keys.append(self.headers["Idempotency-Key"])
                is_lost = len(losing.keys) <= lost
                status, answer = 503, b"<html>"
                if is_done or not is_lost:
                    connection = http.client.HTTPConnection(authority, timeout=20)
                    connection.request("POST", self.path, body, dict(self.headers))
                    got = connection.getresponse()
                    content = got.read()
                    connection.close()
                    if not is_lost:
                        status, answer = got.status, content
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        super().__init__(Handler)


@pytest.fixture(params=KINDS)
def publish(request, http):
    if not find(request.param):
        pytest.skip(f"{request.param} is not installed")
    if request.param == "php" and b"curl" not in subprocess.run([find("php"), "-m"], capture_output=True).stdout:
        pytest.skip("PHP's curl extension is not installed")
    shell = http[1]
    command = [find(request.param), str(ROOT / "docs/publishers" / KINDS[request.param])]

    def run(*words, url=None, **variables):
        env = {**shell.env, **({"HOOKTURN": url} if url else {}), **variables}
        return subprocess.run([*command, *words], env=env, capture_output=True, timeout=60)

    return run


def test_an_event_is_published(http, publish):
    org, _ = http
    org.api.subscribe(events=["Order.Created"])
    done = publish("Order.Created", '{"order_id": 4711, "name": "ä"}')
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["delivery_count"] == 1
    identity = org.api.get(f"/v1/public/webhook/event/{answer['event_id']}").json["delivery_ids"][0]
    assert json.loads(org.api.delivery(identity).json["body"])["payload"] == {"order_id": 4711, "name": "ä"}


@pytest.mark.parametrize("is_done", [True, False], ids=["the answer was lost", "nothing was done"])
def test_what_is_tried_again_is_published_once(http, publish, is_done):
    org, shell = http
    subscription = org.api.subscribe()["id"]
    with Losing(shell.env["HOOKTURN"], 1, is_done) as proxy:
        done = publish("Order.Created", "{}", url=proxy.url)
        assert done.returncode == 0, done.stderr
        assert len(proxy.keys) == 2 and len(set(proxy.keys)) == 1
    (delivery,) = org.api.all_deliveries(subscription)
    assert delivery["event_id"] == json.loads(done.stdout)["event_id"]


def test_what_is_wrong_is_not_tried_again(http, publish):
    with Losing(http[1].env["HOOKTURN"], 0, True) as proxy:
        done = publish("no event name", "{}", url=proxy.url)
        assert done.returncode != 0 and b"400" in done.stdout + done.stderr
        assert len(proxy.keys) == 1
        assert publish("Order.Created", "{}", url=proxy.url, HOOKTURN_KEY="hk_wrong").returncode != 0
        assert len(proxy.keys) == 2
