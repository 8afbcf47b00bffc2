"""Everything out as lines of JSON and in again: what was there is there, under the same ids, and goes on."""

import array
import fcntl
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import termios
import uuid

import pytest
from api import Api, make_door
from harness import BUILD, eventually
from test_backup import Load, complaint
from test_killed_steps import kills
from test_secrets_never_in_clear import every_spelling
from world import LOOPBACK, WIDTH, World, picture


@pytest.fixture
def world(install, receiver):
    made = World(install(**LOOPBACK), receiver)
    made.fill()
    return made


def share_key(source, target):
    """The target opens what the source has sealed."""
    line = (source.data / "master.key").read_text().splitlines()[1]
    with open(target.data / "master.key", "a") as file:
        file.write(line + "\n")


def export(installation, *words, name=None):
    path = installation.directory / (name or f"export-{uuid.uuid4()}.jsonl")
    installation.cli("export", *words, path, check=True)
    return path


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def seal(lines):
    """The lines with a last one that fits."""
    body = b"".join(line + b"\n" for line in lines)
    counts = dict.fromkeys(json.loads(lines[0])["counts"], 0)
    for line in lines[1:]:
        counts[json.loads(line)["type"]] += 1
    end = {"hookturn": "end", "lines": len(lines), "counts": counts, "unreadable": 0, "sha256": hashlib.sha256(body).hexdigest()}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def records(installation, *words, **more):
    return json.loads(installation.cli("import", "--json", *words, check=True, **more).stdout)


def nothing_changed(result):
    return result["added"] == result["updated"] == 0 and result["same"] + result["kept"] == result["records"]


def check_goes_on(world, target, door):
    """Answers are kept, waiting deliveries arrive, and signatures verify with every secret that is valid."""
    api = Api(door, world.org.key)
    for (method, path, body, headers), first in world.kept:
        again = api.call(method, path, body, headers=headers)
        assert again.header("Idempotent-Replayed") == "true", again
        assert (again.status, again.body, again.header("ETag")) == (first.status, first.body, first.header("ETag"))
    assert api.patch(world.ids["paused"], {"active": True}).status == 200
    count = len(world.receiver.deliveries)
    assert api.publish("Order.Again").status == 202
    target.deliver_once()
    new = world.receiver.deliveries[count:]
    waited = [one.header("X-Webhook-Event") for one in new if one.path == "/paused"]
    assert sorted(waited) == ["Order.Again", "Order.Created", "Wide.One"], "what waited, and what came now"
    (turned,) = [one for one in new if one.path == "/turned" and one.header("X-Webhook-Event") == "Order.Again"]
    assert len(world.secrets["turned"]) == 3 and turned.is_signed_by_exactly(world.secrets["turned"])
    (headers,) = [one for one in new if one.path == "/headers" and one.header("X-Webhook-Event") == "Order.Again"]
    assert headers.header("Authorization") == "Bearer subscriber-value-4711-0815"
    assert not [one for one in new if one.path in ("/gone", "/deleted")]


@pytest.mark.parametrize("form", ["encrypted", "plain"])
def test_an_import_continues_what_was_exported(world, install, form):
    source, target = world.installation, install(**LOOPBACK)
    world.fill_wide()
    before = [picture(world.door, org.key) for org in (world.org, world.other)]
    path = export(source, *(["--plain-secrets"] if form == "plain" else []))
    if form == "encrypted":
        share_key(source, target)
    result = records(target, path)
    assert result["added"] == result["records"] and result["left_out"] == 0
    door = make_door(target, "fcgi", processes=1)
    after = [picture(door, org.key) for org in (world.org, world.other)]
    for one, other in zip(before, after, strict=True):
        assert one.keys() == other.keys()
        assert {key: (one[key], other[key]) for key in one if one[key] != other[key]} == {}
    assert target.list_keys() == source.list_keys()
    assert nothing_changed(records(target, path))
    check_goes_on(world, target, door)
    assert len([one for one in world.receiver.deliveries if one.path == "/wide"]) == WIDTH
    assert target.cli("doctor").returncode in (0, 1) and source.cli("export", "-", check=True).stdout


