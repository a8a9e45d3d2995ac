"""Naming a runtime by a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Runtime

EMBEDDED_PREFIX = "embedded:"
REDIS_PREFIXES = ("redis://", "rediss://", "unix://")


def open_runtime(url: str, *, slots: int = 8) -> Runtime:
    """Open `embedded:nano`, `embedded:DIRECTORY` or `redis://host:port/0`.

    Only the first two import torch; `slots` is theirs, too: a worker has its own.

    :raises RuntimeFailure: when the URL names no runtime, or its model cannot be loaded.
    """
    if url.startswith(REDIS_PREFIXES):
        return _open_redis(url)
    if not url.startswith(EMBEDDED_PREFIX):
        raise RuntimeFailure(
            f"{url}: not a runtime; use {EMBEDDED_PREFIX}nano, {EMBEDDED_PREFIX}DIRECTORY "
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


def _open_redis(url: str) -> Runtime:
    try:
        from interject.model_runtime.redis.runtime import RedisRuntime
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"a runtime behind Redis needs {error.name}: pip install 'interject[redis]'"
        ) from error
    return RedisRuntime(url)
