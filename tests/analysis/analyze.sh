#!/bin/sh
# Static analysis; anything found is an error. By `make analyze`, which gives the preprocessor's options:
#   analyze.sh clang-tidy OPTION…   the checks of .clang-tidy
#   analyze.sh cppcheck OPTION…     less what cppcheck.txt leaves out
# Both read src, cgi-bin and tests/support. (gcc's -fanalyzer comes with a build: make analyze-gcc.)
set -u
tool=$1
shift
command -v "$tool" >/dev/null || { echo "$tool is missing; on Debian: apt-get install $tool" >&2 && exit 1; }
source=${HOOKTURN_SOURCE:-$(dirname "$0")/../..}
at_once=$(nproc 2>/dev/null || echo 2)

# A process for each file: clang 14's check of va_list carries what it learnt from one file to the next.
run_clang_tidy() {
    find src cgi-bin tests/support -name '*.c' -print0 |
        xargs -0 -P "$at_once" -I FILE clang-tidy --quiet FILE -- -std=gnu11 "$@" 2>&1 |
        grep -v ' warnings\? generated\.$\|^Suppressed \|^Use -header-filter' && return 1
    return 0
}

run_cppcheck() {
    cppcheck -q -j "$at_once" --std=c11 --enable=warning,style,performance,portability --inline-suppr \
        --suppressions-list=tests/analysis/cppcheck.txt --error-exitcode=1 "$@" src cgi-bin tests/support
}

cd "$source" || exit 1
case $tool in
clang-tidy) run_clang_tidy "$@" ;;
cppcheck) run_cppcheck "$@" ;;
esac
