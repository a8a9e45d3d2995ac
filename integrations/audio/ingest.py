"""Sound from LiveKit on its way to the model: blocks, frames, and whether it listens at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.agent.framing import Framer, Pacing
from interject.integrations.audio.block import BlockReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from interject.agent.framing import FramingReport
    from interject.integrations.audio.block import Block
    from interject.integrations.audio.speech_levels import SpeechLevels
    from interject.integrations.audio.talk_over import TalkOver
    from interject.integrations.conversation.runtime_connection import Connection

TICK_S = 0.05


class Intake:
    """`speaking` says whether the agent is heard; `on_talked_over` is called when it shall stop."""

    def __init__(
        self,
        connection: Connection,
        talk_over: TalkOver | None,
        *,
        speaking: Callable[[], bool],
        on_talked_over: Callable[[], None],
        levels: SpeechLevels | None,
        clock: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._talk_over = talk_over
        self._speaking = speaking
        self._on_talked_over = on_talked_over
        self._levels = levels
        self._framer = Framer(Pacing.WALL_CLOCK, clock=clock)
        self._blocks = BlockReader(clock)
        self.listening = True

    def push(self, frame: rtc.AudioFrame) -> None:
        if not self.listening:
            return
        block = self._blocks.read(frame)
        if self._levels is not None:
            self._levels.hear(block)
        if self._is_talked_over(block):
            self._on_talked_over()
        for ready in self._framer.push(block.samples, block.captured_at, block.speakers):
            self._connection.frame(ready)

    def stop(self) -> None:
        """Nothing reaches the model any more, not even what waits for the next frame."""
        self.listening = False
        if self._levels is not None:
            self._levels.stop()
        self.forget()

    def forget(self) -> None:
        """What was heard and not passed on yet becomes silence."""
        self._framer.silence_pending()
        self._connection.drop_frames()

    def resume(self) -> None:
        self.listening = True

    def report(self) -> FramingReport:
        return self._framer.report()

    async def tick_forever(self) -> None:
        """Close frames whose time has come: a muted track delivers nothing."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._levels is not None:
                self._levels.tick()
            if self.listening:
                for frame in self._framer.tick():
                    self._connection.frame(frame)

    def _is_talked_over(self, block: Block) -> bool:
        if self._talk_over is None:
            return False
        if not self._speaking():
            self._talk_over.reset()
            return False
        over = self._talk_over(block)
        if over:
            self._talk_over.reset()
        return over
