#!/usr/bin/env python3
"""Publishes an event: publish.py Order.Created '{"order_id": 4711}'

HOOKTURN is the service's address, HOOKTURN_KEY a key for publishing.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def publish(hookturn, api_key, event_name, payload):
    """The answer (event_id, delivery_count, …). The Idempotency-Key is the same for all tries, so an event whose answer
    got lost is not published twice."""
    request = urllib.request.Request(
        f"{hookturn}/v1/public/webhook/event",
        json.dumps({"event_name": event_name, "payload": payload}).encode(),
        {
            "Authorization": f"Bearer {api_key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    for delay in (0.2, 0.4, 0.8, 1.6, None):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code < 500 or delay is None:
                raise RuntimeError(f"hookturn: {error.code} {error.read().decode()}") from error
        except OSError:  # none came
            if delay is None:
                raise
        time.sleep(delay)


if __name__ == "__main__":
    _, name, text = sys.argv
    print(json.dumps(publish(os.environ["HOOKTURN"], os.environ["HOOKTURN_KEY"], name, json.loads(text))))
