#!/bin/sh
# Installs hookturn from this archive for a user of a web host who has a shell; INSTALL says more, also for those who
# have none. Needs a POSIX shell and the basic tools (coreutils, busybox) alone; `crontab` with --cron.
#
# Everything that it makes stands in a manifest, ~/.hookturn/bin/manifest, before it is made: --uninstall removes that
# and nothing else. Lines: `web DIR`, `dir DIR`, `file SUM SIZE PATH` (by cksum), `cron LINE`, and `whole` once all is there.
set -u
unset CDPATH # `cd` would say where it went
LC_ALL=C
export LC_ALL
umask 077
PATH=${PATH:-/usr/bin:/bin}

usage='usage: ./install.sh [--to DIR] [--organization UUID] [--key-file FILE] [--url URL] [--cron] [--keep-htaccess]
                    [--dry-run | --yes]
       ./install.sh --upgrade [--url URL] [--dry-run | --yes]
       ./install.sh --uninstall [--purge-data] [--dry-run | --yes]

  --to DIR            the directory of the site that it is installed into (default: hookturn in the web root)
  --organization UUID whose objects the first key reaches (default: a random one)
  --key-file FILE     writes the key into a new owner-only file instead of showing it
  --url URL           where DIR is reached, such as https://example.com/hookturn: is checked at the end
  --cron              adds the line to your crontab that sends what waits
  --keep-htaccess     leaves the .htaccess that is in DIR; add the lines of the one in this archive yourself
  --upgrade           an installation that is there gets the programs of this archive (it does by itself)
  --uninstall         removes what it has installed, but not the data
  --purge-data        and the data, ~/.hookturn, with all that is in it
  --dry-run           says what would be done, and ends
  --yes               does it without asking'

say() { printf '%s\n' "$@"; }
fail() {
    trap '' HUP INT TERM # what is taken back is taken back whole
    printf 'install.sh: %s\n' "$*" >&2
    undo
    exit 1
}
misused() {
    printf 'install.sh: %s\n%s\n' "$1" "$usage" >&2
    exit 2
}
undo() { :; } # what a beginning that failed takes back; set once something has begun
heed_signals() { trap 'fail "it was interrupted"' HUP INT TERM; }
heed_signals

# ---- what is asked for -----------------------------------------------------------------------------------------------

mode='' to='' organization='' key_file='' url='' with_cron=no keeps_htaccess=no is_dry=no is_sure=no purges=no
while [ $# -gt 0 ]; do
    case $1 in
    --to | --organization | --key-file | --url)
        [ $# -gt 1 ] && [ -n "$2" ] || misused "$1 needs a value"
        case $1 in
        --to) to=$2 ;;
        --organization) organization=$2 ;;
        --key-file) key_file=$2 ;;
        --url) url=$2 ;;
        esac
        shift
        ;;
    --cron) with_cron=yes ;;
    --keep-htaccess) keeps_htaccess=yes ;;
    --upgrade) mode=upgrade ;;
    --uninstall) mode=uninstall ;;
    --purge-data) purges=yes ;;
    --dry-run) is_dry=yes ;;
    --yes) is_sure=yes ;;
    -h | --help) say "$usage" && exit 0 ;;
    *) misused "$1 is no option" ;;
    esac
    shift
done
[ "$purges" = no ] || [ "$mode" = uninstall ] || misused "--purge-data goes with --uninstall"

