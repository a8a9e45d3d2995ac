"""All voices in one stream of blocks, at the pace of the clock, for as long as it is open."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from interject.agent.recent_speakers import QUIET_DBFS
from interject.integrations.audio.mixer import Mixer, level_dbfs
from interject.model_runtime.protocol import Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.audio.echo import EchoCanceller
    from interject.integrations.audio.mixer import MixedBlock

QUEUE_BLOCKS = 500
"""Blocks that wait for the reader (10 s); then the oldest is dropped and counted."""
LONGEST_SLEEP_S = 0.02


class MixedStream:
    """Blocks of 20 ms at 16 kHz for one reader, used with `async with`; leaving it ends them.

    Who has sound pushes it into `mixer` and calls `wake`. Silence goes on when nobody has any.
    While `wanted` says no, nothing goes on to the reader. `echo` takes out what comes back of the
    agent's own voice.
    """

    def __init__(
        self,
        *,
        wanted: Callable[[], bool],
        echo: EchoCanceller | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mixer = Mixer(clock=clock, may_move=lambda: not (echo and echo.expects(clock())))
        self.dropped_blocks = 0
        self._wanted = wanted
        self._echo = echo
        self._clock = clock
        self._blocks: asyncio.Queue[MixedBlock | None] = asyncio.Queue(QUEUE_BLOCKS)
        self._news = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._pump: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self.mixer.begin()
        self._pump = self._group.create_task(self._run(), name="mixer")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self._put(None)
        await self._group.__aexit__(None, None, None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> MixedBlock:
        block = await self._blocks.get()
        if block is None:
            self._put(None)
            raise StopAsyncIteration
        return block

    def wake(self) -> None:
        """There is sound that may complete a block."""
        self._news.set()

    def forget(self) -> None:
        """What waits to be read was mixed before somebody said no."""
        while not self._blocks.empty():
            self._blocks.get_nowait()

    async def _run(self) -> None:
        """Wakes up for every delivery and for every block's time, whichever comes first."""
        while True:
            for block in self.mixer.due():
                cleaned = self._cleaned(block)
                if self._wanted():
                    self._put(cleaned)
            self._news.clear()
            wait_s = min(LONGEST_SLEEP_S, self.mixer.next_due_at - self._clock())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_SLEEP_S):
                        await self._news.wait()

    def _cleaned(self, block: MixedBlock) -> MixedBlock:
        """Who only sends back the agent's own voice does not speak."""
        if self._echo is None:
            return block
        samples = self._echo.clean(block.samples, block.captured_at)
        lowered_db = level_dbfs(block.samples) - level_dbfs(samples)
        speakers = tuple(
            Speaker(speaker.identity, round(speaker.level_dbfs - lowered_db, 1))
            for speaker in block.speakers
            if speaker.level_dbfs - lowered_db >= QUIET_DBFS
        )
        return replace(block, samples=samples, speakers=speakers)

    def _put(self, block: MixedBlock | None) -> None:
        if self._blocks.full():
            self._blocks.get_nowait()
            self.dropped_blocks += 1
        self._blocks.put_nowait(block)
