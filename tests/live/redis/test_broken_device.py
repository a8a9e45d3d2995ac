"""A worker's device fails in the middle of a session; the client sees one session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.client.runtime import RedisRuntime
from interject.model_runtime.redis.worker.worker import Worker
from tests.fakes.device import Device
from tests.live.redis.client_session import ClientSession, options, undisturbed
from tests.model_runtime.engine.engine_room import outline
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from tests.live.redis.server import RedisServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(300)]
SOUND = frames(noise(12.0, seed=3))


async def test_it_ends_with_one_line_and_another_goes_on(redis_server: RedisServer) -> None:
    stop, device = asyncio.Event(), Device()
    dying, living = (
        Worker(redis_server.url, small_model(256), name=name, slots=2) for name in ("w1", "w2")
    )
    device.carry(dying._engine)
    async with RedisRuntime(redis_server.url) as runtime:
        first = await started(dying, stop)
        talk = ClientSession(await runtime.open(options("a")), SOUND)
        await talk.push(0, 12)
        second = await started(living, stop)
        device.broken = True
        await talk.push(12, len(SOUND))
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(first, 30.0)
        assert caught.group_contains(
            RuntimeFailure, match=r"^the device failed \(an illegal memory access was encountered\)"
        )
        events = await talk.finish()
    assert outline(events) == undisturbed("a", SOUND)
    stop.set()
    await second


async def started(worker: Worker, stop: asyncio.Event) -> asyncio.Task[None]:
    ready = asyncio.Event()
    running = asyncio.create_task(worker.run(stop, ready.set))
    await asyncio.wait_for(ready.wait(), 30.0)
    return running
