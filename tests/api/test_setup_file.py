"""The first start from a file, for those who have no shell: what it makes, when it refuses, and that nothing is open
before it is through, whatever ends it."""

import itertools
import os
import stat
import threading
import uuid

import pytest
from api import METRICS, WHOAMI, Api, CgiDoor, cgi_params, make_door
from harness import NOBODY, Uploaded

ORGANIZATION = "3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11"
KEY = "vT3k-9Qz_bX2mLr8wYp5sHd7fGj4nCa6eUi1oRtq"
OTHER_KEY = "Zp0o9Ii8Uu7Yy6Tt5Rr4Ee3Ww2Qq1Aa-Ss_Dd.Ff~G=="
LEFT = {"hookturn.conf", "master.key", "store", "worker.state"}


@pytest.fixture
def upload():
    made = []

    def make(**conf):
        made.append(Uploaded(conf))
        return made[-1]

    yield make
    for installation in made:
        installation.close()


@pytest.fixture
def uploaded(upload):
    return upload()


def log_of(installation):
    return "".join(path.read_text(errors="replace") for path in installation.directory.glob("*.log"))


def cgi(installation, key=KEY):
    return Api(CgiDoor(installation), key)


def key_names(installation):
    return [key["name"] for key in installation.list_keys()]


def names(installation):
    return {path.name for path in installation.data.iterdir()}


# ---- what it makes ----


@pytest.mark.parametrize("kind", ["cgi", "fcgi", "htaccess-fcgid", "htaccess-cgid", "lighttpd", "nginx"])
def test_the_first_request_sets_up_with_the_chosen_key_and_removes_the_file(uploaded, kind):
    uploaded.upload_setup(ORGANIZATION, KEY)
    api = Api(make_door(uploaded, kind), KEY)
    assert api.with_key("hk_" + "A" * 43).get(WHOAMI).status == 401
    who = api.get(WHOAMI).json
    assert who["organization_id"] == ORGANIZATION and who["scopes"] == ["manage", "read", "publish"]
    secret = api.subscribe()["secret"]
    assert secret.startswith("whsec_") and api.publish().status == 202
    assert not uploaded.setup_file.exists() and names(uploaded) <= LEFT
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (uploaded.data / "master.key", *uploaded.data.rglob("store/*"))}
    assert stat.S_IMODE(uploaded.data.stat().st_mode) == 0o700 and not any(mode & 0o077 for mode in modes)
    assert api.get(METRICS).status == 403
    assert KEY not in log_of(uploaded) and "event=set_up" in log_of(uploaded)


def test_healthz_is_a_first_request_as_well(uploaded):
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert cgi(uploaded, None).get("/healthz").status == 200
    assert cgi(uploaded).get(WHOAMI).status == 200


def test_the_key_may_be_any_bearer_token_and_have_other_scopes(uploaded):
    uploaded.upload_setup(ORGANIZATION, OTHER_KEY, "scopes = read,operate\n")
    assert cgi(uploaded, OTHER_KEY).get(METRICS).status == 200
    assert cgi(uploaded, OTHER_KEY).post("/v1/public/webhook/event", {}).status == 403
    assert cgi(uploaded, OTHER_KEY[:-1]).get(WHOAMI).status == 401


def test_without_any_configuration_the_home_directory_is_it_and_gets_the_commented_one(uploaded):
    data = uploaded.home / ".hookturn"
    data.mkdir(mode=0o755)
    uploaded.data = data
    del uploaded.env["HOOKTURN_CONF"]
    uploaded.env["HOOKTURN_WORKER"] = "manual"
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert cgi(uploaded).get(WHOAMI).status == 200
    conf = (data / "hookturn.conf").read_text()
    assert f"\ndata_dir = {data}\n" in conf and "#secret_grace = 72h" in conf
    assert cgi(uploaded).get(WHOAMI).status == 200 and names(uploaded) <= LEFT


def test_the_uploaded_configuration_is_used_and_stays(uploaded):
    keys = uploaded.directory / "keys"
    keys.mkdir()
    uploaded.configure(master_key_file=keys / "master.key")
    before = uploaded.conf_path.read_text()
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert cgi(uploaded).get(WHOAMI).status == 200
    assert uploaded.conf_path.read_text() == before
    assert (keys / "master.key").exists() and not (uploaded.data / "master.key").exists()
    cgi(uploaded).subscribe()


