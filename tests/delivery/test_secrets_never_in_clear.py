"""After a whole run at debug level no file, no log and no process's arguments hold a secret in any common spelling."""

import base64
from pathlib import Path

from api import SUBSCRIPTION
from harness import children_of
from receiver import Answer


def spellings(secret):
    """The secret as text, hex and base64 (at each of the three offsets that it can have in a longer text)."""
    plain = secret.encode()
    out = {plain, plain.hex().encode(), plain.hex().upper().encode()}
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + plain)
        inner = coded[4 if shift else 0 : -4]
        out |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    return out


def every_spelling(api_keys, secrets, header_values):
    out = set()
    for text in [*api_keys, *secrets, *header_values]:
        out |= spellings(text)
    for secret in secrets:
        raw = base64.b64decode(secret.removeprefix("whsec_"))
        out |= {secret.removeprefix("whsec_").encode(), raw, raw.hex().encode()}
    for key in api_keys:
        body = key.removeprefix("hk_")
        out |= {body.encode(), base64.urlsafe_b64decode(body + "=")}
    return {spelling for spelling in out if len(spelling) >= 16}


def holders(directory, needles):
    found = []
    for path in Path(directory).rglob("*"):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            found += [path for needle in needles if needle in content]
    return found


def process_texts(pids):
    """What other users can read of the processes; their environment may be closed even to their own user."""
    out = []
    for pid in pids:
        for name in ("cmdline", "environ"):
            try:
                out.append((pid, name, Path(f"/proc/{pid}/{name}").read_bytes()))
            except OSError:
                pass
    return out


def test_no_secret_stands_in_clear_anywhere(service, receiver, fixed_retry):
    org = service(log_level="debug")
    installation, api = org.installation, org.api
    installation.configure(log_file=str(installation.directory / "hookturn.log"))
    for pid in org.door.pids():  # the log file counts from the next start on
        org.door.pool.kill(pid, 15)
    header_value = "Bearer subscriber-value-4711-0815"
    receiver.script("/failing", Answer(500, body=b"no"), Answer(200))
    secrets, keys = [], [org.key, org.key_with("read"), org.key_with("publish")]
    for path in ("/one", "/failing"):
        made = api.post(
            SUBSCRIPTION,
            {"name": path, "url": receiver.url(path), "enable_signed_webhooks": True, "retry_policy": fixed_retry},
            headers={"Idempotency-Key": f"make-{path}"},
        )
        assert made.status == 201
        secrets.append(made.json["secret"])
        for number in range(2):
            answers = {api.rotate(made.json["id"], headers={"Idempotency-Key": f"turn-{number}"}).json["secret"] for _ in "ab"}
            assert len(answers) == 1
            secrets += answers
    api.post(
        SUBSCRIPTION,
        {"name": "headers", "url": receiver.url("/headers"), "enable_signed_webhooks": False,
         "headers": {"Authorization": header_value}},
        headers={"Idempotency-Key": "with-headers"},
    )  # fmt: skip
    # Requests that fail, with keys in them: they must not show up in the log either.
    api.with_key(keys[1]).rotate(made.json["id"])
    api.with_key(org.key[:-1] + ("A" if org.key[-1] != "A" else "B")).publish()
    api.post(SUBSCRIPTION, {"name": "x", "headers": {"Host": header_value}})
    api.publish()
    worker = installation.start_worker()
    receiver.wait_for(4)
    assert receiver.at("/headers")[0].header("Authorization") == header_value
    needles = every_spelling(keys, secrets, [header_value])
    texts = process_texts([*org.door.pids(), worker.pid, *children_of(worker.pid)])
    assert len({pid for pid, _, _ in texts}) == 4
    assert [(pid, name) for pid, name, text in texts for needle in needles if needle in text] == []
    assert holders(installation.directory, needles) == []
    assert worker.stop() == 0
    assert holders(installation.directory, needles) == []
    assert (installation.directory / "hookturn.log").stat().st_size > 0


def test_the_search_finds_what_it_is_to_find(tmp_path):
    """The test above is worth something only if it would find a leak."""
    secret = "whsec_" + base64.b64encode(bytes(range(30))).decode()
    needles = every_spelling([], [secret], [])
    for content in (secret.encode(), bytes(range(30)), secret.encode().hex().encode(), base64.b64encode(b"x" + secret.encode() + b"y")):
        (tmp_path / "leak").write_bytes(b"..." + content + b"...")
        assert holders(tmp_path, needles)
