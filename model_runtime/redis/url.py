"""The parts of a Redis' URL. Nothing said of a wrong one repeats what may be a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from urllib.parse import SplitResult

SCHEMES = ("redis", "rediss", "unix")
DEFAULT_PORT = 6379
_ENCODED = re.compile(r"(?:[^\s/?#\[\]@%\\]|%[0-9A-Fa-f]{2})*")
_DATABASE = re.compile(r"/?|/\d+")

HostPort = tuple[str, int]
"""Host and port of one Redis."""


def split(url: str) -> SplitResult:
    """Its parts.

    :raises RuntimeFailure: when it is no URL of a Redis.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES:
        raise RuntimeFailure("not a Redis URL: use redis://host:port/0 or rediss://host:port/0")
    if not _ENCODED.fullmatch(rest.rpartition("@")[0]):
        raise RuntimeFailure(
            "the user or password in the Redis URL must be percent-encoded: "
            "write %2F for /, %3F for ?, %23 for #, %5B for [, %5D for ], %40 for @, %25 for %, "
            "%20 for a space"
        )
    parts = _split(url)
    if parts is None:
        raise RuntimeFailure(
            "the Redis URL cannot be read; write redis://user:password@host:port/0"
        )
    if scheme != "unix" and not _DATABASE.fullmatch(parts.path):
        raise RuntimeFailure("the database in the Redis URL is no number; write /0 behind the port")
    for host in hosts(parts):
        host_port(host)
    return parts


def hosts(parts: SplitResult) -> list[str]:
    """Each with its port; of a socket there are none."""
    return [] if parts.scheme == "unix" else parts.netloc.rpartition("@")[2].split(",")


def host_port(host: str) -> HostPort:
    """Of `host:port`.

    :raises RuntimeFailure: when it is none.
    """
    found = _host_port(host)
    if found is None:
        raise RuntimeFailure(
            "the Redis URL names something that is not a host and port; write host:port, "
            "or host:port,host:port for a cluster"
        )
    return found


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _host_port(host: str) -> HostPort | None:
    try:
        parts = urlsplit(f"//{host}")
        port = DEFAULT_PORT if parts.port is None else parts.port
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None
