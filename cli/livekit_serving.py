"""Runs LiveKit's own worker with Interject in it, and the model beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.cli.failures import InputFailure
from interject.config import load_profile

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL, SOCKET, EMBEDDED = "local:", "local:unix:", "embedded:"
DEFAULT_SLOTS = 8
LOOPBACK, HEALTH_PORT = "127.0.0.1", 8_081
NO_TURN_DETECTOR = ("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
"""LiveKit would load 244 MB of models that take turns; here nobody asks them."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What was asked for. `command` is LiveKit's, and `passed_on` are options for it."""

    command: str
    passed_on: tuple[str, ...]
    url: str
    api_key: str
    api_secret: str = field(repr=False)
    runtime: str = "local:nano"
    slots: int | None = None
    profile: str = "default"
    agent_name: str = "interject"
    barge_in: bool = False
    health: str | None = None


def serve(asked: Serving) -> None:
    """Return when the worker was stopped.

    :raises InputFailure, ProfileError, RoomFailure, RuntimeFailure: for what cannot work.
    """
    try:
        from livekit.agents import cli

        from interject.integrations.livekit.jobs.access import Access, check
        from interject.integrations.livekit.jobs.worker import WorkerSettings, make_server
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"rooms need the package {error.name}: pip install 'interject[livekit]'"
        ) from error
    if asked.slots is not None and asked.slots < 1:
        raise InputFailure(f"--slots {asked.slots}: a worker needs at least one slot")
    load_profile(asked.profile)
    health = _health(asked.health)
    access = Access(asked.url, asked.api_key, asked.api_secret)
    asyncio.run(check(access))
    with _runtime(asked) as (url, slots):
        settings = WorkerSettings(
            runtime=url,
            profile=asked.profile,
            slots=slots,
            barge_in=asked.barge_in,
            agent_name=asked.agent_name,
        )
        server = make_server(settings, access, health=health)
        sys.argv = ["interject livekit", asked.command, *asked.passed_on]
        os.environ.setdefault(*NO_TURN_DETECTOR)
        with warnings.catch_warnings():
            # Its successor is a program of its own that a user would have to install as well.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="interject")
            cli.run_app(server)


@contextlib.contextmanager
def _runtime(asked: Serving) -> Iterator[tuple[str, int | None]]:
    """A runtime that many processes can share, and how many sessions are ours alone."""
    url = asked.runtime
    if url.startswith(EMBEDDED):
        url = LOCAL + url.removeprefix(EMBEDDED)
    if not url.startswith(LOCAL) or url.startswith(SOCKET):
        yield url, asked.slots
        return
    from interject.model_runtime.local.process import ServerProcess

    slots = asked.slots or DEFAULT_SLOTS
    with ServerProcess(url.removeprefix(LOCAL), slots=slots) as process:
        yield process.url, slots


def _health(text: str | None) -> tuple[str, int]:
    if text is None:
        return LOOPBACK, HEALTH_PORT if _is_free(HEALTH_PORT) else 0
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InputFailure(f"--health {text}: give host:port, for example 0.0.0.0:8081")
    return host.strip("[]"), int(port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