def test_a_new_subscription_comes_behind_those_that_were_imported_and_names_stay_unique(world, install):
    target = install(**LOOPBACK)
    records(target, export(world.installation, "--plain-secrets"))
    api = Api(make_door(target, "fcgi", processes=1), world.org.key)
    taken = api.create(name="turned", url="https://a.example/", enable_signed_webhooks=False)
    assert taken.status == 409
    made = api.subscribe()
    assert [one["id"] for one in api.pages()][-1] == made["id"]
    assert api.subscribe(name="deleted")


def test_an_export_is_private_and_takes_no_other_ones_place(world):
    installation = world.installation
    path = export(installation)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "is there already" in complaint(installation.cli("export", path))
    assert "choose a place" in complaint(installation.cli("export", installation.directory / "no/such/place"))
    unfinished = installation.directory / "other.jsonl.hookturn-unfinished"
    unfinished.write_text("what a killed one left")
    export(installation, name="other.jsonl")
    assert not unfinished.exists()
    unfinished.symlink_to(path)
    (installation.directory / "other.jsonl").unlink()
    before = path.read_bytes()
    assert "choose" in complaint(installation.cli("export", installation.directory / "other.jsonl"))
    assert path.read_bytes() == before


def test_the_head_and_the_tail_say_what_the_export_is(world):
    path = export(world.installation)
    head, *found, tail = lines_of(path)
    assert head["hookturn"] == "export" and head["format"] == 1 and head["secrets"] == "encrypted"
    assert re.fullmatch(r"[0-9a-f]{16}", head["key_fingerprint"])
    kinds = [record["type"] for record in found]
    assert tail["counts"] == {kind: kinds.count(kind) for kind in tail["counts"]} and all(tail["counts"].values())
    assert tail["lines"] == len(found) + 1 and tail["unreadable"] == 0
    body = b"".join(path.read_bytes().splitlines(keepends=True)[:-1])
    assert tail["sha256"] == hashlib.sha256(body).hexdigest()
    done = world.installation.cli("export")
    assert json.loads(done.stdout.splitlines()[0])["counts"] == head["counts"]
    assert done.stderr.decode().count("\n") == 1 and head["key_fingerprint"] in done.stderr.decode()


def test_no_secret_stands_in_an_export_unless_it_is_asked_for(world):
    secrets = [secret for one in world.secrets.values() for secret in one]
    values = ["Bearer subscriber-value-4711-0815"]
    master = (world.installation.data / "master.key").read_text().split()[-1]
    needles = every_spelling([world.org.key, world.other.key], secrets, values) | {master.encode()}
    content = export(world.installation).read_bytes()
    assert [needle for needle in needles if needle in content] == []
    done = world.installation.cli("export", "--plain-secrets", check=True)
    assert b"in clear" in done.stderr and b"subscriber-value-4711-0815" in done.stdout
    assert all(secret.encode() in done.stdout for secret in world.secrets["turned"])
    assert not re.search(rb"whsec_", done.stderr)
    assert "is there already" in complaint(world.installation.cli("export", "--plain-secrets", world.installation.conf_path))


def test_another_master_key_is_refused_with_the_remedy(world, install):
    target = install(**LOOPBACK)
    path = export(world.installation)
    for words, stdin in (([path], b""), ([], path.read_bytes())):
        text = complaint(target.cli("import", *words, stdin=stdin))
        assert "--plain-secrets" in text and lines_of(path)[0]["key_fingerprint"] in text
    assert target.list_keys() == []


