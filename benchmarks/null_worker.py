"""A worker whose engine decides at once: `python -m benchmarks.null_worker URL SLOTS`.

Everything between Redis and the engine is the real thing, so what is left is the cost of the way.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import sys
import time
from typing import TYPE_CHECKING, cast

import torch

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.engine.journal import Decided, JournalEntry
from interject.model_runtime.engine.snapshot import AudioCursor, Snapshot
from interject.model_runtime.heap import freeze_heap
from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Event,
    FloorMode,
    Frame,
    SessionOptions,
)
from interject.model_runtime.redis.worker.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from interject.model_runtime.engine.engine import Engine
    from interject.model_runtime.engine.forward_input import ForwardInput

READY = "the null worker is there"
EVICT_EVERY = 25
"""Chunks from one snapshot, which lets Redis drop older sound, to the next: 10 s."""


class NullSession:
    """What a session's stream would do, without a model."""

    def __init__(self, options: SessionOptions, emit: Callable[[Event], None]) -> None:
        self.id = options.session_id
        self.emit = emit
        self.journal: Callable[[JournalEntry], None] = _ignore
        self.decided = 0


class NullEngine:
    """The part of `Engine` that a worker without replies uses.

    The logits of a decision carry two times of the machine's monotonic clock in seconds: when the
    frame was put in, and when it was decided.
    """

    def __init__(self, engine: Engine) -> None:
        self.model = engine.model
        self.prompt_encoder = engine.prompt_encoder
        self._sessions: dict[str, NullSession] = {}
        self._waiting: list[tuple[str, Frame, float]] = []
        self._finishing: list[str] = []

    def contained(self, stream: object = None) -> AbstractContextManager[None]:
        del stream
        return contextlib.nullcontext()

    def open(
        self,
        options: SessionOptions,
        emit: Callable[[Event], None],
        *,
        prefix: ForwardInput,
        name: str,
    ) -> None:
        del prefix
        self._sessions[name] = NullSession(options, emit)

    def attach_journal(self, session_id: str, journal: Callable[[JournalEntry], None]) -> None:
        self._sessions[session_id].journal = journal

    def push(self, session_id: str, frame: Frame) -> None:
        self._waiting.append((session_id, frame, time.monotonic()))

    def finish(self, session_id: str) -> None:
        self._finishing.append(session_id)

    def close(self, session_id: str, reason: CloseReason, detail: str = "") -> None:
        session = self._sessions.pop(session_id, None)
        if session is not None:
            session.emit(Closed(session.id, reason, detail))

    def abandon(self, session_id: str) -> None:
        self._sessions.pop(session_id, None)

    def in_step(self, session_id: str) -> bool:
        del session_id
        return False

    def evictions(self, session_id: str) -> int:
        return self._sessions[session_id].decided // EVICT_EVERY

    def snapshot(self, session_id: str) -> Snapshot:
        """Without a memory: just enough for Redis to drop what was heard."""
        heard = self._sessions[session_id].decided
        return Snapshot(
            AudioCursor(heard, None, -math.inf), spans=(), pending_ids=(), reply=None,
            reply_history=(), heard_chars={}, requests=(), reply_count=0, decided_seq=heard - 1,
            threshold=1.0, mode=FloorMode.SPEAK, finishing=False,
        )  # fmt: skip

    def step(self) -> bool:
        """Decide everything that waits."""
        for session_id, frame, arrived in self._waiting:
            self._decide(self._sessions.get(session_id), frame, arrived)
        self._waiting.clear()
        while self._finishing:
            self.close(self._finishing.pop(), CloseReason.CLIENT)
        return False

    def _decide(self, session: NullSession | None, frame: Frame, arrived: float) -> None:
        if session is None:
            return
        session.decided = frame.seq + 1
        session.journal(Decided(frame.seq, 0.0, 0.0))
        session.emit(
            Decision(
                session.id, frame.seq, frame.captured_at, arrived, time.monotonic(),
                p_respond=0.0, respond=False, mode=FloorMode.SPEAK,
            )
        )  # fmt: skip


def _ignore(entry: JournalEntry) -> None:
    del entry


class NullWorker(Worker):
    """The real worker around that engine."""

    def __init__(self, url: str, *, slots: int) -> None:
        model = load_checkpoint("nano")
        small = model.with_context(64)
        super().__init__(url, small, name="null", slots=slots)
        self._engine = cast("Engine", NullEngine(self._engine))


async def serve(url: str, slots: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    torch.set_num_threads(1)
    worker = NullWorker(url, slots=int(slots))
    freeze_heap()
    await worker.run(stop, lambda: print(READY, flush=True))


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
