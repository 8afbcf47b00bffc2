"""A small file system of its own, in a mount namespace that ends with the test; seen from outside through /proc."""

import os
import subprocess
import tempfile
from pathlib import Path

import pytest

SCRIPT = 'mount -t tmpfs -o mode=0755,size="$1" none "$2" && echo mounted && exec sleep 600'


class SmallDisk:
    def __init__(self, megabytes):
        self.where = where = tempfile.mkdtemp(prefix="ht-")  # short: sockets allow 108 bytes
        own = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "--user", "--map-current-user", "--keep-caps", "-m"]
        self.process = subprocess.Popen(
            [*own, "sh", "-c", SCRIPT, "sh", f"{megabytes}m", str(where)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if self.process.stdout.readline() != b"mounted\n":
            self.close()
            pytest.skip("no small file system can be mounted here")
        self.path = Path(f"/proc/{self.process.pid}/root{where}")

    def fill(self, leave=0):
        """To the last byte, or all but so many."""
        with open(self.path / "ballast", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass
            file.truncate(file.tell() - leave)

    def make_room(self):
        (self.path / "ballast").unlink()

    def free_bytes(self):
        about = os.statvfs(self.path)
        return about.f_bavail * about.f_bsize

    def close(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        os.rmdir(self.where)
