"""The real Apache with the configurations that are shipped, without anything of the system's own configuration."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from nginx import Pooled
from server import CONF, Server, edit, find_program

PATTERN = r'^(Define HOOKTURN_NAME ").*(")$'
MODULES = next(
    (path for path in map(Path, ("/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/libexec/apache2")) if path.is_dir()),
    Path("/usr/lib/apache2/modules"),
)
ROOTS = "(v1|healthz|metrics|console)(/|$)"
USER = "tester"  # whom Apache runs as, where the program finds its data by him
COMMON = ["mpm_event", "authz_core", "unixd", "mime", "dir"]


class Apache(Server):
    modules = ()
    graceful_signal = signal.SIGWINCH
    reload_signal = signal.SIGUSR1
    more = ""

    def values(self):
        return {"PROGRAM": self.program, "CONF": self.installation.conf_path}

    def with_test_environment(self, text):
        return text

    def prepare(self):
        text = edit((CONF / f"{self.name}.conf").read_text(), PATTERN, {"PATHS": f"^{self.mount}/{ROOTS}", **self.values()})
        (self.directory / "hookturn-apache.conf").write_text(self.with_test_environment(self.with_processes(text)))

    def site(self):
        """The part of the configuration that belongs to the site."""
        return f'Include "{self.directory}/hookturn-apache.conf"\n'

    def configure(self):
        conf = self.directory / "apache.conf"
        files = {module: MODULES / f"mod_{module}.so" for module in [*COMMON, *self.modules]}
        loads = "".join(  # some are built in
            f"LoadModule {module}_module {file}\n" for module, file in files.items() if file.exists()
        )
        conf.write_text(
            f'{loads}ServerRoot "{self.directory}"\nDefaultRuntimeDir "{self.directory}"\nServerName localhost\n'
            f"Listen 127.0.0.1:{self.port}\nPidFile {self.directory}/apache.pid\nErrorLog {self.error_log}\n"
            f"Mutex file:{self.directory} default\nTypesConfig /dev/null\n"
            "StartServers 1\nServerLimit 8\nThreadsPerChild 25\nMaxRequestWorkers 100\nMinSpareThreads 25\n"
            "MaxSpareThreads 75\nGracefulShutdownTimeout 10\n"
            f'DocumentRoot "{self.www}"\n<Directory />\n    Require all denied\n</Directory>\n'
            f'<Directory "{self.www}">\n    Require all granted\n</Directory>\n{self.more_directives()}{self.site()}'
        )
        return [find_program("apache2"), "-DFOREGROUND", "-f", conf]

    def more_directives(self):
        return ""


class Fcgid:
    """What mod_fcgid needs to stay within our directory."""

    def more_directives(self):
        return f"FcgidIPCDir {self.directory}/fcgid\nFcgidProcessTableFile {self.directory}/fcgid_shm\n"


class Cgid:
    def more_directives(self):
        return f"ScriptSock {self.directory}/cgid.sock\n"


class ApacheFcgid(Fcgid, Apache):
    name = "apache-fcgid"
    processes_pattern = r"(MaxProcesses )\d+"
    modules = ("alias", "fcgid")

    def with_test_environment(self, text):
        more = "".join(f' InitialEnv "{name}={value}"' for name, value in self.test_variables().items())
        return text.replace("InitialEnv HOOKTURN_CONF", f"{more} InitialEnv HOOKTURN_CONF", 1)


class ApacheCgid(Cgid, Apache):
    name = "apache-cgid"
    modules = ("alias", "env", "cgid")

    def with_test_environment(self, text):
        more = "".join(f'    SetEnv {name} "{value}"\n' for name, value in self.test_variables().items())
        return text.replace("    SetEnv HOOKTURN_CONF", f"{more}    SetEnv HOOKTURN_CONF", 1)


class ApacheProxyFcgi(Pooled, Apache):
    name = "apache-proxy-fcgi"
    modules = ("proxy", "proxy_fcgi")

    def values(self):
        return {"SOCKET": self.directory / self.socket}


def passwd_with_home(installation):
    """The system's users, the one that Apache runs as with the installation's home."""
    lines = Path("/etc/passwd").read_text().splitlines()
    uid = str(installation.uid)
    kept = [line for line in lines if line.split(":")[2] != uid]
    return "\n".join([f"{USER}:x:{uid}:{installation.gid}::{installation.home}:/bin/sh", *kept]) + "\n"


def own_namespace(passwd):
    """A command's beginning: a namespace of its own in which `passwd` is /etc/passwd."""
    script = 'mount --bind "$0" /etc/passwd && exec "$@"'
    if os.geteuid() == 0:
        return ["unshare", "-m", "sh", "-c", script, passwd]
    maps = [f"--map-user={os.getuid()}", f"--map-group={os.getgid()}"]
    return ["unshare", "--user", *maps, "--keep-caps", "-m", "sh", "-c", script, passwd]


class Htaccess(Apache):
    """Nothing but LoadModule lines and AllowOverride All: the program finds its data by its user's home."""

    def __init__(self, installation, mount="", processes=None):
        """A mount of /~tester: the user's own web directory, elsewhere than the site's."""
        self.is_users = mount == f"/~{USER}"
        super().__init__(installation, mount, processes)

    def folder(self):
        return self.installation.home / "public_html" if self.is_users else self.www / self.mount.strip("/")

    def prepare(self):
        home_conf = self.installation.home / ".hookturn"
        self.installation.env.pop("HOOKTURN_CONF")
        home_conf.symlink_to(self.installation.data)
        where = self.folder()
        where.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.program, where / "hookturn.fcgi")
        lines = "".join(f'SetEnv {name} "{value}"\n' for name, value in self.test_variables().items())
        (where / ".htaccess").write_text((CONF / "htaccess").read_text() + lines)
        self.passwd = self.directory / "passwd"
        self.passwd.write_text(passwd_with_home(self.installation))

    def site(self):
        users = "UserDir public_html\n" if self.is_users else ""
        allowed = "    AllowOverride All\n    Require all granted\n"
        return f'{users}<Directory "{self.folder() if self.is_users else self.www}">\n{allowed}</Directory>\n'

    def prefix(self):
        namespace = own_namespace(self.passwd)
        if subprocess.run([*map(str, namespace), "true"], capture_output=True).returncode != 0:
            pytest.skip("no mount namespace can be had here: /etc/passwd cannot be another one for Apache alone")
        return [*namespace, *(self.installation.as_user or ["setpriv", "--ambient-caps=-all", "--inh-caps=-all"])]


class HtaccessFcgid(Fcgid, Htaccess):
    name = "htaccess-fcgid"
    modules = ("rewrite", "env", "userdir", "version", "fcgid")


class HtaccessCgid(Cgid, Htaccess):
    name = "htaccess-cgid"
    modules = ("rewrite", "env", "userdir", "version", "cgid")
