"""docs/openapi.yaml as a judge: every answer that a test gets through the API client is held against it."""

import functools
import json
import re
import uuid

import jsonschema
import yaml

from harness import ROOT

DOCUMENT = ROOT / "docs/openapi.yaml"
FORMATS = jsonschema.FormatChecker(formats=())
METHODS = ("get", "put", "post", "delete", "patch")


@FORMATS.checks("uuid", raises=ValueError)
def is_uuid(value):
    return not isinstance(value, str) or str(uuid.UUID(value)) == value


@FORMATS.checks("date-time")
def is_date_time(value):
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value))


@functools.cache
def load():
    """The document, or None as long as there is none."""
    if not DOCUMENT.exists():
        return None
    # Times stay texts, as they are in JSON.
    loader = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": dict(yaml.SafeLoader.yaml_implicit_resolvers)})
    for first, resolvers in list(loader.yaml_implicit_resolvers.items()):
        kept = [pair for pair in resolvers if pair[0] != "tag:yaml.org,2002:timestamp"]
        loader.yaml_implicit_resolvers[first] = kept
    return yaml.load(DOCUMENT.read_text(), loader)


def resolve(node):
    while "$ref" in node:
        target = load()
        for word in node["$ref"].removeprefix("#/").split("/"):
            target = target[word.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def operations():
    """Every (METHOD, path template, operation) of the document."""
    for template, item in load()["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), template, item[method]


def matching_path(path):
    """The template for a path; literal ones win over those with parameters."""
    found = []
    for template in load()["paths"]:
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path):
            found.append(template)
    return min(found, key=lambda template: template.count("{"), default=None)


def check_schema(schema, value):
    whole = {**schema, "components": load()["components"]}  # what its references point to
    jsonschema.Draft202012Validator(whole, format_checker=FORMATS).validate(value)


def check_webhook(name, body):
    """Raises where the body of an event of ours is not the one that the document declares."""
    declared = load()["webhooks"][name]["post"]["requestBody"]["content"]["application/json"]
    check_schema(declared["schema"], body)


def check_headers(declared, response):
    for name, header in declared.items():
        header = resolve(header)
        value = response.header(name)
        if value is None:
            assert not header.get("required"), f"the answer lacks the header {name}"
        elif header.get("schema"):
            schema = resolve(header["schema"])
            is_number = schema.get("type") in ("integer", "number")
            check_schema(schema, json.loads(value) if is_number else {"true": True, "false": False}.get(value, value)
                         if schema.get("type") == "boolean" else value)  # fmt: skip


def check(method, path, response):
    """Raises where the answer is not one that the document declares for the operation."""
    if load() is None:
        return
    template = matching_path(path)
    item = load()["paths"].get(template, {})
    operation = item.get("get" if method == "HEAD" else method.lower())
    if operation is None:
        assert response.status in (401, 404, 405, 501), f"{method} {path} is not declared, but gives {response.status}"
        return
    declared = operation["responses"].get(str(response.status)) or operation["responses"].get("default")
    assert declared, f"{response.status} is not declared for {method} {template}"
    declared = resolve(declared)
    check_headers(declared.get("headers", {}), response)
    content = declared.get("content")
    if method == "HEAD":
        assert not response.body
    elif content is None:
        assert not response.body, f"{method} {template} {response.status} is declared without a body"
    else:
        media_type = (response.header("Content-Type") or "").partition(";")[0].strip()
        assert media_type in content, f"{media_type!r} is not declared for {method} {template} {response.status}"
        if media_type == "application/json" and "schema" in content[media_type]:
            check_schema(content[media_type]["schema"], response.json)
