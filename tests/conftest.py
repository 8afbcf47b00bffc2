"""Fixtures for all tests that run the real programs. HOOKTURN_BUILD names the build directory."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from api import DOORS, Organization, make_door  # noqa: E402
from doors import goes_through  # noqa: E402
from harness import BUILD, Installation  # noqa: E402
from receiver import Receiver  # noqa: E402

LOOPBACK = {"allow_destinations": "127.0.0.0/8 [::1/128]"}
NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}
RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 5, "maxRetryDelayMs": 1000}


def pytest_addoption(parser):
    parser.addoption("--door", choices=DOORS, help="every test that can go through any door, through this one alone")


def pytest_generate_tests(metafunc):
    if "shared_door" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--door")
        metafunc.parametrize("shared_door", [chosen] if chosen else DOORS, indirect=True, scope="session")


def pytest_collection_modifyitems(config, items):
    """Each door takes the tests that tests/support/doors.py says."""
    is_chosen = config.getoption("--door") is not None
    kept, left_out = [], []
    for item in items:
        door = item.callspec.params.get("shared_door") if hasattr(item, "callspec") else None
        takes = door is None or goes_through(door, item.module.__name__, item.originalname, is_chosen)
        (kept if takes else left_out).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=left_out)


def pytest_configure(config):
    if not (BUILD / "hookturn").exists():
        raise pytest.UsageError(f"{BUILD}/hookturn is missing: build first, or set HOOKTURN_BUILD")


@pytest.fixture
def install():
    """Makes installations that end with the test."""
    made = []

    def make(clock=False, env=None, **conf):
        made.append(Installation(conf, clock, env))
        return made[-1]

    yield make
    for installation in made:
        installation.close()


@pytest.fixture
def service(install):
    """service(clock=…, **conf) → an Organization of a new installation that may deliver to this machine, with the FastCGI
    program running."""

    def make(clock=False, env=None, processes=2, **conf):
        installation = install(clock, env, **{**LOOPBACK, **conf})
        return Organization(installation, make_door(installation, "fcgi", processes=processes))

    return make


@pytest.fixture(scope="session")
def shared_door(request):
    """(installation, door), shared by all tests that need nothing special of it."""
    installation = Installation()
    try:
        yield installation, make_door(installation, request.param)
    finally:
        installation.close()


@pytest.fixture
def door(shared_door):
    return shared_door[1]


@pytest.fixture
def org(shared_door):
    return Organization(*shared_door)


@pytest.fixture
def api(org):
    return org.api


@pytest.fixture(scope="session")
def fcgi_installation():
    installation = Installation()
    try:
        yield installation, make_door(installation, "fcgi")
    finally:
        installation.close()


@pytest.fixture
def fcgi_org(fcgi_installation):
    """For what only the bare protocol can send."""
    return Organization(*fcgi_installation)


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


@pytest.fixture
def fixed_retry():
    return dict(RETRY)


@pytest.fixture
def no_retry():
    return dict(NO_RETRY)