def test_the_command_works_with_what_was_set_up(uploaded):
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert cgi(uploaded).get(WHOAMI).status == 200
    key = uploaded.create_key(ORGANIZATION)
    assert cgi(uploaded, key).get(WHOAMI).json["organization_id"] == ORGANIZATION
    assert uploaded.cli("doctor").returncode == 0


# ---- when it refuses ----


def as_missing(uploaded):
    uploaded.setup_file.unlink()
    uploaded.data.chmod(0o700)


def as_link(uploaded):
    uploaded.setup_file.rename(uploaded.directory / "elsewhere")
    uploaded.setup_file.symlink_to(uploaded.directory / "elsewhere")


def as_strangers(uploaded):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(uploaded.setup_file, NOBODY, NOBODY)


REFUSALS = {
    "readable by others": (lambda uploaded: uploaded.setup_file.chmod(0o644), "permissions 600"),
    "readable by the group": (lambda uploaded: uploaded.setup_file.chmod(0o640), "permissions 600"),
    "missing": (as_missing, "there is no store"),
    "a link": (as_link, "must be a file of its own"),
    "of another user": (as_strangers, "belongs to user"),
    "too large": (lambda uploaded: os.truncate(uploaded.setup_file, 9000), "larger than 8 KiB"),
    "with a short key": (lambda uploaded: uploaded.upload_setup(ORGANIZATION, KEY[:39]), "setup:2: the key has fewer"),
    "with a weak key": (lambda uploaded: uploaded.upload_setup(ORGANIZATION, "x" * 50), "setup:2: the key can be guessed"),
    "without an organization": (lambda uploaded: uploaded.upload_setup("mine", KEY), "setup:1: organization needs a UUID"),
    "beside a master key": (lambda uploaded: (uploaded.data / "master.key").touch(0o600), "there is a master key"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_file_that_is_not_right_opens_nothing_and_the_log_says_why(uploaded, name):
    spoil, message = REFUSALS[name]
    uploaded.upload_setup(ORGANIZATION, KEY)
    spoil(uploaded)
    before = names(uploaded)
    answers = [cgi(uploaded).get(WHOAMI), cgi(uploaded, None).get("/healthz")]
    assert [answer.status for answer in answers] == [503, 503]
    assert names(uploaded) == before
    assert message in log_of(uploaded)
    assert not any(text in log_of(uploaded) for text in (KEY[:39], "x" * 40))
    assert all(message.encode() not in answer.body for answer in answers)


def test_once_it_is_put_right_the_next_request_sets_up(uploaded):
    uploaded.upload_setup(ORGANIZATION, KEY, mode=0o644)
    api = Api(make_door(uploaded, "fcgi"), KEY)
    assert api.get(WHOAMI).status == 503
    uploaded.setup_file.chmod(0o600)
    assert api.get(WHOAMI).status == 200


def request_from(installation, **variables):
    """The status of a request whose web server says where its files lie."""
    door = CgiDoor(installation)
    door_env = dict(installation.env)
    installation.env.update({name: str(value) for name, value in variables.items()})
    try:
        return Api(door, KEY).get(WHOAMI).status
    finally:
        installation.env = door_env


@pytest.mark.parametrize("variable", ["DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT"])
def test_a_file_that_the_web_server_hands_out_is_refused(uploaded, variable):
    uploaded.upload_setup(ORGANIZATION, KEY)
    for root in (uploaded.data, uploaded.directory, "/"):
        assert request_from(uploaded, **{variable: root}) == 503
    assert "whose files the web server hands out" in log_of(uploaded)
    (uploaded.directory / "dat").mkdir()
    assert request_from(uploaded, **{variable: uploaded.directory / "dat"}) == 200


def test_beside_a_store_it_changes_nothing_and_the_doctor_warns(uploaded):
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert cgi(uploaded).get(WHOAMI).status == 200
    uploaded.upload_setup(uuid.uuid4(), OTHER_KEY)
    assert cgi(uploaded, OTHER_KEY).get(WHOAMI).status == 401
    assert cgi(uploaded).get(WHOAMI).json["organization_id"] == ORGANIZATION
    assert uploaded.setup_file.exists() and key_names(uploaded) == ["setup"]
    said = uploaded.cli("doctor").stdout.decode()
    assert f"warning  setup file: {uploaded.setup_file} is not used" in said
    assert b"event=setup_file_unused" in uploaded.cli("deliver", "--once").stderr


def test_the_doctor_reads_the_file_before_the_first_request(uploaded):
    uploaded.data.chmod(0o700)
    uploaded.conf_path.chmod(0o600)
    uploaded.upload_setup(ORGANIZATION, KEY)
    assert "ok       setup file: " in uploaded.cli("doctor").stdout.decode()
    uploaded.upload_setup(ORGANIZATION, KEY[:-3])
    said = uploaded.cli("doctor").stdout.decode()
    assert "problem  setup file: " in said and "setup:2: the key has fewer than 40" in said and KEY[:-3] not in said


# ---- at once, and interrupted ----


def test_of_many_first_requests_at_once_one_sets_up_and_all_are_answered(uploaded):
    uploaded.upload_setup(ORGANIZATION, KEY)
    statuses = []

    def ask():
        statuses.append(cgi(uploaded).get(WHOAMI).status)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert log_of(uploaded).count("event=set_up") == 1
    assert key_names(uploaded) == ["setup"] and names(uploaded) <= LEFT


def test_a_master_key_that_came_while_it_was_interrupted_is_not_lost(upload):
    other = upload().directory / "other"
    uploaded = upload()
    assert uploaded.cli("init", "--data", str(other)).returncode == 0
    key = (other / "master.key").read_text()
    uploaded.upload_setup(ORGANIZATION, KEY)
    uploaded.is_kill = True
    for step in itertools.count(1):
        uploaded.env["HOOKTURN_TEST_KILL_AT"] = str(step)
        assert ask_one_that_may_die(uploaded), "what is made never stood there under its next name"
        if (uploaded.data / "store.made").exists():
            break
    del uploaded.env["HOOKTURN_TEST_KILL_AT"]
    (uploaded.data / "master.key").write_text(key)
    (uploaded.data / "master.key").chmod(0o600)
    assert cgi(uploaded).get(WHOAMI).json["organization_id"] == ORGANIZATION
    assert (uploaded.data / "master.key").read_text().startswith(key), "the first one goes on sealing"
    assert len((uploaded.data / "master.key").read_text().splitlines()) == 3
    cgi(uploaded).subscribe()


def test_killed_at_any_step_nothing_is_open_and_the_next_request_ends_it_with_one_key(upload):
    done_before = 0
    for step in itertools.count(1):
        uploaded = upload()
        del uploaded.env["HOOKTURN_CONF"]
        uploaded.conf_path.unlink()
        uploaded.env |= {"HOOKTURN_DATA_DIR": str(uploaded.data), "HOOKTURN_WORKER": "manual"}
        uploaded.upload_setup(ORGANIZATION, KEY)
        uploaded.is_kill = True
        uploaded.env["HOOKTURN_TEST_KILL_AT"] = str(step)
        was_killed = ask_one_that_may_die(uploaded)
        del uploaded.env["HOOKTURN_TEST_KILL_AT"]
        has_store = (uploaded.data / "store").exists()
        assert not (has_store and uploaded.setup_file.exists()), "a store that is open while the file is still there"
        done_before += not uploaded.setup_file.exists() and not has_store
        assert cgi(uploaded).get(WHOAMI).json["organization_id"] == ORGANIZATION
        assert key_names(uploaded) == ["setup"] and names(uploaded) <= LEFT and "master.key" in names(uploaded)
        cgi(uploaded).subscribe()
        if not was_killed:
            break
    assert step > 10 and done_before > 0, "the steps were not counted"


def ask_one_that_may_die(installation):
    """Whether it died of the signal."""
    params = cgi_params("GET", WHOAMI, [("Authorization", f"Bearer {KEY}")])
    done = installation.run_program(installation.fcgi, env={name: str(value) for name, value in params.items()})
    assert done.returncode in (0, -9), done
    return done.returncode == -9
