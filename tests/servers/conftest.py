"""Doors for the tests of web servers: one of each kind for all tests of a module that leave it as it was."""

import pytest
from api import Organization, make_door
from harness import Installation


@pytest.fixture(scope="module")
def shared(request):
    """An organization behind the door that the test names, as "NAME" or as ("NAME", options)."""
    name, options = request.param if isinstance(request.param, tuple) else (request.param, {})
    installation = Installation()
    try:
        yield Organization(installation, make_door(installation, name, **options))
    finally:
        installation.close()


@pytest.fixture
def own(request, install):
    """The same for one test alone."""
    installation = install()
    return Organization(installation, make_door(installation, request.param))
