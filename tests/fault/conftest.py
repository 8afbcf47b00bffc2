import tempfile

import pytest
from small_disk import SmallDisk

DISK_MEGABYTES = 128


@pytest.fixture
def disk(monkeypatch):
    """Installations that are made from now on stand on a small file system. It goes after them."""
    made = SmallDisk(DISK_MEGABYTES)
    monkeypatch.setattr(tempfile, "tempdir", str(made.path))
    yield made
    made.close()


@pytest.fixture
def small_install(disk, install):
    return install