[ "$(id -u)" -ne 0 ] || fail "this is for a user's own directories: run it as the user whom the site belongs to, not as root"
case ${HOME-} in
/?*) ;;
*) fail "HOME is not set: set it to your home directory" ;;
esac
HOME=${HOME%/}
newline='
'
tab='	'
case $HOME/$to/ in *"$newline"* | *[" $tab"]/*) fail "a directory's name has a line's end in it, or a blank at its end" ;; esac

from=$(cd "$(dirname "$0")" && pwd) || exit 1
data=$HOME/.hookturn
bin=$data/bin
program=$bin/hookturn
manifest=$bin/manifest
case $HOME in
*[!A-Za-z0-9/._@+,-]*) cron_program='"$HOME/.hookturn/bin/hookturn"' ;; # to cron itself a % ends the command
*) cron_program=$program ;;
esac
cron_line="* * * * * $cron_program deliver --for 55s >/dev/null 2>&1"

# ---- the manifest ----------------------------------------------------------------------------------------------------

note() { printf '%s\n' "$*" >>"$manifest" || fail "cannot write $manifest"; }

# web_of_manifest: the directory of the site.
web_of_manifest() {
    while read -r kind rest; do
        [ "$kind" = web ] && say "$rest" && return
    done <"$manifest"
}

# is_whole: whether the installation came to its end.
is_whole() {
    while read -r kind _; do
        [ "$kind" = whole ] && return 0
    done <"$manifest"
    return 1
}

# sum_of FILE: "SUM SIZE".
sum_of() {
    cksum <"$1" 2>/dev/null | {
        read -r sum size _
        say "$sum $size"
    }
}

# is_noted FILE: it is ours. is_as_noted FILE: and nobody has changed it.
is_noted() {
    [ -f "$manifest" ] || return 1
    while read -r kind _ _ path; do
        [ "$kind" = file ] && [ "$path" = "$1" ] && return 0
    done <"$manifest"
    return 1
}
is_as_noted() {
    found=
    while read -r kind sum size path; do
        [ "$kind" = file ] && [ "$path" = "$1" ] && found="$sum $size" # of several the last holds
    done <"$manifest"
    [ -n "$found" ] && [ "$(sum_of "$1")" = "$found" ]
}

# ---- running processes -----------------------------------------------------------------------------------------------

# ours: the ids of this user's processes that run the programs. (suexec starts them by the bare name.)
ours() {
    for entry in /proc/[0-9]*; do
        kill -0 "${entry#/proc/}" 2>/dev/null || continue
        words=$(tr '\0' ' ' <"$entry/cmdline" 2>/dev/null) || continue
        case $words in
        "$web/hookturn.fcgi "* | "hookturn.fcgi "* | "$program "*) say "${entry#/proc/}" ;;
        esac
    done
}

# They finish what they have in hand and end; the next request, or cron, starts the new ones. (A web server notices by
# itself that a program was replaced, but leaves the old process waiting for a while.)
end_processes() {
    for second in 0 1 2 3 4 5 6 7 8 9 10; do
        found=$(ours)
        [ -n "$found" ] || return
        # shellcheck disable=SC2086 # a list of numbers
        [ "$second" -gt 0 ] || kill -TERM $found 2>/dev/null
        sleep 1
    done
}

# ---- cron ------------------------------------------------------------------------------------------------------------

# read_crontab: into $crontab. One that cannot be read is not taken for an empty one.
read_crontab() {
    crontab=$(crontab -l 2>/dev/null) && return
    crontab=
    case $(crontab -l 2>&1) in
    *[Nn]"o crontab"* | *"o such file"*) ;;
    *) return 1 ;;
    esac
}
has_cron_line() {
    case $newline$crontab$newline in
    *"$newline$1$newline"*) ;;
    *) return 1 ;;
    esac
}
other_cron_lines() {
    say "$crontab" | while IFS= read -r line; do
        [ "$line" = "$1" ] || say "$line"
    done
}
set_crontab() {
    if [ -n "$1" ]; then
        say "$1" | crontab -
    else
        crontab -r
    fi
}
add_cron() {
    read_crontab || fail "the crontab cannot be read: leave --cron out, and add the line yourself: $cron_line"
    has_cron_line "$cron_line" && return
    note "cron $cron_line"
    set_crontab "${crontab:+$crontab$newline}$cron_line" ||
        fail "the crontab cannot be changed: leave --cron out, and add the line yourself: $cron_line"
}
remove_cron() {
    if read_crontab; then
        has_cron_line "$1" || return
        set_crontab "$(other_cron_lines "$1")" && return
    fi
    say "The crontab could not be changed: remove the line yourself: $1"
}

# ---- consent ---------------------------------------------------------------------------------------------------------

# agreed: after the plan was shown.
agreed() {
    [ "$is_dry" = no ] || { say "Nothing was done (--dry-run)." && exit 0; }
    [ "$is_sure" = no ] || return 0
    [ -t 0 ] || fail "nothing was done: there is no terminal to ask at; say --yes"
    printf 'Go on? [y/N] '
    read -r answer || answer=
    case $answer in
    y | Y | yes) ;;
    *) say "Nothing was done." && exit 0 ;;
    esac
}

# ---- taking away -----------------------------------------------------------------------------------------------------

# reversed FILE: its lines, the last one first.
reversed() {
    lines=
    while IFS= read -r line; do
        lines="$line$newline$lines"
    done <"$1"
    printf '%s' "$lines"
}

# take_away: what the manifest names, and the manifest.
take_away() {
    reversed "$manifest" | while read -r kind rest; do
        case $kind in
        cron) command -v crontab >/dev/null && remove_cron "$rest" ;;
        dir)
            [ "$rest" != "$bin" ] || continue # it holds the manifest
            rmdir "$rest" 2>/dev/null || [ ! -d "$rest" ] || say "$rest is left: something else is in it"
            ;;
        file)
            rest=${rest#* } && rest=${rest#* }
            if [ "${rest##*/}" = .htaccess ] && [ -e "$rest" ] && ! is_as_noted "$rest"; then
                say "$rest is left: it was changed since"
            else
                rm -f "$rest" "$rest.new"
            fi
            ;;
        esac
    done
    rm -f "$manifest"
    rmdir "$bin" 2>/dev/null
}

