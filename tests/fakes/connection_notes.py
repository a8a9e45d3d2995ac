"""A listener that keeps what a connection tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Decision

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Event, Frame, RuntimeFailure


class Notes:
    """Who follows a connection."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.frames: list[int] = []
        self.opened: list[bool] = []
        self.lost: list[str] = []
        self.refused: list[str] = []

    def on_opened(self, *, again: bool) -> None:
        self.opened.append(again)

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_frame(self, frame: Frame) -> None:
        self.frames.append(frame.seq)

    def on_lost(self, reason: str) -> None:
        self.lost.append(reason)

    def on_refused(self, error: RuntimeFailure) -> None:
        self.refused.append(str(error))

    def decided(self) -> list[int]:
        return [event.seq for event in self.events if isinstance(event, Decision)]
