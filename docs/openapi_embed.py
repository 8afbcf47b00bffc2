#!/usr/bin/env python3
"""Turns docs/openapi.yaml into what is served and built in.

    openapi_embed.py docs/openapi.yaml OUT.json OUT.c

OUT.json is the document as compact JSON, members in the order of the source. OUT.c defines the same bytes as
`openapi_document`, so that the programs need no file at run time. Needs python3-yaml.
"""

import json
import os
import sys

BYTES_A_LINE = 16


def read_document(path):
    try:
        import yaml
    except ImportError:
        sys.exit("openapi_embed.py: the Python module yaml is missing; on Debian: apt-get install python3-yaml")
    with open(path, encoding="utf-8") as source:
        document = yaml.safe_load(source)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def as_c(content):
    lines = [
        "/* Generated from docs/openapi.yaml by docs/openapi_embed.py; change it there. */",
        '#include "api/openapi_document.h"',
        "",
        "const unsigned char openapi_document[] = {",
    ]
    for start in range(0, len(content), BYTES_A_LINE):
        lines.append("    " + ", ".join(str(byte) for byte in content[start : start + BYTES_A_LINE]) + ",")
    lines += ["};", "const size_t openapi_document_length = sizeof openapi_document;", ""]
    return "\n".join(lines).encode("ascii")


def write_whole(path, content):
    """Written beside and renamed, so that an interrupted build leaves no half of a file."""
    beside = path + ".new"
    with open(beside, "wb") as target:
        target.write(content)
    os.replace(beside, path)


def main(arguments):
    if len(arguments) != 4:
        sys.exit("usage: openapi_embed.py SOURCE.yaml OUT.json OUT.c")
    content = read_document(arguments[1])
    write_whole(arguments[2], content)
    write_whole(arguments[3], as_c(content))


if __name__ == "__main__":
    main(sys.argv)
