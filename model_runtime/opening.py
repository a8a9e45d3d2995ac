"""Naming a runtime by a URL."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interject.model_runtime.device_choice import split_place
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Runtime

EMBEDDED_PREFIX = "embedded:"
LOCAL_PREFIX = "local:"
SOCKET_PREFIX = "local:unix:"
NANO = "nano"
REDIS_PREFIXES = ("redis://", "rediss://", "unix://")
_ANY_URL = "://"
_HIDING = frozenset("@:?#")
"""What stands before a password, or behind one."""


logger = logging.getLogger(__name__)


def _log_device(note: str) -> None:
    logger.info("the model computes on a GPU", extra={"device": note})


def open_runtime(
    url: str, *, slots: int | None = 8, told: Callable[[str], None] = _log_device
) -> Runtime:
    """Open `embedded:nano`, `embedded:DIRECTORY`, `local:nano`, `local:DIRECTORY`,
    `local:unix:SOCKET` or `redis://host:port/0`.

    Behind a model may stand its device, the type of its numbers, the positions of a session's
    memory and the type in which they are kept:
    `embedded:nano?device=cuda:1&dtype=bfloat16&context=768&kv_cache_dtype=fp8_e4m3`. Without
    them it is on a GPU where there is one, and `told` gets a line about that.

    Only an embedded model imports torch: a local one is in a process of its own, started before its
    first session, or in one that listens at a socket. `slots` is for what this call starts: a
    worker or a server that runs has its own. None: as many as a GPU has memory for, 8 on a CPU.

    :raises RuntimeFailure: when the URL names no runtime, or its model cannot be loaded.
    """
    if url.startswith(REDIS_PREFIXES):
        return _open_redis(url)
    if url.startswith(LOCAL_PREFIX) and _ANY_URL not in url:
        from interject.model_runtime.local.runtime import LocalRuntime

        return LocalRuntime(url, slots=slots)
    if not url.startswith(EMBEDDED_PREFIX) or _ANY_URL in url:
        raise _no_runtime(url)
    try:
        from interject.model_runtime.embedded import EmbeddedRuntime
        from interject.model_runtime.loading import plan_model
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"an embedded model needs {error.name}: pip install 'interject[runtime]'"
        ) from error
    name, choice = split_place(url.removeprefix(EMBEDDED_PREFIX))
    plan = plan_model(name, choice, slots=slots)
    if plan.resolved.card is not None:
        told(plan.resolved.note)
    with plan.told():
        runtime = EmbeddedRuntime(plan.load(), slots=plan.slots)
    runtime.wait_until_ready()
    return runtime


def check_runtime(url: str) -> None:
    """What can be known before anything is loaded, or anybody is asked.

    :raises RuntimeFailure: when the URL names no runtime, or a model that is not there.
    """
    if url.startswith((*REDIS_PREFIXES, SOCKET_PREFIX)):
        return
    if not url.startswith((LOCAL_PREFIX, EMBEDDED_PREFIX)) or _ANY_URL in url:
        raise _no_runtime(url)
    name, _ = split_place(url.partition(":")[2])
    if not name or (name != NANO and not Path(name).is_dir()):
        raise RuntimeFailure(
            f"{name or url}: there is no such model; name {NANO}, or the directory of a checkpoint"
        )
    if find_spec("torch") is None:
        raise RuntimeFailure(f"{name}: a model needs torch: pip install 'interject[runtime]'")


def _no_runtime(url: str) -> RuntimeFailure:
    return RuntimeFailure(
        f"{_shown(url)}: not a runtime; use {EMBEDDED_PREFIX}nano, {EMBEDDED_PREFIX}DIRECTORY, "
        f"{LOCAL_PREFIX}nano, {LOCAL_PREFIX}DIRECTORY, {SOCKET_PREFIX}SOCKET "
        "or redis://host:port/0"
    )


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
