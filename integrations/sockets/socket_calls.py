"""The calls of one door, by the platform's own ids."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.call_tracks import TooManyTracks
from interject.integrations.sockets.socket_call import SocketCall

if TYPE_CHECKING:
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import SocketEvent, StreamOpened
    from interject.integrations.sockets.socket_metrics import SocketMetrics

LEAVE_TIMEOUT_S = 10.0


class SocketCalls:
    """Used with `async with`; leaving it ends them."""

    def __init__(self, board: Switchboard, metrics: SocketMetrics) -> None:
        self._board = board
        self._metrics = metrics
        self._calls: dict[tuple[str, str], SocketCall] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await asyncio.gather(*(call.leave() for call in self._calls.values()))
        for call in self._calls.values():
            call.hang_up()
        await self._group.__aexit__(None, None, None)

    @property
    def all(self) -> tuple[SocketCall, ...]:
        return tuple(self._calls.values())

    @property
    def is_full(self) -> bool:
        """For calls that are new. Of a runtime that is full nothing is known here."""
        board = self._board
        return board.draining or (board.most_calls is not None and board.taken >= board.most_calls)

    def any_waits(self, platform: SocketPlatform) -> bool:
        return any(call.waits for (name, _), call in self._calls.items() if name == platform.name)

    def of(self, platform: SocketPlatform, opened: StreamOpened, codec: SocketCodec) -> SocketCall:
        """The one that runs, where its platform may come back to it, else a new one, which finds no
        agent while another of its id runs.
        """
        key = (platform.name, opened.call_id)
        running = self._calls.get(key)
        if running is not None and platform.linger_s and not running.over.is_set():
            return running
        call = SocketCall(platform, opened, codec)
        if running is None or running.over.is_set():
            self._calls[key] = call
        self._group.create_task(self._run(key, call), name=f"socket-call-{opened.call_id}")
        return call

    def take(self, platform: SocketPlatform, call_id: str, event: SocketEvent) -> bool:
        """Something that was learnt of a call beside its socket. False: there is no such call."""
        call = self._calls.get((platform.name, call_id))
        if call is None:
            return False
        with contextlib.suppress(TooManyTracks):
            call.take(event)
        return True

    async def _run(self, key: tuple[str, str], call: SocketCall) -> None:
        try:
            await call.run(self._board)
        finally:
            if self._calls.get(key) is call:
                del self._calls[key]
            self._metrics.missing_s.labels(call.platform.name).inc(call.missing_s)
            self._metrics.lost_marks.labels(call.platform.name).inc(call.lost_marks)
