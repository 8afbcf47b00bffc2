"""PATCH is PUT of the merged document: random patches, merged here by RFC 7396's own algorithm, against a twin."""

import json
import random

import pytest

URL = "https://hooks.example.com/in"
START = {"name": "start", "url": URL, "enable_signed_webhooks": True}
VALUES = {
    "name": ["a", "b", "\u00fc", " ", 5, None, "n" * 255, "n" * 256],
    "url": [URL, "http://other.example.com:8080/", "x", None, ["u"], "https://10.0.0.1/"],
    "enable_signed_webhooks": [True, False, None, "yes"],
    "active": [True, False, None, 1],
    "events": [[], ["*"], ["A.b", "C.*"], None, "A.b", [None], {"0": "A.b"}],
    "headers": [
        {}, {"X-A": "1"}, {"X-A": None}, {"x-a": "2"}, {"X-B": "2", "X-A": None}, None, {"Host": "x"}, [], {"X-C": 5},
        {"X-D": {"deep": None}},
    ],
    "description": ["d", "", None, 5, "d" * 1500],
    "agent_ids": [["a1"], [], None, [" "]],
    "workspace_ids": [["w1", "w2"], [], None, 5],
    "request_timeout_ms": [100, 60000, None, 99, 1.5],
    "retry_policy": [
        {}, {"maxRetryAttempts": 3}, {"maxRetryAttempts": None}, {"retryStrategy": "FIXED_DELAY"}, None, 5,
        {"maxRetryDelayMs": 999}, {"unknown": {"x": None}}, {"retryStrategy": None, "maxRetryDelayMs": 5000},
    ],
    "unknown": [1, None, {"a": {"b": None}}],
}  # fmt: skip


def merge(target, patch):
    """RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    target = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = merge(target.get(name), value)
    return target


def request_of(answer):
    """What would have to be PUT to get this subscription."""
    given = {name: answer[name] for name in VALUES if name in answer}
    return {**given, "enable_signed_webhooks": answer["signing_enabled"]}


def visible(answer):
    passing = ("id", "created_at", "updated_at", "secret", "signing_secrets", "name")
    return {name: value for name, value in answer.items() if name not in passing}, "secret" in answer


@pytest.mark.parametrize("seed", range(8))
def test_a_patch_does_what_a_put_of_the_merged_document_does(shared_door, seed):
    from api import Organization

    one, two = Organization(*shared_door).api, Organization(*shared_door).api  # apart: both may have the same name
    patched, replaced = one.subscribe(**START), two.subscribe(**START)
    chance = random.Random(seed)
    accepted = 0
    for _ in range(60):
        names = chance.sample(sorted(VALUES), chance.choice([1, 1, 2, 3]))
        patch = {name: chance.choice(VALUES[name]) for name in names}
        merged = merge(request_of(one.subscription(patched["id"]).json), patch)
        by_patch, by_put = one.patch(patched["id"], patch), two.put(replaced["id"], merged)
        told = json.dumps(patch)
        assert by_patch.status == by_put.status, (told, by_patch, by_put)
        if by_patch.status != 200:
            assert by_patch.status == 400 and by_patch.fields == by_put.fields, (told, by_patch, by_put)
            continue
        accepted += 1
        left, right = by_patch.json, by_put.json
        left["organization_id"] = right["organization_id"]
        assert left["name"] == right["name"] and visible(left) == visible(right), told
        assert len(left.get("signing_secrets", [])) == len(right.get("signing_secrets", []))
    assert accepted > 5