def damages(content):
    """(what is wrong with it, the file, whether it is found before anything could be put)."""
    lines = content.splitlines()
    changed = re.sub(rb'"attempt_count":1', b'"attempt_count":2', content, count=1)
    assert changed != content
    newer = content.replace(b'"format":1', b'"format":2', 1)
    yield "newer", newer
    yield "begin", b"{}\n" + content
    yield "begin", b""
    yield "begin", b"GIF89a" + bytes(range(256))
    yield "cut off", b"".join(line + b"\n" for line in lines[:-1])
    yield "cut off", content[:-40]
    yield "behind the end", content + lines[3] + b"\n"
    yield "SHA-256", changed
    yield "other numbers", b"".join(line + b"\n" for line in [*lines[:5], *lines[6:]])
    yield "U\\+0000|control|not", seal(lines[:-1]).replace(b'"name":"turned"', b'"name":"tur\\u0000ned"', 1)
    yield "line 3", b"".join(line + b"\n" for line in [*lines[:2], b"this is not JSON", *lines[2:]])
    yield "line 3", b"".join(line + b"\n" for line in [*lines[:2], b'{"type":"unheard of"}', *lines[2:]])
    yield "line 3", b"".join(line + b"\n" for line in [*lines[:2], b"\0", *lines[2:]])
    yield "no delivery of", seal([lines[0], *[line for line in lines[1:-1] if b'"type":"event"' not in line]])


def test_a_damaged_file_is_refused_before_anything_is_put(world, install):
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    content = export(world.installation).read_bytes()
    path = target.directory / "damaged.jsonl"
    for why, damaged in damages(content):
        path.write_bytes(damaged)
        text = complaint(target.cli("import", path))
        assert re.search(why, text), (why, text)
        assert target.list_keys() == [], why
    records(target, stdin=content)
    assert target.list_keys() == world.installation.list_keys()


