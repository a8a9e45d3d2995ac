#!/bin/sh
# Starts Redis with the limits of redis.conf and the users of users.acl.
# usage: start.sh [redis-server options]
# INTERJECT_SECRETS: folder with the files media, worker and ops, a password in each
#                    (default /run/secrets); a file media-NAME makes a user interject-media-NAME
#                    for the tenant NAME, interject-media is for the tenant "default".
# INTERJECT_REDIS_RUN: where the finished ACL file goes (default /tmp).
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

worker=$(digest worker)
ops=$(digest ops)

tenant() { # NAME, USER, FILE: a tenant's line
    password=$(digest "$3")
    sed -n -e "s/^user interject-media /user $2 /" -e "s/@MEDIA@/$password/" -e "s/@TENANT@/$1/g" \
        -e "/^user $2 /p" "$here/users.acl"
}

{
    sed -e '/^#/d' -e '/^$/d' -e '/@MEDIA@/d' -e "s/@WORKER@/$worker/" -e "s/@OPS@/$ops/" \
        "$here/users.acl"
    tenant default interject-media media
    for file in "$secrets"/media-*; do
        [ -e "$file" ] || continue
        name=${file##*/media-}
        case $name in
        *[!a-z0-9-]* | "" | ?????????????????????????????????*)
            echo "start.sh: $file: a tenant's name is made of small letters, digits and hyphens, 32 at most" >&2
            exit 2
            ;;
        esac
        tenant "$name" "interject-media-$name" "media-$name"
    done
} >"$run/interject-users.acl"
exec redis-server "$here/redis.conf" --aclfile "$run/interject-users.acl" "$@"
