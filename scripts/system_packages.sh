#!/bin/sh
# Installs the Debian packages that `make demo` or `make test` needs and that are not there yet.
# usage: scripts/system_packages.sh demo|test
set -eu

purpose=${1:?usage: scripts/system_packages.sh demo|test}
missing=""

need() { # PACKAGE COMMAND...: the package is missing when the command fails
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

has_espeak_library() {
    PATH="$PATH:/sbin:/usr/sbin" ldconfig -p | grep 'libespeak-ng\.so\.1'
}
has() { command -v "$1"; }
has_venv() { # a Python made by pyenv or uv brings its own
    python=$(command -v python3.11 || command -v python3) && "$python" -c 'import ensurepip, venv'
}

need python3-venv has_venv
need libespeak-ng1 has_espeak_library
if [ "$purpose" = test ]; then
    need espeak-ng has espeak-ng
    need flite has flite
    need redis-server has redis-server
fi

if [ -z "$missing" ]; then
    exit 0
fi

command="apt-get install --yes --no-install-recommends$missing"
give_up() {
    echo "Missing Debian packages:$missing. $1 Run this yourself, then try again:  $command" >&2
    exit 1
}

has apt-get >/dev/null || give_up "There is no apt-get here: install what these packages hold with your own package manager."
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    has sudo >/dev/null || give_up "You are not root and there is no sudo."
    as_root="sudo"
fi

echo "installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # words are meant to split
$as_root $command >/dev/null 2>&1 || { $as_root apt-get update --quiet=2 && $as_root $command >/dev/null; } || give_up "apt-get failed."
