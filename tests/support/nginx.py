"""The real nginx with the snippet that is shipped, and a pool of processes in the service manager's place."""

import re
import signal

from fcgi_client import Pool
from server import CONF, Server, find_program


def edit_nginx(text, socket, mount=""):
    for old, new in {"unix:/run/hookturn-fcgi.sock": f"unix:{socket}", "location ~ ^/(v1|": f"location ~ ^{mount}/(v1|"}.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Pooled(Server):
    """A server that starts no programs."""

    socket = "pool.sock"

    def unit_environment(self):
        """What the service's unit says about threads, unless the test says it."""
        if "threads" in self.installation.settings:
            return {}
        unit = (CONF / "hookturn-fcgi.service").read_text()
        return dict(re.findall(r"(?m)^Environment=(HOOKTURN_THREADS)=(\d+)$", unit))

    def prepare(self):
        installation = self.installation
        env = {**installation.env, **self.unit_environment()}
        self.pool = Pool(
            self.program, self.directory, env, self.processes or 1, stderr=installation.stderr, name=self.socket,
            prefix=installation.as_user,
        )  # fmt: skip
        installation.closers.append(self.pool.close)  # after the server's own
        super().prepare()

    def backends(self):
        return self.pool.pids()

    def kill_backend(self, pid, signum=signal.SIGKILL):
        self.pool.kill(pid, signum)


class Nginx(Pooled):
    name = "nginx"
    stop_signal = signal.SIGTERM
    graceful_signal = signal.SIGQUIT
    reload_signal = signal.SIGHUP

    def prepare(self):
        super().prepare()
        (self.directory / "hookturn-nginx.conf").write_text(
            edit_nginx((CONF / "nginx.conf").read_text(), self.directory / self.socket, self.mount)
        )

    def configure(self):
        conf = self.directory / "nginx.conf"
        temporary = "".join(
            f"    {kind}_temp_path {self.directory}/nginx-{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf.write_text(
            f"daemon off;\nworker_processes 1;\npid {self.directory}/nginx.pid;\nerror_log {self.error_log};\n"
            f"events {{ worker_connections 512; }}\nhttp {{\n    access_log off;\n{temporary}"
            f"    server {{\n        listen 127.0.0.1:{self.port};\n        root {self.www};\n"
            f"        include {self.directory}/hookturn-nginx.conf;\n    }}\n}}\n"
        )
        return [find_program("nginx"), "-p", self.directory, "-e", self.error_log, "-c", conf]
