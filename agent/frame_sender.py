"""Sound on its way to the runtime: framed, in order, and only while the session listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from interject.agent.framing import Framer, Pacing
from interject.model_runtime.protocol import SessionClosed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from interject.agent.framing import FramingReport
    from interject.agent.time_line import LiveLimits
    from interject.model_runtime.protocol import Frame, Speaker

TICK_S = 0.05


class FrameSender:
    """`send` gets one frame after another, in the order in which they were made, whoever waits."""

    def __init__(
        self,
        send: Callable[[Frame], Awaitable[None]],
        *,
        pacing: Pacing,
        clock: Callable[[], float],
        limits: LiveLimits | None,
    ) -> None:
        self._send = send
        self._framer = Framer(pacing, clock=clock, limits=limits)
        self._outbox: deque[Frame] = deque()
        self._sending = asyncio.Lock()
        self.listening = True

    async def push(
        self, samples: NDArray[np.int16], captured_at: float, speakers: Sequence[Speaker]
    ) -> None:
        """What comes while nobody listens is neither kept nor framed."""
        if self.listening:
            await self._pass_on(self._framer.push(samples, captured_at, speakers))

    async def tick(self) -> None:
        if self.listening:
            await self._pass_on(self._framer.tick())

    async def finish(self) -> None:
        await self._pass_on(self._framer.finish())

    async def tick_forever(self) -> None:
        with contextlib.suppress(SessionClosed):
            while True:
                await asyncio.sleep(TICK_S)
                await self.tick()

    def stop(self) -> None:
        """Nothing reaches the model any more, not even what waits for the next frame."""
        self.listening = False
        self.forget()

    def resume(self) -> None:
        self.listening = True

    def forget(self) -> None:
        """What was heard and not passed on yet becomes silence."""
        self._framer.silence_pending()
        self._outbox.clear()

    def report(self) -> FramingReport:
        return self._framer.report()

    async def _pass_on(self, frames: list[Frame]) -> None:
        self._outbox.extend(frames)
        async with self._sending:
            while self._outbox:
                frame = self._outbox[0]
                await self._send(frame)
                if self._outbox and self._outbox[0] is frame:
                    self._outbox.popleft()
