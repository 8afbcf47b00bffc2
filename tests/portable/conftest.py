"""What `make portable` made, unpacked as somebody does it on another machine."""

import subprocess
import sys
from pathlib import Path

import pytest
from harness import BUILD

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def archive():
    found = sorted(BUILD.glob("hookturn-*-*.tar.gz"))
    assert found, f"run `make portable` in {BUILD} first"
    return max(found, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def unpacked(archive, tmp_path_factory):
    """The one directory of the archive."""
    directory = tmp_path_factory.mktemp("portable")
    subprocess.run(["tar", "-xzf", archive, "-C", directory], check=True)
    (only,) = directory.iterdir()
    return only
