"""Naming a runtime by a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Runtime

EMBEDDED_PREFIX = "embedded:"
LOCAL_PREFIX = "local:"
REDIS_PREFIXES = ("redis://", "rediss://", "unix://")
_ANY_URL = "://"
_HIDING = frozenset("@:?#")
"""What stands before a password, or behind one."""


def open_runtime(url: str, *, slots: int = 8) -> Runtime:
    """Open `embedded:nano`, `embedded:DIRECTORY`, `local:nano`, `local:DIRECTORY`,
    `local:unix:SOCKET` or `redis://host:port/0`.

    Only an embedded model imports torch: a local one is in a process of its own, started before its
    first session, or in one that listens at a socket. `slots` is for what this call starts: a
    worker or a server that runs has its own.

    :raises RuntimeFailure: when the URL names no runtime, or its model cannot be loaded.
    """
    if url.startswith(REDIS_PREFIXES):
        return _open_redis(url)
    if url.startswith(LOCAL_PREFIX) and _ANY_URL not in url:
        from interject.model_runtime.local.runtime import LocalRuntime

        return LocalRuntime(url, slots=slots)
    if not url.startswith(EMBEDDED_PREFIX) or _ANY_URL in url:
        raise RuntimeFailure(
            f"{_shown(url)}: not a runtime; use {EMBEDDED_PREFIX}nano, {EMBEDDED_PREFIX}DIRECTORY, "
            f"{LOCAL_PREFIX}nano, {LOCAL_PREFIX}DIRECTORY, {LOCAL_PREFIX}unix:SOCKET "
            "or redis://host:port/0"
        )
    try:
        from interject.model_runtime.checkpoint import load_checkpoint
        from interject.model_runtime.embedded import EmbeddedRuntime
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"an embedded model needs {error.name}: pip install 'interject[runtime]'"
        ) from error
    return EmbeddedRuntime(load_checkpoint(url.removeprefix(EMBEDDED_PREFIX)), slots=slots)


def _shown(url: str) -> str:
    """Without what could be a password."""
    return url if url.isprintable() and not _HIDING & set(url) else "the URL that was given"


def _open_redis(url: str) -> Runtime:
    try:
        from interject.model_runtime.redis.client.runtime import RedisRuntime
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"a runtime behind Redis needs {error.name}: pip install 'interject[redis]'"
        ) from error
    return RedisRuntime(url)
