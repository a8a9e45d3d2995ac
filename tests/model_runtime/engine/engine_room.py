"""An engine whose sessions a test hears, and what they said without what rounding may change."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import (
    Decision,
    Event,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    SessionOptions,
)
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from interject.model_runtime.engine.scheduler import StepLimits
    from interject.model_runtime.network.architecture import ModelConfig

T = TypeVar("T")


class Room:
    """An engine with a clock that stands still unless told otherwise."""

    def __init__(
        self,
        *,
        slots: int = 2,
        context: int = 512,
        limits: StepLimits | None = None,
        eviction: Eviction = Eviction.ROTATE,
        backlog_frames: int | None = None,
        backend: type[TorchBackend] = TorchBackend,
    ) -> None:
        self.now = 0.0
        self.engine = Engine(
            small_model(context),
            slots=slots,
            limits=limits,
            eviction=eviction,
            backlog_frames=backlog_frames,
            clock=lambda: self.now,
            backend=backend,
        )
        self.events: dict[str, list[Event]] = {}

    @property
    def config(self) -> ModelConfig:
        """The shapes of what is computed."""
        return self.engine.model.config

    def open(self, name: str = "a", **options: object) -> str:
        self.events[name] = []
        settings = {"max_reply_tokens": 6, **options}
        self.engine.open(SessionOptions(name, **settings), self.events[name].append)  # type: ignore[arg-type]
        return name

    def hear(
        self, seconds: float, *, name: str = "a", seed: int = 0, at_once: bool = False
    ) -> None:
        for frame in frames(noise(seconds, seed)):
            self.engine.push(name, frame)
            if not at_once:
                self.run()
        self.run()

    def run(self) -> None:
        while self.engine.step():
            pass

    def of(self, kind: type[T], name: str = "a") -> list[T]:
        return [event for event in self.events[name] if isinstance(event, kind)]


def outline(events: list[Event]) -> list[tuple[object, ...]]:
    """Events without what rounding may change."""
    lines: list[tuple[object, ...]] = []
    for event in events:
        if isinstance(event, Decision):
            lines.append(("decision", event.seq, event.respond))
        elif isinstance(event, ReplyStarted):
            lines.append(("start", event.reply_id, event.seq, event.emotion, event.cause))
        elif isinstance(event, ReplyDelta):
            lines.append(("delta", event.reply_id, event.token_ids, event.text))
        elif isinstance(event, ReplyEnded):
            lines.append(("end", event.reply_id, event.reason, event.text))
        else:
            lines.append((event,))
    return lines
