"""docs/openapi.yaml passes a linter for API descriptions."""

import json
import os
import re
import shutil
import subprocess

import pytest
from harness import ROOT

HERE = ROOT / "tests/lint"
LINTER = HERE / "node_modules/.bin/redocly"


@pytest.mark.skipif(not shutil.which("node") or not shutil.which("npm"), reason="node and npm are not installed")
def test_the_description_has_no_errors_and_no_warnings():
    assert LINTER.exists(), "run `npm ci --ignore-scripts` in tests/lint first"
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}  # it would ask the network otherwise
    done = subprocess.run(
        [LINTER, "lint", "--config", "redocly.yaml", "../../docs/openapi.yaml"],
        cwd=HERE,
        env={**os.environ, **quiet},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == 0 and "Your API description is valid" in said, said
    assert "warning" not in said, said


def test_the_lock_pins_every_package_and_names_no_host():
    lock = json.loads((HERE / "package-lock.json").read_text())
    named = json.loads((HERE / "package.json").read_text())["dependencies"]
    assert set(named) == {"@redocly/cli"} and re.fullmatch(r"\d+\.\d+\.\d+", named["@redocly/cli"])
    assert all(package.get("integrity") for path, package in lock["packages"].items() if path)
    assert not [package["resolved"] for package in lock["packages"].values() if "resolved" in package]
