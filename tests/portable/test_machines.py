"""The archive's programs on other machines' file systems: a rotation from end to end over TLS.

HOOKTURN_ROOTS names root directories, separated by colons; `debootstrap --variant=minbase
--include=libcurl4,ca-certificates bullseye DIRECTORY` makes one."""

import json
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from api import EVENT, SUBSCRIPTION, Api, cgi_params
from fcgi_client import parse_cgi
from plain_cgi import as_text
from receiver import Receiver, make_certificate

ROOTS = [root for root in os.environ.get("HOOKTURN_ROOTS", "").split(":") if root]
AT = "opt/hookturn-test"


class Machine:
    """A door to the API as well: plain CGI."""

    name, mount = "cgi", ""

    def __init__(self, root, programs):
        self.root, self.place = Path(root), Path(root, AT)
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        for name in ("hookturn", "hookturn.fcgi"):
            shutil.copy2(programs / name, self.place)

    def run(self, program, *args, stdin=b"", env=None):
        """With /proc, and without the variables of this machine."""
        script = 'if [ -d "$0/proc" ]; then mount --bind /proc "$0/proc" || exit; fi; exec chroot "$0" "$@"'
        done = subprocess.run(
            ["unshare", "-m", "/bin/sh", "-c", script, self.root, f"/{AT}/{program}", *args],
            input=stdin,
            capture_output=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"/{AT}", **(env or {})},
        )
        assert done.returncode == 0, (args, done.stderr)
        return done.stdout

    def request(self, method, target, headers=(), body=None, mount="", timeout=30, **_):
        params = cgi_params(method, target, headers, body)
        env = {name: as_text(value) for name, value in params.items()}
        return parse_cgi(self.run("hookturn.fcgi", stdin=body or b"", env=env))

    def close(self):
        shutil.rmtree(self.place)


@pytest.mark.skipif(os.getuid() != 0, reason="changing the root needs root")
def test_the_service_needs_no_file_of_the_machine(unpacked, tmp_path):
    machine = Machine(tmp_path, unpacked)
    subprocess.run([unpacked / "hookturn", "init"], check=True, capture_output=True, env={"HOME": str(machine.place)})
    conf = machine.place / ".hookturn/hookturn.conf"
    conf.write_text(conf.read_text().replace(f"data_dir = {tmp_path}/", "data_dir = /"))
    assert Api(machine).get("/healthz").json["store"] == "bdb"
    assert Api(machine, "hk_" + "a" * 43).get("/v1/whoami").status == 401
    assert {path.name for path in tmp_path.iterdir()} == {"opt"}


@pytest.mark.skipif(os.getuid() != 0, reason="changing the root needs root")
@pytest.mark.parametrize("root", ROOTS)
def test_a_rotation_from_end_to_end(root, unpacked, tmp_path):
    machine = Machine(root, unpacked)
    certificate = make_certificate(tmp_path)
    shutil.copy(certificate[0], machine.place / "tls.crt")
    trust = {"SSL_CERT_FILE": f"/{AT}/tls.crt"}
    machine.run("hookturn", "init")
    with open(machine.place / ".hookturn/hookturn.conf", "a") as conf:
        conf.write("\nallow_destinations = 127.0.0.0/8\nworker = manual\n")
    organization = str(uuid.uuid4())
    api = Api(machine, machine.run("hookturn", "key", "create", "--organization", organization).decode().strip())
    with Receiver(tls=certificate) as receiver:
        made = api.post(SUBSCRIPTION, {"name": "in", "url": receiver.url("/in"), "enable_signed_webhooks": True}).json
        assert api.post(EVENT, {"event_name": "Order.Created", "payload": {}}).status == 202
        machine.run("hookturn", "deliver", "--once", env=trust)
        new = api.rotate(made["id"]).json["secret"]
        machine.run("hookturn", "publish", "--organization", organization, "Order.Paid", stdin=b"{}")
        machine.run("hookturn", "deliver", "--once", env=trust)
        before, after = receiver.wait_for(2)
        assert before.is_signed_by_exactly([made["secret"]])
        assert after.is_signed_by_exactly([new, made["secret"]])
    findings = {each["name"]: each for each in json.loads(machine.run("hookturn", "doctor", "--json"))}
    assert findings["TLS trust"]["state"] == "ok" and "authorities in /etc/" in findings["TLS trust"]["message"]
    machine.close()