uninstall() {
    [ -f "$manifest" ] || fail "nothing is installed here: there is no $manifest"
    web=$(web_of_manifest)
    say "This removes hookturn:"
    while read -r kind rest; do
        case $kind in
        file)
            rest=${rest#* }
            say "  ${rest#* }"
            ;;
        cron) say "  a line of the crontab" ;;
        esac
    done <"$manifest" | sort -u
    if [ "$purges" = yes ]; then
        say "  $data, with the subscriptions, their secrets, and what waits to be sent: for ever"
    else
        say "The data stays: $data"
    fi
    agreed
    take_away # first what the web server would start anew
    end_processes
    if [ "$purges" = yes ]; then
        rm -rf "$data" || fail "cannot remove $data"
    fi
    say "Removed."
}

# ---- where to --------------------------------------------------------------------------------------------------------

# find_web: the one web root that there is, with hookturn in it.
find_web() {
    roots=
    for place in "$HOME/public_html" "$HOME/www" "$HOME/htdocs" "$HOME/httpdocs" "$HOME/html" "$HOME/web" \
        "$HOME"/domains/*/public_html; do
        [ -d "$place" ] || continue
        real=$(cd "$place" && pwd -P) || continue # www is often a link to public_html
        case "$newline$roots$newline" in
        *"$newline$real$newline"*) ;;
        *) roots="${roots:+$roots$newline}$real" ;;
        esac
    done
    case $roots in
    '') fail "no web root was found in $HOME (public_html, www, htdocs, domains/…/public_html): name a directory of the site with --to" ;;
    *"$newline"*) fail "there are several web roots; name a directory in one of them with --to:$newline$roots" ;;
    esac
    say "$roots/hookturn"
}

# absolute DIR: without slashes at its end.
absolute() {
    case $1 in
    /*) path=$1 ;;
    *) path=$(pwd)/$1 ;;
    esac
    while [ "$path" != / ] && [ "$path" != "${path%/}" ]; do
        path=${path%/}
    done
    say "$path"
}

# ---- putting there ---------------------------------------------------------------------------------------------------

# make_dir DIR MODE: with all that is missing above it.
make_dir() {
    [ -d "$1" ] && return
    case $1 in
    */*) make_dir "${1%/*}" "$2" ;;
    esac
    mkdir "$1" && chmod "$2" "$1" || fail "cannot make the directory $1"
    made_dirs="${made_dirs}dir $1$newline"
}
note_dirs() {
    printf '%s' "$made_dirs" >>"$manifest" || fail "cannot write $manifest"
    made_dirs=
}

