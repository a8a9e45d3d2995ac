#!/bin/sh
# Bundles Pipecat's JavaScript client for the live tests, into .cache/pipecat_client (ignored by git).
# usage: scripts/pipecat_client.sh
# Where it cannot be done, the tests that need it are skipped; INTERJECT_REQUIRE_LIVE=1 makes that an error.
set -eu

cd "$(dirname "$0")/.."
source="$PWD/tests/live/webrtc/pipecat_client"
folder="$PWD/.cache/pipecat_client"
bundle="$folder/bundle.js"

give_up() {
    if [ "${INTERJECT_REQUIRE_LIVE:-}" = 1 ]; then
        echo "Pipecat's client is needed (INTERJECT_REQUIRE_LIVE=1): $1" >&2
        exit 1
    fi
    echo "$1: the tests with Pipecat's client will be skipped"
    exit 0
}

if [ "$bundle" -nt "$source/package-lock.json" ] && [ "$bundle" -nt "$source/client.js" ]; then
    exit 0
fi
command -v npm >/dev/null || give_up "There is no Node.js with npm here"
echo "bundling Pipecat's client"
mkdir -p "$folder"
cp "$source/package.json" "$source/package-lock.json" "$source/client.js" "$folder"
# esbuild's own install script would only look for what the package brings along.
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error >&2) ||
    give_up "Pipecat's client could not be installed from npm's registry"
(cd "$folder" && node_modules/.bin/esbuild client.js --bundle --format=esm --log-level=error --outfile=bundle.js) ||
    give_up "Pipecat's client could not be bundled"
