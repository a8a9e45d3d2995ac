"""What the engine's thread does first."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, cast

from interject.model_runtime.protocol import SessionOptions
from interject.model_runtime.recall import Recollection
from interject.model_runtime.redis.host import EngineHost

if TYPE_CHECKING:
    from interject.model_runtime.engine import Engine

WAIT_S = 60.0


class SlowEngine:
    """Its first step lasts until it is let go."""

    def __init__(self) -> None:
        self.deeds: list[str] = []
        self.stepping = threading.Event()
        self.go_on = threading.Event()

    def restore(self, options: SessionOptions, *rest: object) -> None:
        self.deeds.append(options.session_id)

    def evictions(self, session_id: str) -> int:
        return 0

    def step(self) -> bool:
        self.stepping.set()
        assert self.go_on.wait(WAIT_S)
        self.deeds.append("step")
        return False


async def test_sessions_that_come_together_are_restored_with_a_step_between_them() -> None:
    engine = SlowEngine()
    host = EngineHost(cast("Engine", engine), lambda batches: None)
    try:
        host.abandon("nobody")
        assert await asyncio.to_thread(engine.stepping.wait, WAIT_S)
        for name in ("a", "b", "c"):
            known = Recollection(None, (), ())
            host.restore(name, 1, SessionOptions(name), known, cursor="0-1", entries={})
    finally:
        engine.go_on.set()
        await host.aclose()
    assert engine.deeds[:6] == ["step", "a", "step", "b", "step", "c"]
