"""What grows while an agent stays in a room: a look at it every few seconds."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from interject.integrations.livekit.jobs.visitor import Visitor
from tests.live.livekit.agent import kitchen, present
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.live.livekit.agent import Present
    from tests.live.livekit.server import LiveKitServer

ROOM = "stay"
MEGABYTE = 1_048_576


@dataclass(frozen=True)
class Look:
    """`agent_mb` is this process, agent and talker together; `model_mb` the model's process."""

    at_s: float
    agent_mb: float
    model_mb: float
    tasks: int
    history: int
    decided: int
    replies: int
    missed: int
    dropped_blocks: int


async def stay(
    server: LiveKitServer,
    runtime_url: str,
    model_pid: Callable[[], int | None],
    *,
    seconds: float,
    every_s: float,
) -> list[Look]:
    """Somebody plays the kitchen again and again, and the agent answers it."""
    looks: list[Look] = []
    async with (
        present(server, runtime_url, ROOM, remembers=False) as here,
        _talker(server) as visitor,
    ):
        await until(lambda: here.session.ear.heard, "the talker to be heard")
        talking = asyncio.create_task(_talk(visitor))
        began = time.monotonic()
        while (at_s := time.monotonic() - began) < seconds:
            await asyncio.sleep(every_s)
            looks.append(_look(at_s, here, model_pid()))
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
    return looks


@contextlib.asynccontextmanager
async def _talker(server: LiveKitServer) -> AsyncIterator[Visitor]:
    async with Visitor(url=server.url, token=server.token("ann", ROOM)) as visitor:
        await visitor.open_microphone()
        yield visitor


async def _talk(visitor: Visitor) -> None:
    while True:
        await visitor.play(kitchen())


def _look(at_s: float, here: Present, pid: int | None) -> Look:
    gc.collect()
    return Look(
        at_s=at_s,
        agent_mb=psutil.Process(os.getpid()).memory_info().rss / MEGABYTE,
        model_mb=psutil.Process(pid).memory_info().rss / MEGABYTE if pid else 0.0,
        tasks=len(asyncio.all_tasks()),
        history=here.session.history_items,
        decided=here.watch.decided,
        replies=here.watch.replied,
        missed=here.watch.missed,
        dropped_blocks=here.session.ear.dropped_blocks,
    )