def test_a_damaged_stream_is_completed_by_a_whole_one(world, install):
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    content = export(world.installation).read_bytes()
    process = subprocess.Popen(
        [str(target.command), "import"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=target.env, cwd=target.directory
    )
    _, err = process.communicate(content[:-40])
    assert process.returncode == 1 and b"cut off" in err, err
    before = records(target, stdin=content)
    assert nothing_changed(records(target, stdin=content)) and before["records"] > 0
    assert picture(make_door(target, "fcgi"), world.org.key) == picture(world.door, world.org.key)


def test_a_line_that_is_too_long_is_refused(world, install):
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    head = export(world.installation).read_bytes().splitlines(keepends=True)[0]
    path = target.directory / "long.jsonl"
    with open(path, "wb") as file:
        file.write(head + b'{"type":"')
        for _ in range(65):
            file.write(b"x" * 1024 * 1024)
    assert "longer" in complaint(target.cli("import", path))


def test_what_the_store_knows_better_is_kept_and_what_it_does_not_know_is_brought_up_to_date(world, install):
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    old = export(world.installation)
    records(target, old)
    assert world.api.patch(world.ids["headers"], {"description": "newer"}).status == 200
    assert world.api.delete(world.ids["agents"]).status == 204
    (failed,) = world.api.all_deliveries(world.ids["failing"], status="FAILED")[:1]
    world.receiver.script("/failing", *[])
    assert world.api.retry(failed["id"]).status == 202
    new = export(world.installation)
    result = records(target, new)
    assert result["updated"] >= 3 and result["kept"] == 0
    door = make_door(target, "fcgi", processes=1)
    assert picture(door, world.org.key) == picture(world.door, world.org.key)
    result = records(target, old)
    assert result["updated"] == 0 and result["kept"] >= 3
    assert picture(door, world.org.key) == picture(world.door, world.org.key)


def test_a_delivery_may_count_more_attempts_than_there_are(world, install):
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    lines = export(world.installation).read_bytes().splitlines()[:-1]
    counted = [re.sub(rb'"attempt_count":\d+', b'"attempt_count":1000000000', line) for line in lines]
    assert counted != lines
    records(target, stdin=seal(counted))
    again = target.cli("export", check=True).stdout.splitlines()
    attempts = [line for line in again if b'"type":"attempt"' in line]
    assert attempts and attempts == [line for line in lines if b'"type":"attempt"' in line]
    api = Api(make_door(target, "fcgi", processes=1), world.org.key)
    (failed,) = api.all_deliveries(world.ids["failing"], status="FAILED")[:1]
    assert api.delivery(failed["id"]).json["attempt_count"] == 1000000000


def with_keys_alone(world, install):
    """An installation that has only the API keys of the other one, a door to it, and the lines of the whole export."""
    target = install(**LOOPBACK)
    share_key(world.installation, target)
    lines = export(world.installation).read_bytes().splitlines()[:-1]
    records(target, stdin=seal([line for line in lines if b'"type":"api_key"' in line or line == lines[0]]))
    api = Api(make_door(target, "fcgi", processes=1), world.org.key)
    return target, api, lines


def test_a_name_that_is_taken_is_told_in_one_line(world, install):
    target, api, lines = with_keys_alone(world, install)
    mine = api.subscribe(name="turned")
    text = complaint(target.cli("import", stdin=seal(lines)))
    assert '"turned"' in text and "rename" in text
    assert api.patch(mine["id"], {"name": "mine"}).status == 200
    records(target, stdin=seal(lines))
    assert {"mine", "turned"} <= {one["name"] for one in api.pages()}


def test_an_import_is_seen_at_once_by_processes_that_have_published_before(world, install):
    target, api, lines = with_keys_alone(world, install)
    assert api.publish().json["delivery_count"] == 0
    records(target, stdin=seal(lines))
    assert api.publish().json["delivery_count"] == world.api.publish().json["delivery_count"] > 0


def test_what_was_answered_before_the_export_is_in_it_while_others_work(service, receiver, install):
    org = service(processes=3)
    installation = org.installation
    installation.start_worker()
    load = [Load(org, receiver.url("/in")) for _ in range(2)]
    eventually(lambda: all(len(one.events) > 20 for one in load), what="some load")
    counts = [(len(one.events), list(one.secrets)) for one in load]
    path = export(installation)
    for one in load:
        one.stop()
    target = install(**LOOPBACK)
    share_key(installation, target)
    result = records(target, path)
    assert result["added"] + result["left_out"] == result["records"]
    api = Api(make_door(target, "fcgi"), org.key)
    for one, (events, subscriptions) in zip(load, counts, strict=True):
        for _, event in one.events[:events]:
            found = api.event(event)
            assert found.status == 200
            assert all(api.delivery(identity).status == 200 for identity in found.json["delivery_ids"][:3])
        assert all(api.subscription(identity).status == 200 for identity in subscriptions)
    assert nothing_changed({**result, "added": 0, "same": result["added"] + result["left_out"]})


def test_an_import_keeps_nobody_from_working(service, world, receiver):
    world.fill_wide()
    path = export(world.installation, "--plain-secrets")
    org = service(processes=2)
    org.installation.start_worker()
    load = [Load(org, receiver.url("/in")) for _ in range(2)]
    eventually(lambda: all(len(one.events) > 10 for one in load), what="some load")
    result = records(org.installation, path)
    for one in load:
        one.stop()
    assert result["added"] == result["records"]
    assert all(org.api.event(event).status == 200 for one in load for _, event in one.events)
    assert nothing_changed(records(org.installation, path))


def test_an_import_that_is_killed_is_completed_by_the_next(world, install):
    source, target = world.installation, install(**LOOPBACK)
    world.fill_wide()
    share_key(source, target)
    path = export(source)
    for _ in range(12):
        target.interrupt("import", path, within=0.4)
    assert target.interrupt("import", path, number=signal.SIGINT, within=0.05) in (0, 1, -signal.SIGINT)
    records(target, path)
    assert nothing_changed(records(target, path))
    assert picture(make_door(target, "fcgi"), world.org.key) == picture(world.door, world.org.key)


def test_an_export_that_is_killed_or_stopped_leaves_nothing_under_its_name(world):
    installation = world.installation
    for number in (signal.SIGTERM, signal.SIGKILL) * 4:
        path = installation.directory / f"{uuid.uuid4()}.jsonl"
        status = installation.interrupt("export", path, number=number, within=0.06)
        if path.exists():
            assert lines_of(path)[-1]["hookturn"] == "end"
        elif number == signal.SIGTERM:
            assert status != 0 and not path.with_name(path.name + ".hookturn-unfinished").exists()


def test_at_each_step_of_an_export_there_is_none_or_a_whole_one(world):
    installation = world.installation
    path = installation.directory / "step.jsonl"
    for _ in kills(installation, "export", path):
        if path.exists():
            assert lines_of(path)[-1]["hookturn"] == "end"
            path.unlink()
    assert lines_of(path)[-1]["hookturn"] == "end"
    assert not path.with_name(path.name + ".hookturn-unfinished").exists()


def bytes_in(pipe):
    """That were written and not read yet."""
    count = array.array("i", [0])
    fcntl.ioctl(pipe, termios.FIONREAD, count)
    return count[0]


def test_a_stream_that_is_killed_anywhere_is_completed_by_the_next(world, install):
    source, target = world.installation, install(**LOOPBACK)
    world.fill_wide()
    share_key(source, target)
    content = export(source).read_bytes()
    for part in range(1, 8):
        process = subprocess.Popen(
            [str(target.command), "import"], stdin=subprocess.PIPE, stderr=target.stderr, env=target.env,
            cwd=target.directory, start_new_session=True,
        )  # fmt: skip
        process.stdin.write(content[: len(content) * part // 8])
        process.stdin.flush()
        eventually(lambda process=process: bytes_in(process.stdin) == 0, what="the reading of all that was written")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        process.stdin.close()
    assert target.list_keys() == source.list_keys(), "a part of it was put"
    result = records(target, stdin=content)
    assert result["added"] < result["records"] and result["left_out"] == result["updated"] == 0
    assert nothing_changed(records(target, stdin=content))
    assert picture(make_door(target, "fcgi"), world.org.key) == picture(world.door, world.org.key)


def test_a_reader_that_has_had_enough_ends_the_export_quietly(world):
    installation = world.installation
    world.fill_wide()
    epoch = [path.stat().st_mtime_ns for path in (installation.data / "store").glob("epoch")]
    process = subprocess.Popen(
        [str(installation.command), "export"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=installation.env
    )
    assert process.stdout.readline().startswith(b'{"hookturn":"export"')
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait(30) in (0, 1) and b"hookturn: " not in err
    assert epoch == [path.stat().st_mtime_ns for path in (installation.data / "store").glob("epoch")]
    assert world.api.page().status == 200


def test_a_full_device_is_told(world):
    with open("/dev/full", "wb") as full:
        words = [str(world.installation.command), "export"]
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, env=world.installation.env)
    assert done.returncode == 1 and b"No space left" in done.stderr and done.stderr.count(b"\n") == 1


def peak_kib(installation, *words):
    """The most memory that the command's processes had, the larger of them."""
    script = (
        "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); "
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
    )
    done = installation.run_program("/usr/bin/python3", "-c", script, installation.command, *words, check=True, timeout=300)
    return int(done.stdout)


@pytest.mark.skipif("--enable-sanitizers" in (BUILD / "config.log").read_text(), reason="sanitizers keep what was freed")
def test_memory_does_not_grow_with_what_is_exported_or_imported(service, install):
    org = service()
    installation = org.installation
    org.api.subscribe(enable_signed_webhooks=False, active=False)

    def publish(batches):
        for _ in range(batches):
            events = [{"event_name": "A.b", "payload": {"text": "x" * 60, "n": number}} for number in range(1000)]
            assert org.api.publish_batch(events).status == 202

    def peaks(name):
        target = install()
        out = peak_kib(installation, "export", "--plain-secrets", installation.directory / name)
        return out, peak_kib(target, "import", installation.directory / name)

    publish(1)
    small = peaks("small.jsonl")
    publish(29)
    large = peaks("large.jsonl")
    for before, after in zip(small, large, strict=True):
        assert after < before * 1.5 + 16 * 1024, (small, large)
