"""The archive for a machine that has nothing but libc: what is in it, and what its programs ask for."""

import hashlib
import os
import re
import shutil
import subprocess
import tarfile

import pytest
from harness import BUILD, ROOT

PROGRAMS = ("hookturn", "hookturn.fcgi")
MODES = {
    "": 0o755, "man": 0o755, "licences": 0o755, "hookturn": 0o755, "hookturn.fcgi": 0o755,
    ".htaccess": 0o644, "MACHINES": 0o644, "hookturn.conf.sample": 0o644, "crontab": 0o644, "COPYING": 0o644, "CHANGELOG.md": 0o644,
    "man/hookturn.1": 0o644, "man/hookturn.conf.5": 0o644, "man/hookturn.fcgi.8": 0o644,
    "licences/berkeley-db.txt": 0o644, "licences/glibc.txt": 0o644, "licences/json-c.txt": 0o644,
    "licences/libfcgi.txt": 0o644, "licences/openssl.txt": 0o644,
}  # fmt: skip


def readelf(option, program):
    return subprocess.run(
        ["readelf", "--wide", option, program], check=True, capture_output=True, text=True, env={"LC_ALL": "C"}
    ).stdout


def test_it_holds_one_directory_with_what_belongs_to_it(archive):
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]
    top = archive.name.removesuffix(".tar.gz")
    assert names[0] == top and all(name.startswith(f"{top}/") for name in names[1:])
    modes = {member.name[len(top) + 1 :]: member.mode for member in members}
    assert {name: modes.get(name) for name in MODES} == MODES
    assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, members[0].mtime)}


def test_it_is_small(archive):
    assert archive.stat().st_size < 8_000_000


def test_what_is_sent_beside_the_programs_is_what_the_repository_has(unpacked):
    pairs = {".htaccess": "conf/htaccess", "man/hookturn.1": "docs/man/hookturn.1", "COPYING": "COPYING"}
    for name, source in pairs.items():
        assert (unpacked / name).read_bytes() == (ROOT / source).read_bytes()


def test_the_sample_is_a_configuration_with_everything_left_at_its_default(unpacked, tmp_path):
    sample = (unpacked / "hookturn.conf.sample").read_text()
    assert all(line == "" or line.startswith("#") for line in sample.splitlines())
    assert "#data_dir = ~/.hookturn\n" in sample
    set_all = tmp_path / "all.conf"
    set_all.write_text(re.sub(r"(?m)^#(\w+ =)", r"\1", sample))
    done = subprocess.run([unpacked / "hookturn", "-c", set_all, "status"], capture_output=True, text=True,
                          env={"HOME": str(tmp_path)})  # fmt: skip
    assert done.returncode == 1 and "no data directory" in done.stderr, "every line of it can be read"


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_asks_for_the_c_library_alone(unpacked, program):
    dynamic = readelf("--dynamic", unpacked / program)
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic))
    assert needed == ({"libc.so.6", "libpthread.so.0", "libdl.so.2"} if program == "hookturn" else set())
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    assert ("INTERP" in readelf("--program-headers", unpacked / program)) == (program == "hookturn")


def test_the_command_needs_no_later_c_library_than_2_28(unpacked):
    versions = re.findall(r"GLIBC_([0-9.]+)", readelf("--version-info", unpacked / "hookturn"))
    assert max(tuple(map(int, version.split("."))) for version in versions) <= (2, 28)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_hardened(unpacked, program):
    dynamic = readelf("--dynamic", unpacked / program)
    assert re.search(r"FLAGS_1.*\bPIE\b", dynamic) and re.search(r"\bNOW\b", dynamic)
    headers = readelf("--program-headers", unpacked / program)
    assert "GNU_RELRO" in headers and re.search(r"GNU_STACK.* RW +0x", headers)


def test_the_functions_in_the_command_do_not_meet_those_of_a_library_that_it_loads(unpacked):
    """libcurl brings an OpenSSL of its own."""
    rows = [line.split() for line in readelf("--dyn-syms", unpacked / "hookturn").splitlines()]
    offered = {row[7].partition("@")[0] for row in rows if len(row) == 8 and row[6] not in ("UND", "Ndx")}
    assert offered <= {"environ", "__environ", "_environ", "stdin", "stdout", "stderr"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_says_nothing_of_the_machine_that_it_was_built_on(unpacked, program):
    content = (unpacked / program).read_bytes()
    for path in {str(ROOT), str(BUILD), os.path.expanduser("~")} - {"/root", "/"}:
        assert path.encode() not in content
    assert b".debug_info" not in content


def test_both_programs_are_of_the_version_that_the_name_says(archive, unpacked):
    version = re.fullmatch(r"hookturn-(.+)-\w+\.tar\.gz", archive.name).group(1)
    said = subprocess.run([unpacked / "hookturn", "--version"], check=True, capture_output=True, text=True).stdout
    assert said == f"hookturn {version}\n"
    assert version.encode() in (unpacked / "hookturn.fcgi").read_bytes()


def test_packing_again_elsewhere_makes_the_same_bytes(archive, tmp_path):
    made_in = BUILD / "portable-build" if (BUILD / "portable-build").is_dir() else BUILD
    copy = tmp_path / "build"
    shutil.copytree(made_in, copy, symlinks=True, ignore=shutil.ignore_patterns("hookturn-*", "tests"))
    with tarfile.open(archive) as tar:
        packed_at = tar.getmembers()[0].mtime
    env = {**os.environ, "TZ": "Pacific/Auckland", "LC_ALL": "C", "SOURCE_DATE_EPOCH": str(packed_at)}
    script = f"umask 077 && make -s -o all -C '{copy}' portable"
    subprocess.run(["sh", "-c", script], check=True, capture_output=True, env=env)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (archive, copy / archive.name)}
    assert len(digests) == 1
