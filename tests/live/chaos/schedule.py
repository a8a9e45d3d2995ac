"""Rooms in real time, while a seeded schedule kills, stops and cuts off whatever serves them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_S
from tests.live.chaos.client_process import ClientProcess, options
from tests.live.chaos.hostile_tenant import be_hostile
from tests.live.chaos.misbehaving_sessions import ask_for_the_impossible, lose_a_key
from tests.live.chaos.room import Account, Room, accounts
from tests.live.redis.faults import FAULTS, administered
from tests.live.redis.proxy import Proxy
from tests.live.redis.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.live.redis.server import RedisServer

WORKERS = 3
CLIENTS = 3
SILENCE_S = 180.0
STARTING_S = 4.0
LAST_DEED_FRAMES = 20
TROUBLES = ("MISCONF", "NOREPLICAS", "OOM", "BUSY")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recovery:
    """After a deed was over, how long until every room had been heard again."""

    deed: str
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """Of one seed."""

    seed: int
    accounts: tuple[Account, ...]
    recoveries: tuple[Recovery, ...]


@dataclass(eq=False)
class WorkerSite:
    """A worker, and its own way to Redis."""

    process: WorkerProcess
    proxy: Proxy


@dataclass(eq=False)
class ClientSite:
    """A media process, its own way to Redis, and the rooms that it serves."""

    rooms: list[int]
    proxy: Proxy
    process: ClientProcess


class Chaos:
    """One disturbance at a time; the next one comes when all rooms are heard again.

    A worker that is gone is started again meanwhile, as something in production would; two are
    always there.
    """

    def __init__(self, redis: RedisServer, *, seed: int, rooms: int, frames: int) -> None:
        self._redis = redis
        self._seed = seed
        self._dice = random.Random(seed)
        self._frames = frames
        self.rooms = [Room(number, seed, frames) for number in range(rooms)]
        self._recoveries: list[Recovery] = []
        self._news = asyncio.Condition()
        self._workers: list[WorkerSite] = []
        self._ready: list[WorkerSite] = []
        self._clients: list[ClientSite] = []
        self._began = 0.0

    async def run(self) -> Outcome:
        """From the first frame to the last event of every room.

        :raises AssertionError: when a room was not told what it should have been.
        """
        async with self._fleet(), asyncio.TaskGroup() as tasks:
            for client in self._clients:
                tasks.create_task(self._follow(client), name="client")
            await self._settled(0)
            await self._reign(tasks)
        return Outcome(self._seed, accounts(self.rooms), tuple(self._recoveries))

    @contextlib.asynccontextmanager
    async def _fleet(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as proxies:
            try:
                for number in range(WORKERS):
                    proxy = await proxies.enter_async_context(Proxy(self._redis.port))
                    process = WorkerProcess(proxy.url, f"w{number}", slots=len(self.rooms))
                    self._workers.append(WorkerSite(process, proxy))
                starts = (asyncio.to_thread(site.process.start) for site in self._workers)
                await asyncio.gather(*starts)
                self._ready = list(self._workers)
                self._began = time.time() + STARTING_S
                for number in range(CLIENTS):
                    proxy = await proxies.enter_async_context(Proxy(self._redis.port))
                    rooms = [room.number for room in self.rooms[number::CLIENTS]]
                    self._clients.append(ClientSite(rooms, proxy, self._client(proxy, rooms)))
                yield
            finally:
                for worker in self._workers:
                    worker.process.kill()
                for client in self._clients:
                    client.process.kill()

    def _client(self, proxy: Proxy, rooms: list[int]) -> ClientProcess:
        return ClientProcess(proxy.url, self._seed, self._frames, self._began, rooms)

    # What the rooms are told

    async def _follow(self, site: ClientSite) -> None:
        """One media process after the other, until one ends by itself."""
        code = None
        while code != 0:
            await site.process.start()
            while line := await site.process.line():
                what, room, *rest = line
                self.rooms[room].hear(what, *rest)
                async with self._news:
                    self._news.notify_all()
            code = await site.process.wait()
            assert code in (0, -signal.SIGKILL), f"a media process ended with {code}"
            site.process = self._client(site.proxy, site.rooms) if code else site.process

    async def _settled(self, index: int) -> None:
        """Until a frame, or a later one, was decided or reported lost in every room."""
        goal = min(index, self._frames - 1)
        async with asyncio.timeout(SILENCE_S), self._news:
            await self._news.wait_for(
                lambda: all(room.settled_index >= goal for room in self.rooms)
            )

    @property
    def _index(self) -> int:
        """The frame that sounds now."""
        return int((time.time() - self._began) / FRAME_S)

    # What is done to them

    async def _reign(self, tasks: asyncio.TaskGroup) -> None:
        """Every deed comes about equally often."""
        deeds = self._deeds(tasks)
        waiting: list[str] = []
        while self._index < self._frames - LAST_DEED_FRAMES:
            await asyncio.sleep(self._dice.uniform(0.1, 1.0))
            waiting = waiting or self._dice.sample(sorted(deeds), len(deeds))
            deed = waiting.pop()
            await deeds[deed]()
            await self._recovered(deed)

    def _deeds(self, tasks: asyncio.TaskGroup) -> dict[str, Callable[[], Awaitable[None]]]:
        return {
            "worker killed": lambda: self._lose_worker(signal.SIGKILL, tasks),
            "worker drained": lambda: self._lose_worker(signal.SIGTERM, tasks),
            "worker stopped": lambda: self._pause(self._dice.choice(self._ready).process),
            "worker cut off": lambda: self._part(self._dice.choice(self._ready).proxy),
            "redis killed": self._kill_redis,
            "redis stopped": lambda: self._pause(self._redis),
            "client killed": self._kill_client,
            "client stopped": lambda: self._pause(self._dice.choice(self._clients).process),
            "client cut off": lambda: self._part(self._dice.choice(self._clients).proxy),
            **{f"redis {name}": partial(self._trouble, name) for name in TROUBLES},
            "a key lost": lambda: lose_a_key(self._redis, self._dice),
            "hostile options": lambda: ask_for_the_impossible(self._redis, self._dice),
            "hostile tenant": self._be_hostile,
        }

    async def _trouble(self, name: str) -> None:
        """Redis says for a while that it cannot do it."""
        async with administered(self._redis) as admin, FAULTS[name](self._redis, admin):
            await self._a_while(3.0)

    async def _recovered(self, deed: str) -> None:
        """Until two frames that have yet to sound are decided in every room."""
        began = time.monotonic()
        await self._settled(self._index + 2)
        self._recoveries.append(Recovery(deed, time.monotonic() - began))
        logger.info("%s: all are heard after %.2f s", deed, self._recoveries[-1].seconds)

    async def _lose_worker(self, how: signal.Signals, tasks: asyncio.TaskGroup) -> None:
        async with self._news:
            await self._news.wait_for(lambda: len(self._ready) == WORKERS)
        site = self._ready.pop(self._dice.randrange(WORKERS))
        site.process.signal(how)
        tasks.create_task(self._restart(site), name="restart")

    async def _restart(self, site: WorkerSite) -> None:
        code = await asyncio.to_thread(site.process.wait)
        assert code in (0, -signal.SIGKILL), f"a worker ended with {code}"
        await asyncio.to_thread(site.process.start)
        async with self._news:
            self._ready.append(site)
            self._news.notify_all()

    async def _kill_client(self) -> None:
        """Whoever follows it starts the next one."""
        self._dice.choice(self._clients).process.signal(signal.SIGKILL)

    async def _kill_redis(self) -> None:
        self._redis.kill()
        await self._a_while(1.0)
        await asyncio.to_thread(self._redis.start)

    async def _be_hostile(self) -> None:
        rooms = [options(room.number).session_id for room in self.rooms]
        await be_hostile(self._redis.port, self._dice, rooms)

    async def _pause(self, process: WorkerProcess | ClientProcess | RedisServer) -> None:
        process.signal(signal.SIGSTOP)
        await self._a_while(3.0)
        process.signal(signal.SIGCONT)

    async def _part(self, proxy: Proxy) -> None:
        """Either nothing comes through, or every connection ends."""
        self._dice.choice([proxy.stall, proxy.cut])()
        await self._a_while(3.0)
        proxy.heal()

    async def _a_while(self, longest_s: float) -> None:
        await asyncio.sleep(self._dice.uniform(0.1, longest_s))
