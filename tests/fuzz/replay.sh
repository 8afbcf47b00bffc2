#!/bin/sh
# Replays the corpus of each fuzz target: tests/fuzz/corpus/NAME through tests/fuzz/fuzz_NAME.
#   HOOKTURN_SOURCE  the source tree (default: the one that this script stands in)
#   HOOKTURN_BUILD   the build directory
set -u
source=${HOOKTURN_SOURCE:-$(dirname "$0")/../..}
build=${HOOKTURN_BUILD:-build}
failed=0
for corpus in "$source"/tests/fuzz/corpus/*/; do
    name=$(basename "$corpus")
    "$build/tests/fuzz/fuzz_$name" "$corpus" || { echo "replay: fuzz_$name failed" >&2 && failed=1; }
done
exit $failed
