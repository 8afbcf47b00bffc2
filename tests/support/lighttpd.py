"""The real lighttpd with the configuration that is shipped, edited as an operator would: its three values."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

from harness import ROOT, children_of, eventually, free_port

SHIPPED = ROOT / "conf/lighttpd.conf"


def program():
    return shutil.which("lighttpd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") or "lighttpd"


def edit(text, values):
    for name, value in values.items():
        text, count = re.subn(rf'(?m)^var\.{name} = ".*"$', f'var.{name} = "{value}"', text)
        assert count == 1, f"conf/lighttpd.conf must set var.{name} once"
    return text


class Lighttpd:
    def __init__(self, installation):
        self.directory = installation.directory
        self.sanitized = installation.env
        link = self.directory / "hookturn.fcgi"  # lighttpd splits the program's path at spaces
        link.symlink_to(installation.fcgi)
        values = {
            "hookturn_program": link,
            "hookturn_conf": installation.conf_path,
            "hookturn_socket": self.directory / "l.sock",
        }
        (self.directory / "hookturn-lighttpd.conf").write_text(self._with_test_environment(edit(SHIPPED.read_text(), values)))
        (self.directory / "www").mkdir()
        self._start(installation.env)

    def _with_test_environment(self, text):
        """Lets the variables of the tests' clock and of the sanitizers through to the program."""
        names = [name for name in self.sanitized if name.startswith(("HOOKTURN_TEST", "ASAN_", "UBSAN_"))]
        more = ", ".join(f'"{name}"' for name in names)
        return text.replace('"HOME", ', f'"HOME", {more}, ', 1)

    def _start(self, env):
        for _ in range(5):  # another process may take the port first
            self.port = free_port()
            conf = self.directory / "lighttpd.conf"
            conf.write_text(
                f'server.modules = ( "mod_accesslog" )\n'
                f'server.document-root = "{self.directory}/www"\n'
                f'server.bind = "127.0.0.1"\n'
                f"server.port = {self.port}\n"
                f'server.errorlog = "{self.directory}/lighttpd-error.log"\n'
                f'server.breakagelog = "{self.directory}/backend.log"\n'
                f'include "{self.directory}/hookturn-lighttpd.conf"\n'
            )
            self.process = subprocess.Popen([program(), "-D", "-f", str(conf)], env=env, stdin=subprocess.DEVNULL)
            eventually(lambda: self.process.poll() is not None or self._answers(), what="lighttpd's start")
            if self.process.poll() is None:
                return
        raise AssertionError((self.directory / "lighttpd-error.log").read_text())

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def backends(self):
        """The pids of the FastCGI processes."""
        return children_of(self.process.pid)

    def request(self, method, target, headers=(), body=None, chunked=False, timeout=30):
        """(status, headers, body). Headers go out as they stand, in order, beside Host and the body's length, which
        lighttpd insists on (411)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if chunked:
                connection.putheader("Transfer-Encoding", "chunked")
            elif body is not None or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body or b"")))
            connection.endheaders()
            if chunked:
                for at in range(0, len(body), 1000):
                    part = body[at : at + 1000]
                    connection.send(b"%x\r\n%s\r\n" % (len(part), part))
                connection.send(b"0\r\n\r\n")
            elif body:
                connection.send(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.kill(self.process.pid, signal.SIGKILL)
            raise AssertionError("lighttpd did not end within 15 s of SIGTERM") from None
