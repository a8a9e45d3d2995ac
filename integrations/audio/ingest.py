"""Sound on its way to the model: blocks, frames, and whether it listens at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from interject.agent.framing import Framer, Pacing

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.framing import FramingReport
    from interject.integrations.audio.block import Block
    from interject.integrations.audio.speech_levels import SpeechLevels
    from interject.integrations.audio.talk_over import TalkOver
    from interject.model_runtime.protocol import Frame

TICK_S = 0.05


class FrameSink(Protocol):
    """Where frames go; it may keep them for a while."""

    def frame(self, frame: Frame) -> None: ...

    def drop_frames(self) -> None:
        """Forget what has not been passed on yet."""


class AudioIngest:
    """`speaking` says whether the agent is heard; `on_talked_over` is called when it shall stop."""

    def __init__(
        self,
        sink: FrameSink,
        talk_over: TalkOver | None,
        *,
        speaking: Callable[[], bool],
        on_talked_over: Callable[[], None],
        levels: SpeechLevels | None,
        clock: Callable[[], float],
    ) -> None:
        self._sink = sink
        self._talk_over = talk_over
        self._speaking = speaking
        self._on_talked_over = on_talked_over
        self._levels = levels
        self._framer = Framer(Pacing.WALL_CLOCK, clock=clock)
        self.listening = True

    def push(self, block: Block) -> None:
        if not self.listening:
            return
        if self._levels is not None:
            self._levels.hear(block)
        if self._is_talked_over(block):
            self._on_talked_over()
        for ready in self._framer.push(block.samples, block.captured_at, block.speakers):
            self._sink.frame(ready)

    def stop(self) -> None:
        """Nothing reaches the model any more, not even what waits for the next frame."""
        self.listening = False
        if self._levels is not None:
            self._levels.stop()
        self.forget()

    def forget(self) -> None:
        """What was heard and not passed on yet becomes silence."""
        self._framer.silence_pending()
        self._sink.drop_frames()

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
                    self._sink.frame(frame)

    def _is_talked_over(self, block: Block) -> bool:
        talk_over = self._talk_over
        return talk_over is not None and talk_over.cuts(block, speaking=self._speaking())