# why_not PROGRAM OUTPUT: what is wrong where a program of this archive does not run.
why_not() {
    case $2 in
    *GLIBC*) say "this host's C library is too old for it: $2" ;;
    *xec\ format* | *yntax\ error* | *not\ found* | *cannot\ execute*)
        say "it was built for another machine than this one ($(uname -sm)), or for another C library: $2" ;;
    *ermission\ denied*) say "programs may not be run in ${1%/*} (the file system is mounted noexec, say): ask the host" ;;
    *) say "$2" ;;
    esac
}

# stage SOURCE TARGET MODE: TARGET.new, on its way.
stage() {
    [ -f "$1" ] || fail "$1 is missing: unpack the archive again"
    is_noted "$2" || note "file $(sum_of "$1") $2"
    cp "$1" "$2.new" && chmod "$3" "$2.new" || fail "cannot write $2.new: is there room left?"
}
# try PROGRAM WORD…: it must run here before anything relies on it.
try() {
    output=$("$@" 2>&1 </dev/null)
    case $?:$output in
    0:hookturn* | 2:*"a web server starts this program"*) ;;
    *) fail "$1 does not run: $(why_not "$1" "$output")" ;;
    esac
}
put_in_place() {
    mv -f "$1.new" "$1" || fail "cannot replace $1"
    is_as_noted "$1" || note "file $(sum_of "$1") $1"
}

# stage_all: the new programs stand beside the old ones, and run.
stage_all() {
    stage "$from/hookturn" "$program" 700
    try "$program.new" --version
    version=$output
    stage "$from/hookturn.fcgi" "$web/hookturn.fcgi" 755
    try "$web/hookturn.fcgi.new"
    [ "$puts_htaccess" = no ] || stage "$from/.htaccess" "$web/.htaccess" 644
}
# Between two of these nothing stops it: the programs belong together.
place_all() {
    trap '' HUP INT TERM
    put_in_place "$program"
    put_in_place "$web/hookturn.fcgi"
    [ "$puts_htaccess" = no ] || put_in_place "$web/.htaccess"
    heed_signals
}

# ---- the end ---------------------------------------------------------------------------------------------------------

# examine: what the doctor finds, but for what is well.
examine() {
    "$program" doctor ${url:+--url "$url"} 2>&1 | while IFS= read -r line; do
        case $line in
        ok\ * | *worker:*) ;; # none runs before the first event
        *) say "  $line" ;;
        esac
    done
}

show_next() {
    say "" "Next:"
    say "  curl ${url:-https://YOUR-SITE/${web##*/}}/healthz"
    say "  curl ${url:-https://YOUR-SITE/${web##*/}}/v1/whoami -H \"Authorization: Bearer \$HOOKTURN_KEY\""
    [ "$with_cron" = yes ] || say "and this line in your crontab (or run ./install.sh with --cron), which sends what waits:" "  $cron_line"
    say "Keep a copy of $data/master.key elsewhere: without it the secrets cannot be read."
}

# ---- installing and upgrading ----------------------------------------------------------------------------------------

has_data() { [ -e "$data/store" ] || [ -e "$data/master.key" ]; }

make_key() {
    [ -n "$organization" ] || read -r organization </proc/sys/kernel/random/uuid ||
        fail "no random UUID can be had here: give one with --organization"
    key=$("$program" key create --organization "$organization" --name install) || fail "the key could not be made"
    if [ -n "$key_file" ]; then
        (set -C && printf '%s\n' "$key" >"$key_file") || fail "cannot write the key into $key_file: make one with $program key create"
        say "The API key of the organization $organization is in $key_file."
    else
        say "" "The API key of the organization $organization, shown this once:" "  $key"
    fi
}

