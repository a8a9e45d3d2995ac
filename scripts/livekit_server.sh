#!/bin/sh
# Builds the LiveKit server that the live tests talk to, into .cache/livekit (ignored by git).
# usage: scripts/livekit_server.sh
# Where it cannot be built, the tests that need it are skipped; INTERJECT_REQUIRE_LIVE=1 makes that an error.
set -eu

version=1.13.5
cd "$(dirname "$0")/.."
folder="$PWD/.cache/livekit"
server="$folder/livekit-server"

give_up() {
    if [ "${INTERJECT_REQUIRE_LIVE:-}" = 1 ]; then
        echo "livekit-server $version is needed (INTERJECT_REQUIRE_LIVE=1): $1" >&2
        exit 1
    fi
    echo "$1: the tests against a real LiveKit server will be skipped"
    exit 0
}

if [ -x "$server" ] && "$server" --version 2>/dev/null | grep -qF "$version"; then
    exit 0
fi
command -v go >/dev/null || give_up "There is no Go here"
echo "building livekit-server $version (two minutes, once)"
mkdir -p "$folder"
build=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$build"' EXIT
CGO_ENABLED=0 GOBIN="$build" go install "github.com/livekit/livekit-server/cmd/server@v$version" ||
    give_up "livekit-server $version could not be built (it needs Go 1.26 and the Go module proxy)"
mv "$build/server" "$server"
