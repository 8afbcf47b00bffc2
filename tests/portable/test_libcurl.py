"""The portable worker and the host's libcurl: there, missing, too old, or just old enough."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from api import Organization, make_door
from harness import Installation
from receiver import Receiver, make_certificate

HERE = Path(__file__).parent
LOOPBACK = {"allow_destinations": "127.0.0.0/8"}


class Unpacked(Installation):
    """With the archive's programs."""

    def __init__(self, programs, conf=None, env=None):
        self.programs = programs
        super().__init__(conf, env=env)

    @property
    def command(self):
        return self.programs / "hookturn"

    @property
    def fcgi(self):
        return self.programs / "hookturn.fcgi"


@pytest.fixture
def service(unpacked):
    """service(env=…, **conf) → an Organization of a new installation, through plain CGI."""
    made = []

    def make(env=None, **conf):
        made.append(Unpacked(unpacked, {**LOOPBACK, **conf}, env))
        return Organization(made[-1], make_door(made[-1], "cgi"))

    yield make
    for installation in made:
        installation.close()


def compile_library(path, *options):
    subprocess.run(["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", path, *map(str, options)], check=True)


def in_front(directory, *options):
    """The environment in which the shim is found as libcurl, with this machine's own behind it, by its path."""
    asked = subprocess.run(["cc", "-print-file-name=libcurl.so"], check=True, capture_output=True, text=True)
    behind = directory / "behind.so"
    compile_library(behind, "-xc", os.devnull, f"-Wl,-soname,{Path(asked.stdout.strip()).resolve()}")
    compile_library(directory / "libcurl.so.4", *options, HERE / "shim.c", "-Wl,--no-as-needed", behind)
    return {"LD_LIBRARY_PATH": str(directory)}


@pytest.fixture
def without_libcurl(tmp_path):
    """The environment in which there is none that could be loaded."""
    for name in ("libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"):
        (tmp_path / name).write_bytes(b"no library")
    return {"LD_LIBRARY_PATH": str(tmp_path)}


def finding(installation, name, env=None):
    done = installation.cli("doctor", "--json", env=env)
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)}.get(name)


@pytest.mark.parametrize("is_old", [False, True], ids=["this machine's", "one of 2018"])
def test_deliveries_over_tls_are_signed_through_a_rotation(service, tmp_path, is_old):
    """Beside libcurl's OpenSSL ours signs."""
    certificate = make_certificate(tmp_path)
    env = in_front(tmp_path, "-DVERSION_NUM=0x073d00") if is_old else {}
    org = service()
    assert ("libcurl/old" in finding(org.installation, "libcurl", env)[1]["message"]) == is_old
    with Receiver(tls=certificate) as receiver:
        made = org.api.subscribe(url=receiver.url("/in", host="localhost"))
        org.api.publish()
        org.installation.deliver_once(env={**env, "SSL_CERT_FILE": certificate[0]})
        new = org.api.rotate(made["id"]).json["secret"]
        org.api.publish()
        org.installation.deliver_once(env={**env, "SSL_CERT_FILE": certificate[0]})
        before, after = receiver.wait_for(2)
        assert before.is_signed_by_exactly([made["secret"]])
        assert after.is_signed_by_exactly([new, made["secret"]])


@pytest.mark.parametrize("is_old", [False, True], ids=["this machine's", "one of 2018"])
def test_only_trusted_certificates_are_accepted(service, tmp_path, is_old):
    certificate = make_certificate(tmp_path)
    env = in_front(tmp_path, "-DVERSION_NUM=0x073d00") if is_old else {}
    org = service()
    with Receiver(tls=certificate) as receiver:
        org.api.subscribe(url=receiver.url("/in", host="localhost"))
        org.api.publish()
        org.installation.deliver_once(env=env)
        assert receiver.connections == 1 and receiver.deliveries == []


