"""Through which Redis the consoles of several processes see each other's sessions."""

from __future__ import annotations

import os
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure, printable
from interject.model_runtime.opening import REDIS_PREFIXES
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.integrations.console.live_sessions import LiveSessions
    from interject.integrations.console.neighbours import Neighbours

OPTION, VARIABLE = "--neighbours", "INTERJECT_NEIGHBOURS"
HELP = (
    "redis://... through which consoles see each other's sessions, or off; default: that of "
    "--runtime, where it is one."
)
OFF = "off"


@dataclass(frozen=True, slots=True)
class NeighboursAt:
    """It may travel to another process. The URL may hold a password."""

    url: str = field(repr=False)

    @asynccontextmanager
    async def joined(self, own: LiveSessions, *, looks: bool) -> AsyncIterator[Neighbours]:
        """Meanwhile others see `own`; where this process `looks`, it sees theirs."""
        from interject.integrations.console.neighbours import Neighbours
        from interject.model_runtime.redis.neighbourhood import RedisNeighbourhood

        way = RedisNeighbourhood(self.url)
        try:
            async with Neighbours(way, own, looks=looks) as neighbours:
                yield neighbours
        finally:
            await way.aclose()

    @asynccontextmanager
    async def follower(self) -> AsyncIterator[LiveSessions]:
        """For a process that serves sessions and has no console."""
        from interject.integrations.console.live_sessions import LiveSessions

        own = LiveSessions(server=server_name())
        async with self.joined(own, looks=False):
            yield own


def neighbours_at(given: str | None, runtime: str) -> NeighboursAt | None:
    """None: this process' sessions are nobody else's matter.

    :raises InputFailure: when what was given is no such URL.
    """
    if given == OFF or (given is None and not runtime.startswith(REDIS_PREFIXES)):
        return None
    if given is None:
        return NeighboursAt(runtime)
    if not given.startswith(REDIS_PREFIXES):
        raise InputFailure(f"{OPTION} {printable(given)}: give redis://..., or {OFF}")
    try:
        from interject.model_runtime.redis.address import Address

        Address.parse(given)
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"{OPTION} needs the package {error.name}: pip install 'interject[redis]'"
        ) from error
    except RuntimeFailure as failure:
        raise InputFailure(f"{OPTION}: {failure}") from None
    return NeighboursAt(given)


def server_name() -> str:
    """What people know this process by."""
    return f"{socket.gethostname()}-{os.getpid()}"
