"""Somebody else's web host, as far as its user sees it: a root directory with Apache, suexec, a shell, the basic tools and
libcurl, and nothing of ours; a user without rights; a limit on memory and processes; a /tmp from which nothing is run, and
no /dev/shm. The root is put together from this machine's files, so it is there in a second.

The test looks at it from outside: the network is the machine's own, and so are the process ids."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from apache import MODULES
from fcgi_client import Raw
from harness import BUILD, eventually, free_port
from server import exchange, find_program

SUEXEC = Path("/usr/lib/apache2/suexec-pristine")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
USER = "shop"
MEMORY = 256 * 1024 * 1024
PROCESSES = 20
LIMITS = ("prlimit", f"--as={MEMORY}", f"--nproc={PROCESSES}")
TOOLS = (
    "cat", "chgrp", "chmod", "chown", "cksum", "cp", "cut", "date", "dd", "df", "dirname", "basename", "du", "echo", "env",
    "expr", "false", "head", "id", "ln", "ls", "mkdir", "mktemp", "mv", "nice", "od", "printf", "pwd", "readlink", "rm",
    "rmdir", "seq", "sleep", "sort", "stat", "tail", "tee", "test", "touch", "tr", "true", "uname", "uniq", "wc", "whoami",
)  # fmt: skip
COMMON = ("mpm_event", "authz_core", "unixd", "mime", "env", "version", "userdir", "suexec", "rewrite")
C_LIBRARY = ("libpthread.so.0", "libdl.so.2", "librt.so.1", "libm.so.6", "libresolv.so.2", "libgcc_s.so.1")
DEVICES = ("null", "zero", "random", "urandom")
# What `crontab` does, without cron: the test is the clock.
CRONTAB = """#!/bin/sh
spool=/var/spool/cron/$(id -un)
case $1 in
-l) exec cat "$spool" ;;
-r) exec rm "$spool" ;;
-) exec cat >"$spool" ;;
esac
"""


def why_not():
    """Why there can be no such host here; None where there can."""
    if os.geteuid() != 0:
        return "only root can make a root directory and another user in it"
    if not SUEXEC.exists():
        return "suexec is missing; on Debian: apt-get install apache2-suexec-pristine"
    if not (MODULES / "mod_fcgid.so").exists():
        return "mod_fcgid is missing; on Debian: apt-get install libapache2-mod-fcgid"
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        return "no mount namespace can be had here"
    if not archives():
        return f"there is no archive in {BUILD}: make portable"
    return None


def archives():
    return sorted(BUILD.glob("hookturn-*-*.tar.gz"))


def libraries_of(program):
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True).stdout
    return {Path(path) for path in re.findall(r"(/\S+) \(0x", said)}


class SharedHost:
    """`kind`: the module that runs programs, "cgid" or "fcgid"."""

    def __init__(self, kind="fcgid"):
        self.kind = kind
        self.directory = Path(tempfile.mkdtemp(prefix="ht-host-", dir="/var/tmp"))
        self.root = self.directory / "root"
        self.uid = 20000 + os.getpid() % 20000  # limits count a user's processes on the whole machine
        self.server_uid = self.uid + 20000
        self.home = self.root / "home" / USER
        self.apache = None
        self.killed = []
        try:
            self.build()
            self.enter()
        except BaseException:
            self.close()
            raise

    # ---- the root directory ----

    def build(self):
        for name in ("bin", "sbin", "lib", "lib64"):
            (self.root / "usr" / name).mkdir(parents=True)
            (self.root / name).symlink_to(f"usr/{name}")
        for name in ("dev", "proc", "tmp", "etc/apache2", "var/log/apache2", "var/lib/apache2/fcgid", "run/apache2", "var/tmp"):
            (self.root / name).mkdir(parents=True)
        for device in DEVICES:
            (self.root / "dev" / device).touch()
        for tool in TOOLS:
            self.copy(find_program(tool))
        self.copy(Path("/bin/dash").resolve(), "/usr/bin/dash")
        (self.root / "usr/bin/sh").symlink_to("dash")
        self.add_program("/usr/bin/crontab", CRONTAB)
        self.copy(find_program("apache2"))
        for file in self.modules().values():
            self.copy(file)
        for library in (*C_LIBRARY, "libcurl.so.4"):
            self.copy(next(Path("/usr/lib").glob(f"*/{library}")))
        self.copy(SUEXEC, "/usr/lib/apache2/suexec")
        if CERTIFICATES.exists():
            self.copy_file(CERTIFICATES)
        self.make_users()
        (self.root / "usr/lib/apache2/suexec").chmod(0o4755)
        for path in ("var/tmp", "tmp"):
            (self.root / path).chmod(0o1777)
        for path in (self.directory, self.root, *self.root.rglob("*")):
            if path.is_dir() and not path.is_symlink() and not path.stat().st_mode & 0o5:
                path.chmod(0o755)

    def modules(self):
        """{name: file} of those that are not built in."""
        files = {module: MODULES / f"mod_{module}.so" for module in (*COMMON, self.kind)}
        return {module: file for module, file in files.items() if file.exists()}

    def copy(self, source, target=None):
        """With the libraries that it is linked with."""
        self.copy_file(Path(source), target)
        for library in libraries_of(source):
            self.copy_file(library)

    def copy_file(self, source, target=None):
        target = self.root / str(target or source).lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source.resolve(), target)

    def add_program(self, path, text):
        program = self.root / path.lstrip("/")
        program.write_text(text)
        program.chmod(0o755)

    def make_users(self):
        server = f"www-data:x:{self.server_uid}:{self.server_uid}::/var/www:/bin/false\n"
        users = f"root:x:0:0::/root:/bin/sh\n{server}{USER}:x:{self.uid}:{self.uid}::/home/{USER}:/bin/sh\n"
        (self.root / "etc/passwd").write_text(users)
        (self.root / "etc/group").write_text(f"root:x:0:\nwww-data:x:{self.server_uid}:\n{USER}:x:{self.uid}:\n")
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        (self.root / "var/spool/cron").mkdir(parents=True)
        os.chown(self.root / "var/spool/cron", self.uid, self.uid)
        os.chown(self.root / "var/lib/apache2/fcgid", self.server_uid, self.server_uid)
        (self.home / "public_html").mkdir(parents=True)
        for path in (self.home, self.home / "public_html"):
            path.chmod(0o711 if path == self.home else 0o755)
            os.chown(path, self.uid, self.uid)

    # ---- within ----

    def enter(self):
        """A process of the test's that keeps the mounts as long as its input is open."""
        mounts = "".join(f"mount --bind /dev/{name} {self.root}/dev/{name} && " for name in DEVICES)
        script = (
            f"mount --make-rprivate / && mount --bind {self.root} {self.root} && mount -o remount,bind,suid,exec,dev {self.root} && "
            f"{mounts}{self.shared_memory()}mount -t proc proc {self.root}/proc && "
            f"mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmpfs {self.root}/tmp && echo ready && exec cat"
        )
        self.keeper = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.keeper.stdout.readline() == b"ready\n", self.keeper.stderr.read()

    def shared_memory(self):
        """mod_fcgid cannot be without; the user cannot get at it."""
        shm = self.root / "dev/shm"
        return f"mkdir -p {shm} && mount -t tmpfs -o mode=700 tmpfs {shm} && " if self.kind == "fcgid" else ""

    def inside(self, *command):
        return ["nsenter", f"--mount=/proc/{self.keeper.pid}/ns/mnt", *map(str, command)]

    def as_user(self, *command, root=False, path="/usr/local/bin:/usr/bin:/bin", cwd=None):
        """The command line of a login of theirs, with the host's limits."""
        who = [] if root else [f"--userspec={self.uid}:{self.uid}", "--groups="]
        home = "/root" if root else f"/home/{USER}"
        change = f'cd "{cwd or home}" && exec "$@"' if not root else 'exec "$@"'
        return self.inside(
            *LIMITS, "chroot", *who, self.root, "/usr/bin/env", "-i", f"HOME={home}", f"PATH={path}",
            "/bin/sh", "-c", change, "sh", *command,
        )  # fmt: skip

    def run(self, *command, stdin=b"", timeout=60, **more):
        return subprocess.run(self.as_user(*command, **more), input=stdin, capture_output=True, timeout=timeout)

    def start(self, *command, **more):
        return subprocess.Popen(
            self.as_user(*command, **more), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def give(self, path, mode=None):
        """What the test has put into the home directory belongs to the user."""
        for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
            os.chown(one, self.uid, self.uid, follow_symlinks=False)
        if mode is not None:
            path.chmod(mode)
        return path

    def make_directory(self, name, mode):
        """In the home directory, the user's."""
        made = self.home / name
        made.mkdir()
        self.give(made, mode)

    def mount_noexec(self, path):
        within = f"{self.root}{path}"
        script = f"mount --bind {within} {within} && mount -o remount,bind,noexec {within}"
        subprocess.run(self.inside("sh", "-c", script), check=True)

    def unpack(self, archive=None, name="archive"):
        """The archive, in the home directory; returns the directory's name within."""
        target = self.home / name
        target.mkdir()
        subprocess.run(["tar", "-xzf", archive or archives()[-1], "-C", target, "--strip-components=1"], check=True)
        self.give(target)
        return f"/home/{USER}/{name}"

    def processes(self):
        """{pid: command line} of the user's processes."""
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                status = (entry / "status").read_text()
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")
            except OSError:
                continue
            if re.search(rf"^Uid:\t{self.uid}\t", status, re.M) and not re.search(r"^State:\tZ", status, re.M):
                found[int(entry.name)] = words
        return found

    def kill(self, *words):
        """Ends those of the user's processes, unasked, whose command line has one of the words."""
        for pid, line in self.processes().items():
            if any(word in line for word in words):
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.killed.append(line)
                except ProcessLookupError:
                    pass

    # ---- the web server ----

    def serve(self):
        """Starts Apache as its host would: users have .htaccess files, and programs run as themselves. It works under the
        limits itself, since mod_fcgid has no other for the programs."""
        loads = "".join(f"LoadModule {module}_module {file}\n" for module, file in self.modules().items())
        self.port = free_port()
        (self.root / "etc/apache2/apache.conf").write_text(
            f"{loads}ServerRoot /etc/apache2\nDefaultRuntimeDir /run/apache2\nPidFile /run/apache2/apache.pid\n"
            f"Listen 127.0.0.1:{self.port}\nServerName localhost\nErrorLog /var/log/apache2/error.log\nTypesConfig /dev/null\n"
            "User www-data\nGroup www-data\nMutex file:/run/apache2 default\nUserDir public_html\n"
            "StartServers 1\nServerLimit 1\nThreadsPerChild 8\nMaxRequestWorkers 8\nThreadStackSize 262144\n"
            "<IfModule fcgid_module>\nFcgidIPCDir /var/lib/apache2/fcgid\nFcgidProcessTableFile /var/lib/apache2/fcgid/shm\n</IfModule>\n"
            "<IfModule cgid_module>\nScriptSock /run/apache2/cgid.sock\n</IfModule>\n"
            "<Directory />\nRequire all denied\n</Directory>\n"
            '<Directory "/home/*/public_html">\nAllowOverride All\nRequire all granted\n</Directory>\n'
        )
        self.apache = subprocess.Popen(
            self.inside(*LIMITS, "chroot", self.root, find_program("apache2"), "-DFOREGROUND", "-f", "/etc/apache2/apache.conf"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        )  # fmt: skip
        eventually(lambda: self.is_listening() or self.apache.poll() is not None, what="Apache's start")
        assert self.apache.poll() is None, self.apache.stderr.read().decode() + self.log()

    def is_listening(self):
        try:
            exchange(self.port, "GET", "/")
            return True
        except OSError:
            return False

    def log(self):
        return "".join(path.read_text(errors="replace") for path in self.root.glob("var/log/apache2/*.log"))

    # ---- the end ----

    def close(self):
        if self.apache and self.apache.poll() is None:
            self.apache.terminate()
            try:
                self.apache.wait(15)
            except subprocess.TimeoutExpired:
                self.apache.kill()
        self.kill("")
        if hasattr(self, "keeper"):
            self.keeper.stdin.close()
            self.keeper.wait(10)
        if os.environ.get("HOOKTURN_KEEP"):
            print(f"kept: {self.directory}")
        else:
            shutil.rmtree(self.directory, ignore_errors=True)


class HostDoor:
    """The API behind the user's own address."""

    name = "host"

    def __init__(self, host, folder="hookturn"):
        self.host, self.mount = host, f"/~{USER}/{folder}"

    def request(self, method, target, headers=(), body=None, chunked=False, timeout=30):
        return Raw(*exchange(self.host.port, method, self.mount + target, headers, body, chunked, timeout), "", 0)
