"""The endpoint of one platform's sockets: who is let in, and what becomes of a socket."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import defaultdict
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket

from interject.integrations.conversation.call_log import lines_of
from interject.integrations.sockets.call_carrier import CallCarrier
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_event_reader import SocketEventReader
from interject.integrations.sockets.socket_events import ClosedByPeer
from interject.integrations.web.audio_socket import (
    POLICY_VIOLATION,
    AudioSocket,
    SlowReader,
    SocketLeft,
    StreamRefused,
)
from interject.integrations.web.log_throttle import LogThrottle

if TYPE_CHECKING:
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.sockets.socket_calls import SocketCalls
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import StreamOpened
    from interject.integrations.sockets.socket_metrics import SocketMetrics

logger = logging.getLogger(__name__)

PROBE_S = 60.0
RETRY_AFTER_S = 10
MOST_STRANGERS_TOLD = 16
"""At once, of one platform: an open socket is more than a stranger may take from others."""


class SocketEndpoint:
    """`serve` is the route."""

    def __init__(
        self, platform: SocketPlatform, calls: SocketCalls, metrics: SocketMetrics
    ) -> None:
        self._platform = platform
        self._calls = calls
        self._metrics = metrics
        self._refused: defaultdict[str, LogThrottle] = defaultdict(LogThrottle)
        self._telling = asyncio.Semaphore(MOST_STRANGERS_TOLD)

    async def serve(self, socket: WebSocket) -> None:
        reason = self._platform.refusal(socket)
        if reason is not None:
            self._note_refused(reason)
            await self._turn_away(socket)
        elif self._has_no_room:
            await _deny(socket)
        else:
            await socket.accept()
            await self._accepted(socket)

    @property
    def _has_no_room(self) -> bool:
        waits = self._calls.any_waits(self._platform) or self._platform.tells_strangers
        return self._calls.is_full and not waits

    async def _accepted(self, socket: WebSocket) -> None:
        platform = self._platform
        audio, codec = AudioSocket(socket, platform.limits), platform.codec(socket)
        reader = SocketEventReader(audio, codec)
        try:
            await self._open(audio, codec, reader)
        except StreamRefused as refusal:
            self._metrics.refused.labels(platform.name).inc()
            logger.warning(
                "A socket was refused", extra={"door": platform.name, "reason": refusal.reason}
            )
            await self._close(audio, codec, SocketEnding.REFUSED, refusal, reader)
        except (SocketLeft, SlowReader):
            return
        except Exception:
            logger.exception("A socket failed", extra={"door": platform.name})
            await self._close(audio, codec, SocketEnding.FAULT)
        finally:
            self._metrics.bad_messages.labels(platform.name).inc(audio.bad_messages)

    async def _open(
        self, audio: AudioSocket, codec: SocketCodec, reader: SocketEventReader
    ) -> None:
        opened = await reader.opened(self._platform.opening_s)
        if opened is None:
            await self._close(audio, codec, SocketEnding.HUNG_UP)
        elif opened.probe:
            await _answer_only(reader)
            await self._close(audio, codec, SocketEnding.HUNG_UP)
        else:
            with lines_of(opened.call_id):
                await self._carry(audio, codec, reader, opened)

    async def _carry(
        self,
        audio: AudioSocket,
        codec: SocketCodec,
        reader: SocketEventReader,
        opened: StreamOpened,
    ) -> None:
        began_at = time.monotonic()
        call = self._calls.of(self._platform, opened, codec)
        carrier = CallCarrier(call, audio, codec, reader)
        ending = SocketEnding.FAULT
        try:
            ending = await carrier.run()
        finally:
            if not ending.may_come_back:
                call.hang_up()
            self._note_ended(ending, began_at)
        await self._close(audio, codec, ending, carrier.refusal, reader)

    async def _close(
        self,
        audio: AudioSocket,
        codec: SocketCodec,
        ending: SocketEnding,
        refusal: StreamRefused | None = None,
        reader: SocketEventReader | None = None,
    ) -> None:
        """In the platform's own words first, where it has some."""
        code, reason = (refusal.code, refusal.reason) if refusal else ending.closing
        with contextlib.suppress(SocketLeft, SlowReader, StreamRefused):
            message = codec.closing(ending)
            if message is not None and ending is not SocketEnding.HUNG_UP:
                await audio.send(message)
                if reader is not None:
                    await _answer_only(reader, self._platform.farewell_s)
        await audio.close(code, reason)

    async def _turn_away(self, socket: WebSocket) -> None:
        if not self._platform.tells_strangers or self._telling.locked():
            await socket.close(POLICY_VIOLATION)
            return
        async with self._telling:
            await socket.accept()
            audio, codec = AudioSocket(socket), self._platform.codec(socket)
            await self._close(
                audio, codec, SocketEnding.UNAUTHORIZED, reader=SocketEventReader(audio, codec)
            )

    def _note_refused(self, reason: str) -> None:
        self._metrics.refused.labels(self._platform.name).inc()
        if count := self._refused[reason].note():
            logger.warning(
                "A socket was not let in",
                extra={"door": self._platform.name, "reason": reason, "count": count},
            )

    def _note_ended(self, ending: SocketEnding, began_at: float) -> None:
        name = self._platform.name
        self._metrics.endings.labels(name, ending.value).inc()
        logger.info(
            "A socket has ended",
            extra={
                "door": name,
                "reason": ending.value,
                "seconds": round(time.monotonic() - began_at, 1),
            },
        )


async def _answer_only(reader: SocketEventReader, within_s: float = PROBE_S) -> None:
    """Until the other side is done, or for so long; nothing of it is heard."""
    with contextlib.suppress(TimeoutError, SocketLeft):
        async with asyncio.timeout(within_s):
            while not isinstance(await reader.next(), ClosedByPeer):
                pass


async def _deny(socket: WebSocket) -> None:
    """Before it is opened: whoever is let in and closed comes back at once, and again."""
    answer = JSONResponse(
        {"detail": SocketEnding.NO_AGENT.closing[1]},
        HTTPStatus.SERVICE_UNAVAILABLE,
        {"Retry-After": str(RETRY_AFTER_S)},
    )
    await socket.send_denial_response(answer)
