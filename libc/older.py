#!/usr/bin/env python3
"""Makes what a program is linked with so that it runs with an older C library than this machine's.

    older.py CC VERSION DIRECTORY

A program asks for each function in the version that the library it was linked with has as its newest. DIRECTORY gets a
libc.so to be found before the real one (-L): the same names, each in the newest version up to VERSION (GLIBC_2.28), and
no code. A name that is newer than that is not there, so the link fails where one is needed. Before 2.34 threads and
dlopen were in libraries of their own, of which there are empty ones since: the program is made to need them.
"""

import re
import subprocess
import sys
from pathlib import Path

APART = ("libpthread.so.0", "libdl.so.2")  # before libc itself: it had poor substitutes for their functions


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def number(version):
    """GLIBC_2.3.4 -> (2, 3, 4); None for another name, such as GLIBC_PRIVATE."""
    match = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)*)", version)
    return tuple(map(int, match.group(1).split("."))) if match else None


def read_symbols(library, newest):
    """{name: (number of its version, version, is it data, address, size, is it weak)}"""
    found = {}
    for line in run("readelf", "--dyn-syms", "--wide", library).splitlines():
        fields = line.split()
        if len(fields) != 8 or fields[6] in ("UND", "ABS") or fields[3] not in ("FUNC", "IFUNC", "OBJECT"):
            continue
        name, _, version = fields[7].partition("@")
        at = number(version.lstrip("@"))
        if at and at <= newest and at > found.get(name, ((),))[0]:
            is_data, is_weak = fields[3] == "OBJECT", fields[4] == "WEAK"
            found[name] = (at, version.lstrip("@"), is_data, fields[1], int(fields[2], 0), is_weak)
    return found


def binding(name, is_weak):
    return f"{'.weak' if is_weak else '.globl'} {name}"


def as_assembly(symbols):
    """Names of one address keep one address: a program that has its own copy of `environ` has that of `__environ`."""
    lines = [".text"]
    for name, (_, _, is_data, _, _, is_weak) in symbols.items():
        if not is_data:
            lines += [binding(name, is_weak), f".type {name}, %function", f"{name}:"]
    lines += [".space 16", ".data", ".balign 64"]
    data = sorted((symbol[3], name) for name, symbol in symbols.items() if symbol[2])
    for place, (address, name) in enumerate(data):
        size, is_weak = symbols[name][4:]
        lines += [binding(name, is_weak), f".type {name}, %object", f".size {name}, {size}", f"{name}:"]
        if place + 1 == len(data) or data[place + 1][0] != address:
            lines += [f".space {size}", ".balign 64"]
    return "\n".join(lines + ['.section .note.GNU-stack,"",%progbits', ""])


def as_versions(symbols):
    names = {}
    for name, (at, version, *_) in symbols.items():
        names.setdefault((at, version), []).append(name)
    return "".join(f"{version} {{ {'; '.join(names[at, version])}; }};\n" for at, version in sorted(names))


def main(compiler, version, directory):
    compiler = compiler.split()
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    library, rest = (run(*compiler, f"-print-file-name={name}").strip() for name in ("libc.so.6", "libc_nonshared.a"))
    symbols = read_symbols(library, number(version))
    (out / "libc.s").write_text(as_assembly(symbols))
    (out / "libc.map").write_text(as_versions(symbols))
    (out / "empty.s").write_text('.section .note.GNU-stack,"",%progbits\n')
    link = [*compiler, "-shared", "-nostdlib"]
    for name in APART:
        run(*link, f"-Wl,-soname,{name}", "-o", str(out / name), str(out / "empty.s"))
    run(*link, "-Wl,-soname,libc.so.6", f"-Wl,--version-script={out / 'libc.map'}", "-o", str(out / "libc.so.6"),
        str(out / "libc.s"))  # fmt: skip
    group = " ".join(str(out.resolve() / name) for name in (*APART, "libc.so.6"))
    (out / "libc.so").write_text(f"GROUP ( {group} {rest} )\n")


if __name__ == "__main__":
    if len(sys.argv) != 4 or not number(sys.argv[2]):
        sys.exit(__doc__)
    main(*sys.argv[1:])
