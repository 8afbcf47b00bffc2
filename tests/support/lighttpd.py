"""The real lighttpd with the configurations that are shipped."""

import signal

from server import CONF, Server, edit, find_program

PATTERN = r'^(var\.hookturn_NAME = ").*(")$'


class Lighttpd(Server):
    name = "lighttpd"
    shipped = CONF / "lighttpd.conf"
    processes_pattern = r'("max-procs" => )\d+'
    graceful_signal = signal.SIGINT
    reload_signal = signal.SIGUSR1

    def values(self):
        return {"socket": self.directory / "l.sock"}

    def with_test_environment(self, text):
        more = "".join(f'"{name}", ' for name in self.test_variables())
        return text.replace('"HOME", ', f'"HOME", {more}', 1)

    def prepare(self):
        values = {"program": self.program, "conf": self.installation.conf_path, "prefix": self.mount, **self.values()}
        text = self.with_processes(edit(self.shipped.read_text(), PATTERN, values))
        text = self.with_test_environment(text)
        (self.directory / "hookturn-lighttpd.conf").write_text(text)

    def configure(self):
        conf = self.directory / "lighttpd.conf"
        conf.write_text(
            f'server.modules = ( "mod_accesslog" )\n'
            f'server.document-root = "{self.www}"\n'
            f'server.bind = "127.0.0.1"\n'
            f"server.port = {self.port}\n"
            f'server.errorlog = "{self.error_log}"\n'
            f'server.breakagelog = "{self.directory}/backend.log"\n'
            f'include "{self.directory}/hookturn-lighttpd.conf"\n'
        )
        return [find_program("lighttpd"), "-D", "-f", conf]


class LighttpdCgi(Lighttpd):
    name = "lighttpd-cgi"
    shipped = CONF / "lighttpd-cgi.conf"
    processes_pattern = None

    def values(self):
        return {}

    def with_test_environment(self, text):
        more = "".join(f', "{name}" => "{value}"' for name, value in self.test_variables().items())
        return text.replace("=> var.hookturn_conf )", f"=> var.hookturn_conf{more} )", 1)
