"""What every test of deliveries starts from: an installation that may deliver to this machine, and a receiver."""

import pytest
from api import Organization, make_door

LOOPBACK = {"allow_destinations": "127.0.0.0/8 [::1/128]"}
NO_RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 0, "maxRetryDelayMs": 1000}
RETRY = {"retryStrategy": "FIXED_DELAY", "maxRetryAttempts": 5, "maxRetryDelayMs": 1000}


@pytest.fixture
def service(install):
    """service(clock=…, **conf) → an Organization of a new installation with the FastCGI program running."""

    def make(clock=False, env=None, processes=2, **conf):
        installation = install(clock, env, **{**LOOPBACK, **conf})
        return Organization(installation, make_door(installation, "fcgi", processes=processes))

    return make


@pytest.fixture
def fixed_retry():
    return dict(RETRY)


@pytest.fixture
def no_retry():
    return dict(NO_RETRY)