def test_without_libcurl_sending_says_what_is_missing_and_all_else_works(service, without_libcurl):
    org = service()
    with Receiver() as receiver:
        org.api.subscribe(url=receiver.url("/in"))
        org.api.publish()
        done = org.installation.cli("deliver", "--once", env=without_libcurl)
        assert done.returncode == 1 and done.stderr.count(b"\n") == 1
        assert b"libcurl.so.4, which PHP's curl extension brings" in done.stderr
        for words in (["publish", "--organization", org.id, "Order.Created"], ["status"], ["key", "list"], ["purge"]):
            assert org.installation.cli(*words, stdin=b"{}", env=without_libcurl).returncode == 0
        status, found = finding(org.installation, "libcurl", without_libcurl)
        assert status == 1 and found["state"] == "problem" and "libcurl.so.4" in found["message"]
        assert finding(org.installation, "TLS trust", without_libcurl)[1] is None
        assert receiver.connections == 0
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 2, "nothing is lost once it is there"
    assert finding(org.installation, "libcurl")[1]["state"] == "ok"


def test_without_libcurl_publishing_starts_no_storm_of_workers(service, without_libcurl):
    """The failing start is seen, and not tried more often than once a second."""
    org = service()
    with Receiver() as receiver:
        org.api.subscribe(url=receiver.url("/in"))
        org.installation.configure(worker="auto")
        broken = BrokenCommand(org.installation, without_libcurl)
        begun = time.monotonic()
        for _ in range(20):
            org.api.publish()
        seconds = time.monotonic() - begun
        assert 1 <= broken.starts() <= seconds + 2
        health = org.api.get("/healthz").json["worker"]
        assert health["running"] is False
        assert b"libcurl.so.4" in (org.installation.directory / "stderr.log").read_bytes()
        broken.mend()
        org.installation.deliver_once()
        assert len(receiver.deliveries) == 20


class BrokenCommand:
    """Puts a script before the command that counts its starts and runs it where there is no libcurl: a worker that is
    started by publishing does not inherit the environment."""

    def __init__(self, installation, env):
        self.programs = installation.directory / "programs"
        self.programs.mkdir()
        self.counter = installation.directory / "starts"
        self.counter.touch()
        real = installation.programs
        shutil.copy2(real / "hookturn.fcgi", self.programs)
        script = self.programs / "hookturn"
        script.write_text(
            f"#!/bin/sh\necho >> '{self.counter}'\n"
            f"LD_LIBRARY_PATH='{env['LD_LIBRARY_PATH']}' exec '{real}/hookturn' \"$@\"\n"
        )
        script.chmod(0o755)
        self.installation, self.real = installation, real
        installation.programs = self.programs

    def starts(self):
        return self.counter.read_text().count("\n")

    def mend(self):
        self.installation.programs = self.real


def claim_to_be_too_old(directory):
    in_front(directory, "-DVERSION_NUM=0x071d00")  # 7.29


def be_empty(directory):
    compile_library(directory / "libcurl.so.4", "-xc", os.devnull)


@pytest.mark.parametrize(
    "make, said", [(claim_to_be_too_old, "libcurl/old"), (be_empty, "lacks curl_easy_cleanup")], ids=["old", "empty"]
)
def test_a_libcurl_that_cannot_be_used_is_named_with_the_remedy(service, tmp_path, make, said):
    make(tmp_path)
    done = service().installation.cli("deliver", "--once", env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1
    assert said.encode() in done.stderr and b"7.61 or later" in done.stderr


def test_the_machines_openssl_configuration_is_not_read(service, tmp_path):
    """It may name modules of another OpenSSL. Nobody writes to this one: who opens it waits for ever."""
    conf = tmp_path / "openssl.cnf"
    os.mkfifo(conf)
    org = service(env={"OPENSSL_CONF": str(conf)})
    org.api.subscribe(url="https://hooks.example.com/in")
    assert b"1 record" in org.installation.cli("rekey", check=True, timeout=20).stdout


@pytest.mark.skipif(os.getuid() != 0, reason="mounting needs root")
def test_without_HOME_the_static_program_finds_its_data_by_the_user_database(unpacked, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    subprocess.run([unpacked / "hookturn", "init"], check=True, capture_output=True, env=env)
    passwd = tmp_path / "passwd"
    passwd.write_text(f"other:x:4711:4711::/nowhere:/bin/sh\nme:x:0:0::{home}:/bin/sh\n")
    request = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "PATH_INFO": "/healthz"}
    script = 'mount --bind "$0" /etc/passwd && exec "$1"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, passwd, unpacked / "hookturn.fcgi"],
        check=True, capture_output=True, env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", **request},
    )  # fmt: skip
    assert b"200 OK" in done.stdout and b'"status":"ok"' in done.stdout, done.stderr
