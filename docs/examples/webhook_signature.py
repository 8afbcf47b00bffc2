"""How a receiver verifies a delivery of hookturn; the standard library is enough.

X-Webhook-Signature is "t=<unix seconds>,v1=<64 hex digits>[,v1=...]": one v1 for each secret of the subscription that
is valid, so two or more after a rotation. Signed is "<t>.<raw body>", the bytes as they arrived; the key is the whole
secret, "whsec_" included.
"""

import base64
import hashlib
import hmac

TOLERANCE_SECONDS = 300


class SignatureError(Exception):
    """The delivery is not to be believed; the text says why."""


def parse_header(header):
    """The time and the list of v1 values. Other members are left for schemes to come."""
    t, values = None, []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            t = int(value)
        elif name == "v1":
            values.append(value)
    if t is None or not values:
        raise SignatureError("X-Webhook-Signature is malformed")
    return t, values


def sign(secret, t, body):
    return hmac.new(secret.encode(), b"%d." % t + body, hashlib.sha256).hexdigest()


def sign_standard(secret, message_id, t, body):
    """The value of webhook-signature (Standard Webhooks), where the key is the decoded part behind "whsec_"."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b"%s.%d." % (message_id.encode(), t) + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def verify(header, body, secrets, now, tolerance=TOLERANCE_SECONDS):
    """Returns when any v1 fits any of the secrets and the time is near `now`; else raises SignatureError."""
    t, values = parse_header(header)
    if abs(now - t) > tolerance:
        raise SignatureError("the signature is too old, or the clocks differ")
    for secret in secrets:
        expected = sign(secret, t, body).encode()
        if any(hmac.compare_digest(expected, value.encode()) for value in values):
            return
    raise SignatureError("no v1 fits the secret")
