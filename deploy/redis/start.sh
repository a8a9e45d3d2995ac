#!/bin/sh
# Starts Redis with the limits of redis.conf and the users of users.acl.
# usage: start.sh [redis-server options]
# INTERJECT_SECRETS: folder with the files media, worker and ops, a password in each
#                    (default /run/secrets); a file media-SHARD makes a user interject-media-SHARD
#                    that reaches that shard alone. INTERJECT_REDIS_RUN: where the finished ACL file goes
#                    (default /tmp).
set -eu
umask 077

here=$(cd "$(dirname "$0")" && pwd)
secrets=${INTERJECT_SECRETS:-/run/secrets}
run=${INTERJECT_REDIS_RUN:-/tmp}

digest() { # FILE: SHA-256 of the password in it, without the line's end
    if [ ! -s "$secrets/$1" ]; then
        echo "start.sh: $secrets/$1 is missing or empty: put the password of interject-$1 there" >&2
        exit 2
    fi
    tr -d '\r\n' <"$secrets/$1" | sha256sum | cut -d ' ' -f 1
}

media=$(digest media)
worker=$(digest worker)
ops=$(digest ops)
sed -e '/^#/d' -e '/^$/d' -e "s/@MEDIA@/$media/" -e "s/@WORKER@/$worker/" -e "s/@OPS@/$ops/" \
    "$here/users.acl" >"$run/interject-users.acl"
for file in "$secrets"/media-*; do
    [ -e "$file" ] || continue
    shard=${file##*/media-}
    case $shard in
    *[!A-Za-z0-9]* | "")
        echo "start.sh: $file: the name of a shard is made of letters and digits" >&2
        exit 2
        ;;
    esac
    tenant=$(digest "media-$shard")
    sed -n -e "/^user interject-media /s/interject-media /interject-media-$shard /" \
        -e "s/@MEDIA@/$tenant/" -e "s/{\*}/{$shard}/g" -e "/^user interject-media-/p" \
        "$here/users.acl" >>"$run/interject-users.acl"
done
exec redis-server "$here/redis.conf" --aclfile "$run/interject-users.acl" "$@"
