"""The calls of one door, by the platform's own ids."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from interject.integrations.sockets.socket_call import SocketCall
from interject.integrations.web.audio_socket import POLICY_VIOLATION, StreamRefused

if TYPE_CHECKING:
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import SocketEvent, StreamOpened
    from interject.integrations.sockets.socket_metrics import SocketMetrics

OTHER_TERMS = "this call goes on: what is spoken, read and told cannot change"
LEAVE_TIMEOUT_S = 10.0
FORMER_TIMEOUT_S = 3.0
"""Whoever is refused, or has hung up, may come back at once."""


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
        """The one that runs, where its platform may come back to it, else a new one. That finds no
        agent while another of its id goes on; one that is about to end it waits for.

        :raises StreamRefused: for one that wants it on other terms.
        """
        key = (platform.name, opened.call_id)
        running = self._calls.get(key)
        lasts = running is not None and running.lasts
        if running is not None and lasts and platform.linger_s:
            if not running.goes_on_with(opened):
                raise StreamRefused(POLICY_VIOLATION, OTHER_TERMS)
            return running
        call = SocketCall(platform, opened, codec)
        if not lasts:
            self._calls[key] = call
        work = self._run(key, call, None if lasts else running)
        self._group.create_task(work, name=f"socket-call-{opened.call_id}")
        return call

    def take(self, platform: SocketPlatform, call_id: str, event: SocketEvent) -> bool:
        """Something that was learnt of a call beside its socket. False: there is no such call."""
        call = self._calls.get((platform.name, call_id))
        if call is None:
            return False
        call.take(event)
        return True

    async def _run(self, key: tuple[str, str], call: SocketCall, former: SocketCall | None) -> None:
        try:
            if former is not None:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(FORMER_TIMEOUT_S):
                        await former.finished.wait()
            await call.run(self._board)
        finally:
            if self._calls.get(key) is call:
                del self._calls[key]
            self._metrics.missing_s.labels(call.platform.name).inc(call.missing_s)
            self._metrics.lost_marks.labels(call.platform.name).inc(call.lost_marks)
