"""A place in a pipeline, where nobody stands behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.pipecat.played_frame import PlayedFrame

if TYPE_CHECKING:
    from pipecat.frames.frames import Frame

    from interject.model_runtime.protocol import Emotion


@dataclass
class FakePipelinePort:
    """A `PipelinePort` that keeps what is pushed."""

    pushed: list[Frame] = field(default_factory=list)
    interruptions: int = 0

    @property
    def marks(self) -> list[int]:
        return [frame.id for frame in self.pushed if isinstance(frame, PlayedFrame)]

    def names(self) -> list[str]:
        return [type(frame).__name__ for frame in self.pushed]

    async def push(self, frame: Frame) -> None:
        self.pushed.append(frame)

    async def colour(self, emotion: Emotion) -> None:
        """It has no voice."""

    async def began(self) -> None:
        """It measures nothing."""

    async def first_text(self) -> None:
        """It measures nothing."""

    async def ended(self) -> None:
        """It measures nothing."""

    async def interrupt(self) -> None:
        self.interruptions += 1
