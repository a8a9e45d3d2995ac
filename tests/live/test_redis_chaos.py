"""Many sessions while a seeded schedule kills and stops workers and Redis."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.protocol import FRAME_S
from interject.model_runtime.redis.runtime import RedisRuntime
from tests.live.talk import Talk, options, undisturbed
from tests.live.worker_process import WorkerProcess
from tests.model_runtime.test_engine import outline
from tests.model_runtime.worlds import frames, noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.redis_server import RedisServer

SESSIONS = 6
FRAMES = 100

logger = logging.getLogger(__name__)
pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def workers(redis_server: RedisServer) -> Iterator[list[WorkerProcess]]:
    fleet = [WorkerProcess(redis_server.url, f"w{n}", slots=SESSIONS) for n in range(3)]
    for worker in fleet:
        worker.start()
    yield fleet
    for worker in fleet:
        worker.kill()


@dataclass
class Chaos:
    """One disturbance at a time; the next one comes when all sessions go on again.

    A worker that is gone is started again meanwhile; two are always ready.
    """

    redis: RedisServer
    ready: list[WorkerProcess]
    talks: list[Talk]
    dice: random.Random
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    _restarts: list[asyncio.Task[None]] = field(default_factory=list)

    async def reign(self) -> None:
        """Until the talks are near their end."""
        deeds = [self.kill_worker, self.stop_worker, self.kill_redis, self.stop_redis, self.drain]
        while min(talk.pushed_seq for talk in self.talks) < FRAMES - 10:
            await asyncio.sleep(self.dice.uniform(0.3, 1.5))
            await self.dice.choice(deeds)()
        await asyncio.gather(*self._restarts)

    async def kill_worker(self) -> None:
        await self._lose_worker(signal.SIGKILL, "kill worker")

    async def drain(self) -> None:
        await self._lose_worker(signal.SIGTERM, "drain worker")

    async def _lose_worker(self, how: signal.Signals, deed: str) -> None:
        if len(self.ready) < 2:
            return
        worker = self.ready.pop(self.dice.randrange(len(self.ready)))
        worker.signal(how)
        await self.recovered(deed)
        self._restarts.append(asyncio.create_task(self._restart(worker)))

    async def _restart(self, worker: WorkerProcess) -> None:
        code = await asyncio.to_thread(worker.wait)
        assert code in (0, -signal.SIGKILL)
        await asyncio.to_thread(worker.start)
        self.ready.append(worker)

    async def stop_worker(self) -> None:
        worker = self.dice.choice(self.ready)
        worker.signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(0.1, 3.0))
        worker.signal(signal.SIGCONT)
        await self.recovered("stop worker")

    async def kill_redis(self) -> None:
        self.redis.kill()
        await asyncio.sleep(self.dice.uniform(0.0, 1.0))
        self.redis.start()
        await self.recovered("kill redis")

    async def stop_redis(self) -> None:
        self.redis.signal(signal.SIGSTOP)
        await asyncio.sleep(self.dice.uniform(0.1, 3.0))
        self.redis.signal(signal.SIGCONT)
        await self.recovered("stop redis")

    async def recovered(self, deed: str) -> None:
        """Until two frames that every session has yet to push are decided."""
        began = time.monotonic()
        goals = [(talk, talk.pushed_seq + 2) for talk in self.talks]
        for talk, goal in goals:
            await talk.settled(min(goal, FRAMES - 1))
        self.recoveries.append((deed, time.monotonic() - began))
        logger.info("%s: all go on after %.2f s", *self.recoveries[-1])


async def speak(talk: Talk, phase_s: float) -> None:
    """In real time, whatever happens."""
    await asyncio.sleep(phase_s)
    began = time.monotonic()
    for frame in talk.sound:
        await asyncio.sleep(max(0.0, began + frame.seq * FRAME_S - time.monotonic()))
        await talk.push_blindly(frame)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_session_is_what_it_would_have_been(
    redis_server: RedisServer, workers: list[WorkerProcess], seed: int
) -> None:
    dice = random.Random(seed)
    sounds = {
        f"s{n}": frames(noise(FRAMES * FRAME_S, seed=seed * 100 + n)) for n in range(SESSIONS)
    }
    async with RedisRuntime(redis_server.url) as runtime:
        talks = [Talk(await runtime.open(options(name)), sound) for name, sound in sounds.items()]
        chaos = Chaos(redis_server, list(workers), talks, dice)
        reign = asyncio.create_task(chaos.reign(), name="chaos")
        await asyncio.gather(*(speak(talk, dice.uniform(0, FRAME_S)) for talk in talks))
        await reign
        await asyncio.gather(*(talk.settled(FRAMES - 1) for talk in talks))
        heard = [outline(await talk.finish()) for talk in talks]
    assert chaos.recoveries, "nothing was disturbed"
    for (name, sound), events in zip(sounds.items(), heard, strict=True):
        assert events == undisturbed(name, sound), (name, chaos.recoveries)
