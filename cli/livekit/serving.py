"""Runs LiveKit's own worker with Interject in it, and the model beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
import tempfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.soundboard.soundboard import check_sounds
from interject.cli.process.failures import InputFailure
from interject.cli.process.neighbours import neighbours_at
from interject.cli.process.records_folder import records_at, swept
from interject.config import load_profile
from interject.model_runtime.device_choice import read_slots
from interject.model_runtime.opening import open_runtime

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.livekit.jobs.access import Access
    from interject.integrations.livekit.jobs.worker import RoomServer

LOCAL, SOCKET, EMBEDDED = "local:", "local:unix:", "embedded:"
DEFAULT_SLOTS = 8
SALT_BYTES = 16
LOOPBACK, HEALTH_PORT = "127.0.0.1", 8_081
NO_TURN_DETECTOR = ("LIVEKIT_AGENTS_PRELOAD_LOCAL_INFERENCE", "0")
"""LiveKit would load 244 MB of models that take turns; here nobody asks them."""


@dataclass(frozen=True, slots=True)
class ServeRequest:
    """What was asked for. `command` is LiveKit's, and `passed_on` are options for it."""

    command: str
    passed_on: tuple[str, ...]
    url: str
    api_key: str
    api_secret: str = field(repr=False)
    runtime: str = "local:nano"
    slots: str | None = None
    profile: str = "default"
    profiles: str | None = None
    agent_name: str = "interject"
    barge_in: bool = False
    health: str | None = None
    metrics_port: int | None = None
    wait_s: float = 10.0
    records: str | None = None
    neighbours: str | None = field(default=None, repr=False)


def serve(request: ServeRequest) -> None:
    """Return when the worker was stopped.

    :raises InputFailure, ProfileError, RoomFailure, RuntimeFailure: for what cannot work.
    """
    try:
        from interject.integrations.conversation.consent_store import ConsentStore
        from interject.integrations.livekit.jobs.access import Access, check
        from interject.integrations.livekit.jobs.worker import WorkerSettings, make_server
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"rooms need the package {error.name}: pip install 'interject[livekit]'"
        ) from error
    if not request.wait_s >= 0:
        raise InputFailure(f"--wait {request.wait_s:g}: a time is not negative; 0 does not wait")
    slots = DEFAULT_SLOTS if request.slots is None else read_slots(request.slots)
    check_sounds(load_profile(request.profile))
    profiles = None if request.profiles is None else Path(request.profiles).expanduser().resolve()
    if profiles is not None and not profiles.is_dir():
        raise InputFailure(f"--profiles {request.profiles}: no such folder")
    records = records_at(request.records)
    neighbours = neighbours_at(request.neighbours, request.runtime)
    health = _health(request.health)
    if request.metrics_port is not None:
        _check_metrics_port(health[0], request.metrics_port)
    access = Access(request.url, request.api_key, request.api_secret)
    asyncio.run(_check_shared(request.runtime, request.wait_s))
    asyncio.run(check(access))
    with (
        _runtime(request, slots) as (url, admitted),
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as consent,
        swept(records),
    ):
        metrics = None if request.metrics_port is None else (request.metrics_port, folder)
        settings = WorkerSettings(
            runtime=url,
            profile=request.profile,
            profiles=profiles,
            slots=admitted,
            barge_in=request.barge_in,
            agent_name=request.agent_name,
            consent=ConsentStore(Path(consent), secrets.token_bytes(SALT_BYTES)),
            records=None if records is None else records.folder,
            follower=None if neighbours is None else neighbours.follower,
        )
        server = make_server(settings, access, health=health, metrics=metrics)
        sys.argv = ["interject livekit", request.command, *request.passed_on]
        os.environ.setdefault(*NO_TURN_DETECTOR)
        with warnings.catch_warnings():
            # Its successor is a program of its own that a user would have to install as well.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module="interject")
            run_worker(server, access)


def run_worker(server: RoomServer, access: Access) -> None:
    """Return when the worker was stopped; `sys.argv` holds LiveKit's command.

    :raises RoomFailure: when it ended by itself.
    """
    from livekit.agents import cli

    from interject.integrations.livekit.jobs.access import RoomFailure

    try:
        cli.run_app(server)
    finally:
        if server.failure is not None:
            raise RoomFailure(
                f"{access.url}: the worker cannot go on ({server.failure}); "
                "start it again when the server is back"
            ) from None


@contextlib.contextmanager
def _runtime(request: ServeRequest, slots: int | None) -> Iterator[tuple[str, int | None]]:
    """A runtime that many processes can share, and how many sessions are ours alone.

    Where a GPU's memory decides how many there are, the runtime is asked.
    """
    url = request.runtime
    if url.startswith(EMBEDDED):
        url = LOCAL + url.removeprefix(EMBEDDED)
    if not url.startswith(LOCAL) or url.startswith(SOCKET):
        yield url, None if request.slots is None else slots
        return
    from interject.model_runtime.local.process import ServerProcess

    with ServerProcess(url.removeprefix(LOCAL), slots=slots) as process:
        yield process.url, slots


async def _check_shared(url: str, wait_s: float) -> None:
    """See whether a runtime that runs elsewhere can be used; a Redis may come a little later.

    :raises RuntimeFailure: when it cannot: every room would be taken in vain.
    """
    if url.startswith((LOCAL, EMBEDDED)) and not url.startswith(SOCKET):
        return
    from interject.integrations.conversation.free_slots import once_there

    runtime = open_runtime(url)
    try:
        await once_there(runtime, wait_s)
    finally:
        await runtime.aclose()


def _health(text: str | None) -> tuple[str, int]:
    if text is None:
        return LOOPBACK, HEALTH_PORT if _is_free(LOOPBACK, HEALTH_PORT) else 0
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65_535:
        raise InputFailure(f"--health {text}: give host:port, for example 0.0.0.0:8081")
    return host.strip("[]"), int(port)


def _check_metrics_port(host: str, port: int) -> None:
    """LiveKit would say it in a traceback, and only once the model is loaded."""
    if not 0 < port <= 65_535:
        raise InputFailure(f"--metrics-port {port}: a port lies between 1 and 65535")
    if not _is_free(host, port):
        raise InputFailure(f"--metrics-port {port}: cannot be used on {host}; name another one")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
