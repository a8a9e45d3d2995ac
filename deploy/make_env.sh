#!/bin/sh
# Writes the passwords that docker-compose.yml reads into a new file, .env unless named.
# usage: deploy/make_env.sh [FILE]
set -eu
umask 077

file=${1:-.env}
if [ -e "$file" ]; then
    echo "make_env.sh: $file exists already; remove it to get new passwords" >&2
    exit 2
fi

secret() {
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}

cat >"$file" <<END
INTERJECT_MEDIA_PASSWORD=$(secret)
INTERJECT_WORKER_PASSWORD=$(secret)
INTERJECT_OPS_PASSWORD=$(secret)
INTERJECT_GRAFANA_PASSWORD=$(secret)
INTERJECT_LIVEKIT_SECRET=$(secret)
INTERJECT_API_TOKEN=$(secret)
END
