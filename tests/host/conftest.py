import pytest
import shared_host


@pytest.fixture
def host(request):
    """A host of its own; `indirect` parameters are the module that runs programs."""
    reason = shared_host.why_not()
    if reason:
        pytest.skip(reason)
    made = shared_host.SharedHost(getattr(request, "param", "fcgid"))
    yield made
    made.close()
