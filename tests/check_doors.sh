#!/bin/sh
# Checks the doors of ARCHITECTURE.md: which room may include which, and what the two programs are linked with.
#   HOOKTURN_SOURCE  the source tree (default: the one that this script stands in)
#   HOOKTURN_BUILD   the build directory; without programs there, only the sources are looked at
set -u
LC_ALL=C
export LC_ALL
cd "${HOOKTURN_SOURCE:-$(dirname "$0")/..}" || exit 1
build=${HOOKTURN_BUILD:-build}
broken=0

complain() {
    echo "check_doors: $*" >&2
    broken=1
}

# includes DIRECTORY: "file:line:target" of every #include below it.
includes() {
    find "$1" -name '*.[ch]' -exec grep -HnE '^[[:space:]]*#[[:space:]]*include[^<"]*[<"]' {} + |
        sed -E 's/^([^:]*):([0-9]+):[^<"]*[<"]([^>"]*)[>"].*/\1:\2:\3/'
}

# room NAME DIRECTORY ROOM…: files below DIRECTORY may include these rooms and no other.
room() {
    name=$1 directory=$2
    shift 2
    allowed=$(echo "$*" | tr ' ' '|')
    [ -d "$directory" ] || { complain "$directory is missing" && return; }
    found=$(includes "$directory" | grep -E ':(base|model|store|api|delivery|cmd|cgi-bin)/[^:]*$' |
        grep -vE ":($allowed)/[^:]*\$")
    [ -z "$found" ] || complain "$name may only include $*:
$found"
}

# header PATTERN DIRECTORY: a header that matches is included below DIRECTORY alone.
header() {
    found=$(for directory in src cgi-bin; do includes "$directory"; done | grep -E ":($1)\$" | grep -v "^$2/")
    [ -z "$found" ] || complain "$1 belongs under $2 alone:
$found"
}

room base src/base base
room model src/model base model
room store src/store base model store
room api src/api base model store api
room delivery src/delivery base model store delivery
room cmd src/cmd base model store delivery cmd
room cgi-bin cgi-bin base model store api cgi-bin

for directory in src/*/; do
    case $directory in
    src/base/ | src/model/ | src/store/ | src/api/ | src/delivery/ | src/cmd/) ;;
    *) complain "$directory is a room without doors: add it here and to ARCHITECTURE.md" ;;
    esac
done

header 'db\.h' src/store/bdb
header 'libpq-fe\.h' src/store/postgresql
header '(fcgi[a-z_]*|fcgios)\.h' cgi-bin
header 'curl/.*' src/delivery
header 'store/(bdb/.*|engine\.h)' src/store
header '(.*/)?\.\./.*|(src|cgi-bin|tests)/.*' none

# linked PROGRAM LIBRARY: the program must not be linked with the library.
linked() {
    [ -x "$build/$1" ] || return 0
    if ldd "$build/$1" 2>/dev/null | grep -q "$2"; then
        complain "$1 is linked with $2"
    fi
}

linked hookturn.fcgi libcurl
linked hookturn libfcgi

[ "$broken" -eq 0 ] && echo "check_doors: all doors are kept"
exit "$broken"
