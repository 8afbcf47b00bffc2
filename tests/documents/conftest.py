import pytest
from api import Organization, make_door
from documents import Shell


@pytest.fixture
def http(install):
    """(an Organization behind a real web server, a Shell in which the documents' variables are set)."""
    installation = install(allow_destinations="127.0.0.0/8 [::1/128]")
    door = make_door(installation, "lighttpd")
    org = Organization(installation, door)
    url = f"http://127.0.0.1:{door.server.port}"
    return org, Shell(installation, HOOKTURN=url, HOOKTURN_KEY=org.key, organization=org.id)
