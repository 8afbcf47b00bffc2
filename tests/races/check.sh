#!/bin/sh
# Whether ThreadSanitizer, in this build and on this machine, notices a race: it has to report the one in race.c, and with
# it nothing else.
#   HOOKTURN_BUILD   the build directory, configured with --enable-sanitizers=thread
set -u
build=${HOOKTURN_BUILD:-build-tsan}
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT

# TSan maps its memory at fixed addresses, which some kernels may have given away: exit 77 says "skipped".
"$build/hookturn" --version >"$directory/version" 2>&1 || {
    cat "$directory/version"
    grep -q 'FATAL: ThreadSanitizer' "$directory/version" && exit 77
    exit 1
}
"$build/hookturn" init --data "$directory/data" >/dev/null 2>&1 || exit 1
"$build/tests/races/race" "$directory/data" >"$directory/report" 2>&1
status=$?
cat "$directory/report"
[ "$status" -eq 66 ] || { echo "check.sh: the race ended with $status, not with the sanitizer's 66" >&2 && exit 1; }
[ "$(grep -c '^WARNING: ThreadSanitizer' "$directory/report")" -eq 1 ] &&
    grep -q '^WARNING: ThreadSanitizer: data race' "$directory/report" && grep -q "global 'unguarded'" "$directory/report"
