"""The first start from a file with one call after the other failing: nothing opens half, and the next request ends it
with one key."""

import pytest
from api import WHOAMI, Api, CgiDoor
from fault import KINDS, Faulty, check_end, count_in, numbers
from harness import Uploaded

ORGANIZATION = "3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11"
KEY = "vT3k-9Qz_bX2mLr8wYp5sHd7fGj4nCa6eUi1oRtq"


@pytest.fixture
def upload():
    """Makes an installation with a setup file; each goes with the test."""
    made = []

    def make():
        made.append(Uploaded())
        made[-1].upload_setup(ORGANIZATION, KEY)
        return made[-1]

    yield make
    for installation in made:
        installation.close()


def first_request(installation, fault):
    return Faulty(installation).request(fault, "GET", WHOAMI, [("Authorization", f"Bearer {KEY}")], None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_fails_opens_nothing_half_and_the_next_request_ends_it(upload, kind):
    count, fired = count_in(first_request(upload(), f"{kind}:0")[1]), []
    for number in numbers(count, f"setup {kind}"):
        installation = upload()
        outcome, _ = first_request(installation, f"{kind}:{number}")
        check_end(outcome, kind)
        assert KEY not in outcome.err
        assert outcome.response is None or outcome.response.status in (200, 500, 503), outcome
        is_open = (installation.data / "store").exists()
        assert not (is_open and installation.setup_file.exists())
        assert Api(CgiDoor(installation), KEY).get(WHOAMI).json["organization_id"] == ORGANIZATION
        assert [key["name"] for key in installation.list_keys()] == ["setup"]
        assert not installation.setup_file.exists()
        fired.append(outcome.fired)
    assert count == 0 or any(fired), "no call ever failed"