install() {
    web=${to:+$(absolute "$to")}
    [ -n "$web" ] || web=$(find_web) || exit 1
    puts_htaccess=yes
    [ ! -e "$web/hookturn.fcgi" ] || fail "$web/hookturn.fcgi is there already and is not replaced: move it away, or choose another directory with --to"
    if [ "$keeps_htaccess" = yes ]; then
        puts_htaccess=no
    elif [ -e "$web/.htaccess" ]; then
        fail "$web/.htaccess is there already and is not replaced: choose another directory with --to, or add the lines of $from/.htaccess to it and say --keep-htaccess"
    fi
    for place in "$program" "$key_file"; do
        [ -z "$place" ] || [ ! -e "$place" ] || fail "$place is there already and is not replaced: move it away"
    done
    say "This installs hookturn:"
    say "  $web/hookturn.fcgi"
    [ "$puts_htaccess" = no ] || say "  $web/.htaccess"
    say "  $program"
    if has_data; then
        say "with the data that is there, $data"
    else
        say "  $data, the data: store, master key, configuration; and a first API key"
    fi
    [ "$with_cron" = no ] || say "  a line in the crontab: $cron_line"
    agreed

    had_data_dir=no had_data=no made_dirs=
    [ ! -d "$data" ] || had_data_dir=yes
    has_data && had_data=yes
    make_dir "$bin" 700
    chmod 700 "$data" || fail "cannot make $data private"
    made_dirs=
    # Of several that are started at once one gets past this, and may take back what it makes.
    (set -C && printf 'web %s\ndir %s\n' "$web" "$bin" >"$manifest") 2>/dev/null ||
        fail "cannot make $manifest: is there room left, or is another install.sh at it?"
    undo() {
        undo() { :; }
        take_away >&2
        [ "$had_data" = yes ] || [ "$had_data_dir" = yes ] || rm -rf "$data"
        printf 'install.sh: all is as it was\n' >&2
    }
    make_dir "$web" 755
    note_dirs
    stage_all
    place_all
    if [ "$had_data" = no ]; then
        "$program" init >/dev/null || fail "the data could not be made"
    fi
    [ "$with_cron" = no ] || add_cron
    note whole
    undo() { :; }
    say "" "Installed: $version"
    [ "$("$program" key list --json)" != "[]" ] || make_key
    examine
    show_next
}

upgrade() {
    web=$(web_of_manifest)
    [ -n "$web" ] || fail "$manifest is damaged: it does not name the directory of the site"
    [ -z "$to" ] || [ "$(absolute "$to")" = "$web" ] || fail "it is installed in $web: --uninstall that first (the data stays)"
    puts_htaccess=no
    if is_noted "$web/.htaccess" && is_as_noted "$web/.htaccess"; then
        puts_htaccess=yes
    fi
    before=$("$program" --version 2>/dev/null) || before="an installation that does not run"
    say "This upgrades hookturn ($before) to the version in this archive:"
    say "  $web/hookturn.fcgi"
    if [ "$puts_htaccess" = yes ]; then
        say "  $web/.htaccess"
    elif is_noted "$web/.htaccess"; then
        say "  (not $web/.htaccess, which was changed since: compare it with the one in this archive)"
    fi
    say "  $program" "The data and the configuration stay: $data"
    agreed
    undo() {
        rm -f "$program.new" "$web/hookturn.fcgi.new" "$web/.htaccess.new"
        printf 'install.sh: the old version is still in place\n' >&2
    }
    stage_all
    place_all
    undo() { :; }
    end_processes
    [ "$with_cron" = no ] || add_cron
    say "" "Upgraded: $version"
    examine
}

case $mode in
uninstall) uninstall ;;
*)
    if [ -f "$manifest" ]; then
        is_whole || fail "an installation is under way here, or was cut off: where none is, say --uninstall, and then install anew"
        upgrade
    elif [ "$mode" = upgrade ]; then
        fail "nothing is installed here: there is no $manifest"
    else
        install
    fi
    ;;
esac
