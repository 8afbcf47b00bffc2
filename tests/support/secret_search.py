"""Looks for secrets in files, outputs and processes, in every spelling that somebody may have given them."""

import base64
from pathlib import Path


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


def master_key_spellings(path):
    """Of each key in a master key file: its base64, raw, hex."""
    out = set()
    for line in Path(path).read_text().splitlines()[1:]:
        coded = line.split()[1]
        raw = base64.b64decode(coded)
        out |= {coded.rstrip("=").encode(), raw, raw.hex().encode(), raw.hex().upper().encode()}
    return out


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
