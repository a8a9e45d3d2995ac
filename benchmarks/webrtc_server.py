"""A WebRTC door without a model in a process of its own, which says how late its event loop was."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import TYPE_CHECKING

import aioice.ice
import uvicorn
from fastapi import APIRouter

from interject.config import NoVoice, Profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.app import make_app
from interject.integrations.web.origins import Origins
from interject.integrations.webrtc.door import WebRtcDoor
from interject.model_runtime.protocol import Closed, CloseReason, Decision

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.model_runtime.protocol import (
        Emotion,
        Event,
        FloorMode,
        Frame,
        SessionOptions,
    )

STEP_S = 0.005


class SilentSession:
    """Decides for silence, at once."""

    def __init__(self, options: SessionOptions) -> None:
        self.session_id = options.session_id
        self._mode = options.mode
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self.decided = 0

    async def push(self, frame: Frame) -> None:
        self.decided += 1
        self._events.put_nowait(
            Decision(
                self.session_id,
                frame.seq,
                frame.captured_at,
                1.0,
                -1.0,
                0.1,
                respond=False,
                mode=self._mode,
                speakers=frame.speakers,
            )
        )

    async def finish(self) -> None:
        await self.close()

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        """It reads nothing."""

    async def say(self, text: str, *, emotion: Emotion | None = None) -> None:
        """It says nothing."""

    async def answer_now(self) -> None:
        """It never answers."""

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        """It never speaks."""

    async def heard(self, reply_id: int, *, chars: int) -> None:
        """It never speaks."""

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        """Whatever the threshold."""

    async def events(self) -> AsyncIterator[Event]:
        while (event := await self._events.get()) is not None:
            yield event

    async def close(self) -> None:
        self._events.put_nowait(Closed(self.session_id, CloseReason.CLIENT))
        self._events.put_nowait(None)


class SilentRuntime:
    """What a door costs without its model."""

    def __init__(self) -> None:
        self.sessions: list[SilentSession] = []

    async def open(self, options: SessionOptions) -> SilentSession:
        self.sessions.append(SilentSession(options))
        return self.sessions[-1]

    async def aclose(self) -> None:
        """Nothing to free."""


class LoopLag:
    """How much later than asked for a sleep ends, in ms, since it was read last."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def watch(self) -> None:
        while True:
            asked = time.monotonic()
            await asyncio.sleep(STEP_S)
            self.late_ms.append(1e3 * (time.monotonic() - asked - STEP_S))

    def read(self) -> list[float]:
        found, self.late_ms = self.late_ms, []
        return found


def silent_switchboard(runtime: SilentRuntime) -> Switchboard:
    profile = Profile(name="benchmark", system_prompt="listen", voice=NoVoice(engine="none"))
    return Switchboard(Role(profile, runtime=runtime), runtime)


def measured_by(runtime: SilentRuntime, lag: LoopLag) -> APIRouter:
    """`/measured`: what it has cost, and done, since it was read last or began."""
    router = APIRouter()

    @router.get("/measured")
    async def measured() -> dict[str, object]:
        return {
            "late_ms": lag.read(),
            "cpu_s": time.process_time(),
            "decided": sum(session.decided for session in runtime.sessions),
        }

    return router


async def serve() -> None:
    """Write the port, and serve until stdin ends."""
    runtime, lag = SilentRuntime(), LoopLag()
    door, router = WebRtcDoor(silent_switchboard(runtime)), measured_by(runtime, lag)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        app = make_app([door], routers=[router], origins=Origins([]))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(lag.watch())
            serving = group.create_task(server.serve([listening]))
            print(port, flush=True)
            await asyncio.to_thread(sys.stdin.read)
            server.should_exit = True
            await serving
            watching.cancel()


def on_loopback() -> None:
    """aiortc leaves 127.0.0.1 out of its candidates; a benchmark has nothing else."""
    aioice.ice.get_host_addresses = lambda *_, **__: ["127.0.0.1"]


if __name__ == "__main__":
    on_loopback()
    asyncio.run(serve())
