"""One Media Stream: Twilio's side of the websocket.

Media are lost where the reader is slow, as Twilio loses them: the timestamps of what follows say
how much. Numbers are strings, and count what was sent.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from websockets.exceptions import ConnectionClosed

from interject.integrations.twilio.simulator.debugger import ErrorCode
from interject.integrations.twilio.simulator.mulaw import BLOCK_S
from interject.integrations.twilio.simulator.playout import TelephonePlayout

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

    from interject.integrations.twilio.simulator.twiml import StreamOrder

    Report = Callable[[ErrorCode, str], None]

MOST_WAITING = 50
"""Messages: a reader that is a second behind loses sound."""
CLOSE_S = 5.0


class MediaStream:
    """`run` until the socket or the call ends; the call's clock calls `tick` every 20 ms."""

    def __init__(
        self,
        order: StreamOrder,
        account_sid: str,
        call_sid: str,
        report: Report,
        *,
        jitter_s: float,
        draw: random.Random,
    ) -> None:
        self.order = order
        self.sid = f"MZ{secrets.token_hex(16)}"
        self.playout = TelephonePlayout()
        self.received: Counter[str] = Counter()
        self.lost_blocks = 0
        self.began = asyncio.Event()
        self.ended = asyncio.Event()
        self.close_code: int | None = None
        self.first_media_at = 0.0
        self.media_at: list[float] = []
        self._account_sid, self._call_sid = account_sid, call_sid
        self._report, self._jitter_s, self._draw = report, jitter_s, draw
        self._connection: ClientConnection | None = None
        self._waiting: deque[tuple[float, dict[str, Any]]] = deque()
        self._news, self._sent = asyncio.Event(), asyncio.Event()
        self._sequence = 0
        self._chunks: Counter[str] = Counter()
        self._ticks = 0
        self._stopping = False
        self.deaf_until_tick = 0

    async def run(self, connection: ClientConnection) -> None:
        """Returns when the stream has ended, by whomever; at once where it was told to stop before
        its socket was open.
        """
        if self._stopping:
            self.ended.set()
            return
        self._connection = connection
        await connection.send('{"event":"connected","protocol":"Call","version":"1.0.0"}')
        self._put("start", start=self._start())
        self.began.set()
        try:
            async with asyncio.TaskGroup() as group:
                writer = group.create_task(self._write(connection), name="stream-writer")
                await self._read(connection)
                writer.cancel()
        finally:
            self.ended.set()
            self._sent.set()
            self.close_code = connection.close_code
        if not self._stopping:
            self._report(ErrorCode.STREAM_CLOSED, f"closed by the server with {self.close_code}")

    async def stop(self) -> None:
        """The call, or this part of it, is over: say so and close."""
        if self._stopping or self.ended.is_set():
            return
        self._stopping = True
        if self._connection is None:
            return
        self._put("stop", stop={"accountSid": self._account_sid, "callSid": self._call_sid})
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._sent.wait()
                await self._connection.close()
        except TimeoutError:
            self._connection.transport.abort()

    def cut(self) -> None:
        """The network between fails: no close, no stop."""
        assert self._connection is not None, "it was never open"
        self._stopping = True
        self._connection.transport.abort()

    def press(self, digit: str) -> None:
        if self.order.two_way:
            self._put("dtmf", dtmf={"track": "inbound_track", "digit": digit})

    def lose(self, seconds: float) -> None:
        """What Twilio does to a slow reader: the next so many seconds of sound are not sent."""
        self.deaf_until_tick = self._ticks + round(seconds / BLOCK_S)

    def send_raw(self, message: str | bytes) -> None:
        """Whatever a test wants, in its turn."""
        self._waiting.append((0.0, {"raw": message}))
        self._news.set()

    def tick(self, blocks: dict[str, bytes]) -> bytes:
        """Take 20 ms of each track, and give what is played of a two-way stream's sound."""
        self._ticks += 1
        for track in self.order.tracks:
            self._media(track, blocks[track])
        block, marks = self.playout.take()
        self._echo(marks)
        return block

    def _start(self) -> dict[str, Any]:
        return {
            "accountSid": self._account_sid,
            "streamSid": self.sid,
            "callSid": self._call_sid,
            "tracks": list(self.order.tracks),
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": self.order.parameters,
        }

    def _media(self, track: str, block: bytes) -> None:
        if not self.began.is_set() or self._stopping:
            return
        if len(self._waiting) >= MOST_WAITING or self._ticks <= self.deaf_until_tick:
            self.lost_blocks += 1
            if self.lost_blocks == 1:
                self._report(ErrorCode.SLOW_READER, "the server does not read fast enough")
            return
        media = {
            "track": track,
            "timestamp": str(round(1_000 * BLOCK_S * self._ticks)),
            "payload": base64.b64encode(block).decode(),
        }
        self._put("media", media=media)

    def _echo(self, names: list[str]) -> None:
        for name in names:
            self._put("mark", mark={"name": name})

    def _put(self, event: str, **fields: dict[str, Any]) -> None:
        """Jitter never changes the order."""
        now = asyncio.get_running_loop().time()
        earliest = self._waiting[-1][0] if self._waiting else now
        due = max(earliest, now + self._draw.uniform(0.0, self._jitter_s))
        self._waiting.append((due, {"event": event, **fields}))
        self._sent.clear()
        self._news.set()

    async def _write(self, connection: ClientConnection) -> None:
        while True:
            if not self._waiting:
                self._sent.set()
                self._news.clear()
                await self._news.wait()
            due, message = self._waiting[0]
            delay = due - asyncio.get_running_loop().time()
            if delay > 0:
                await asyncio.sleep(delay)
            try:
                await connection.send(self._encoded(message))
            except ConnectionClosed:
                return
            self._waiting.popleft()

    def _encoded(self, message: dict[str, Any]) -> str | bytes:
        if "raw" in message:
            raw: str | bytes = message["raw"]
            return raw
        self._sequence += 1
        if message["event"] == "media":
            track = message["media"]["track"]
            self._chunks[track] += 1
            message["media"]["chunk"] = str(self._chunks[track])
            self.first_media_at = self.first_media_at or asyncio.get_running_loop().time()
        numbered = {"sequenceNumber": str(self._sequence), "streamSid": self.sid}
        return json.dumps(message | numbered)

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for message in connection:
                self._receive(message)
        except ConnectionClosed:
            return

    def _receive(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._report(ErrorCode.BINARY_MESSAGE, f"{len(message)} bytes")
            return
        try:
            self._obey(json.loads(message))
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:
            self._report(ErrorCode.INVALID_MESSAGE, f"{wrong!r}: {message[:80]}")

    def _obey(self, message: dict[str, Any]) -> None:
        """:raises ValueError: for what Twilio does not accept."""
        event = message["event"]
        if message["streamSid"] != self.sid or not self.order.two_way:
            raise ValueError("no such stream, or one that takes nothing")
        if event == "media":
            self._play(message["media"]["payload"])
        elif event == "mark":
            self._echo(self.playout.mark(_name(message["mark"])))
        elif event == "clear":
            self._echo(self.playout.clear())
        else:
            raise ValueError(f"unknown event {event}")
        self.received[event] += 1

    def _play(self, payload: str) -> None:
        try:
            sound = base64.b64decode(payload, validate=True)
        except binascii.Error as wrong:
            raise ValueError("bad base64") from wrong
        if not sound or sound[:4] == b"RIFF":
            raise ValueError("media without sound, or with a header")
        self.media_at.append(asyncio.get_running_loop().time())
        self.playout.write(sound)


def _name(mark: dict[str, Any]) -> str:
    name = mark["name"]
    if not isinstance(name, str) or not name:
        raise ValueError("a mark without a name")
    return name
