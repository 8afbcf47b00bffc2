"""The libraries that receivers use accept our signatures, through a rotation, and refuse what is not signed for them."""

import base64
import json
import os
import re
import shutil
import subprocess

import pytest
from api import Organization, make_door
from harness import ROOT

HERE = ROOT / "tests/interop"
LIBRARIES = {"stripe", "standardwebhooks", "svix"}

pytestmark = pytest.mark.skipif(
    not (HERE / "node_modules").exists() or not shutil.which("node"), reason="run `npm ci` in tests/interop first"
)


def verify(lines):
    done = subprocess.run(
        [shutil.which("node"), str(HERE / "verify.mjs")],
        input="".join(json.dumps(line) + "\n" for line in lines).encode(),
        capture_output=True,
        timeout=60,
        cwd=HERE,
    )
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


@pytest.fixture
def org(install):
    installation = install(allow_destinations="127.0.0.0/8")
    return Organization(installation, make_door(installation, "fcgi"))


def capture(delivery, secrets):
    return {"headers": dict(delivery.headers), "body": delivery.body.decode(), "secrets": secrets}


def all_say(accepted):
    return {library: accepted for library in LIBRARIES}


def test_before_and_after_a_rotation_each_holder_of_a_valid_secret_accepts(org, receiver):
    made = org.api.subscribe(url=receiver.url("/in"))
    payload = {"text": "\u00fc \U0001f600", "n": 1.5, "nested": [{"a": None}]}
    org.api.publish(payload=payload)
    org.installation.deliver_once()
    rotated = org.api.rotate(made["id"]).json["secret"]
    org.api.publish(payload=payload)
    org.installation.deliver_once()
    forged = "whsec_" + base64.b64encode(os.urandom(30)).decode()
    secrets = {"old": made["secret"], "new": rotated, "third": forged}
    first, second = receiver.wait_for(2)
    before, after = verify([capture(first, secrets), capture(second, secrets)])
    assert before == all_say({"old": True, "new": False, "third": False})
    assert after == all_say({"old": True, "new": True, "third": False})


def test_a_changed_body_or_time_is_refused_by_all(org, receiver):
    made = org.api.subscribe(url=receiver.url("/in"))
    org.api.publish(payload={"amount": 100})
    org.installation.deliver_once()
    (delivery,) = receiver.wait_for(1)
    honest = capture(delivery, {"own": made["secret"]})
    changed = {**honest, "body": honest["body"].replace("100", "900")}
    headers = dict(honest["headers"])
    for name, value in headers.items():
        if name.lower() == "x-webhook-signature":
            headers[name] = re.sub(r"t=(\d+)", lambda match: f"t={int(match[1]) - 1}", value)
        if name.lower() == "webhook-timestamp":
            headers[name] = str(int(value) - 1)
    moved = {**honest, "headers": headers}
    assert verify([honest, changed, moved]) == [
        all_say({"own": True}),
        all_say({"own": False}),
        all_say({"own": False}),
    ]


def test_the_lock_pins_every_package_and_names_no_host():
    lock = json.loads((HERE / "package-lock.json").read_text())
    named = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert set(named) == LIBRARIES and all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in named.values())
    assert all(package.get("integrity") for path, package in lock["packages"].items() if path)
    assert not [package["resolved"] for package in lock["packages"].values() if "resolved" in package]
