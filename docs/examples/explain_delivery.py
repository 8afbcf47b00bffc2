#!/usr/bin/env python3
"""Takes the signature of a delivery that receiver.py recorded apart, and says which secret made which part.

    explain_delivery.py RECORD PATH EVENT_ID --secret NAME=FILE … --expect NAME …

Waits until the delivery of that event to that path is there. Exit status 1, with a reason, when it does not come, was
refused by the receiver, or was not signed by exactly the secrets named by --expect, in that order.
"""

import argparse
import base64
import hmac
import json
import sys
import time

import webhook_signature

WAIT_SECONDS = 20


def find_delivery(record, path, event_id):
    try:
        with open(record, encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    entry = json.loads(line)
                    if entry["path"] == path and entry["headers"].get("x-webhook-id") == event_id:
                        return entry
    except FileNotFoundError:
        pass
    return None


def wait_for_delivery(record, path, event_id):
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        entry = find_delivery(record, path, event_id)
        if entry:
            return entry
        time.sleep(0.05)
    sys.exit(f"the event {event_id} was not delivered within {WAIT_SECONDS} seconds")


def name_signers(values, sign, secrets):
    """For each value the name of the secret that yields it, None where there is none."""
    made = {name: sign(secret) for name, secret in secrets.items()}
    return [
        next((name for name, own in made.items() if hmac.compare_digest(own.encode(), value.encode())), None)
        for value in values
    ]


def explain(entry, secrets):
    """Prints the delivery's signatures; returns who signed, by either scheme."""
    headers, body = entry["headers"], base64.b64decode(entry["body_base64"])
    header = headers.get("x-webhook-signature", "")
    print(f"    Body:                {body.decode('utf-8', 'replace')}")
    print(f"    X-Webhook-Signature: {header}")
    t, values = webhook_signature.parse_header(header)
    signers = name_signers(values, lambda secret: webhook_signature.sign(secret, t, body), secrets)
    print(f"      t      {t}  = {time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(t))} UTC")
    for number, (value, signer) in enumerate(zip(values, signers), 1):
        verdict = f"made with the {signer} secret" if signer else "made with no secret that we know"
        print(f"      v1 #{number}  {value[:12]}...{value[-4:]}  {verdict}")
    message_id, standard = headers.get("webhook-id", ""), headers.get("webhook-signature", "").split()
    standard_signers = name_signers(
        standard, lambda secret: webhook_signature.sign_standard(secret, message_id, t, body), secrets
    )
    return signers, standard_signers


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("record")
    parser.add_argument("path")
    parser.add_argument("event_id")
    parser.add_argument("--secret", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--expect", action="append", default=[], metavar="NAME")
    options = parser.parse_args()
    secrets = {}
    for pair in options.secret:
        name, _, path = pair.partition("=")
        with open(path, encoding="ascii") as content:
            secrets[name] = content.read().strip()

    entry = wait_for_delivery(options.record, options.path, options.event_id)
    try:
        signers, standard_signers = explain(entry, secrets)
    except webhook_signature.SignatureError as error:
        sys.exit(str(error))
    if signers != options.expect:
        sys.exit(f"expected one v1 for each of {options.expect}, found {signers}")
    if standard_signers != options.expect:
        sys.exit(f"webhook-signature: expected one value for each of {options.expect}, found {standard_signers}")
    if entry["problem"]:
        sys.exit(f"the receiver refused the delivery: {entry['problem']}")


if __name__ == "__main__":
    main()
