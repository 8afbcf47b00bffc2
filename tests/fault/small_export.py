"""A file to import, of one record of some kinds."""

import hashlib
import json
import uuid


def api_key_of(token):
    return f"hk_{token.replace('-', '')}{'A' * 11}"


def a_small_export(token):
    """One of some kinds, in an organization of its own, whose key is api_key_of(token)."""
    organization, at = str(uuid.uuid4()), "2026-06-12T10:15:00.000Z"
    subscription, event = uuid.uuid4().hex[:24], "01" + uuid.uuid4().hex[:22]
    key = hashlib.sha256(api_key_of(token).encode()).hexdigest()
    of = {"organization_id": organization, "created_at": at}
    both = {"subscription_id": subscription, "event_id": event}
    records = [
        {"type": "api_key", "id": uuid.uuid4().hex[:24], "sha256": key, "created_user_id": "u", "scopes": ["read"], **of},
        {"type": "subscription", "id": subscription, "version": 1, "updated_at": at, "created_user_id": "u", "name": token,
         "url": "https://hooks.example.com/", "active": True, **of},
        {"type": "event", "id": event, "name": "A.b", "trace_id": "t", "body": "{}", "subscription_ids": [subscription], **of},
        {"type": "delivery", "status": "FAILED", "attempt_count": 1, "finished_at": at, **both, **of},
        {"type": "attempt", "number": 1, "started_at": at, "duration_ms": 1, "response_headers": "", "response_body": "", **both},
    ]  # fmt: skip
    counts = dict.fromkeys(["api_key", "answer", "subscription", "probe", "event", "delivery", "attempt"], 0)
    counts.update({record["type"]: 1 for record in records})
    head = {"hookturn": "export", "format": 1, "made_at": at, "secrets": "plain", "counts": counts}
    body = b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in [head, *records])
    digest = hashlib.sha256(body).hexdigest()
    end = {"hookturn": "end", "lines": len(records) + 1, "counts": counts, "unreadable": 0, "sha256": digest}
    return body + json.dumps(end, separators=(",", ":")).encode() + b"\n"
