"""Whoever dials in: a clock of 20 ms, people who speak, and a loudspeaker for what comes back."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from typing import TYPE_CHECKING

import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from interject.integrations.sockets.simulator.dialect import (
    Forgotten,
    Marked,
    ServerText,
    SpeechHeard,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from numpy.typing import NDArray
    from websockets.asyncio.client import ClientConnection

    from interject.integrations.sockets.simulator.dialect import Dialect, Wire

BLOCK_S = 0.02
LONGEST_MESSAGE = 1 << 20
SEND_BUFFER_BYTES = 4_096
LAST_WORD_S = 10.0


class SimulatedPeer:
    """One socket of one call. `heard` is what the loudspeaker played, 20 ms a piece; `told` what
    the server wrote, `wrong` what it said that the platform would not take.
    """

    def __init__(self, dialect: Dialect, *, speakers: tuple[str, ...], sends_silence: bool = True):
        self.dialect = dialect
        self.heard: list[NDArray[np.int16]] = []
        self.said: dict[str, list[NDArray[np.int16]]] = {speaker: [] for speaker in speakers}
        self.told: list[ServerText] = []
        self.wrong: list[str] = []
        self.received: Counter[str] = Counter()
        self.most_held_s = 0.0
        self.first_sound_at: list[float] = []
        self.ended = asyncio.Event()
        self.close_code: int | None = None
        self.close_reason = ""
        self._sends_silence = sends_silence
        self._speech: dict[str, deque[NDArray[np.int16]]] = {one: deque() for one in speakers}
        self._held: NDArray[np.int16] = np.zeros(0, np.int16)
        self._marks: deque[tuple[int, str]] = deque()
        self._played = 0
        self._connection: ClientConnection | None = None
        self._spoken = asyncio.Event()

    @property
    def now_s(self) -> float:
        """Seconds of sound so far."""
        return len(self.heard) * BLOCK_S

    @property
    def held_s(self) -> float:
        return len(self._held) / self.dialect.heard_rate_hz

    async def say(self, speaker: str, sound: NDArray[np.int16]) -> None:
        """Sound at the dialect's rate; returns once it was sent."""
        size = round(BLOCK_S * self.dialect.rate_hz)
        padded = np.pad(sound, (0, -len(sound) % size))
        self._speech[speaker].extend(padded.reshape(-1, size))
        while self._speech[speaker] and not self.ended.is_set():
            self._spoken.clear()
            await self._spoken.wait()

    async def send(self, message: Wire) -> None:
        """Whatever a test wants."""
        assert self._connection is not None, "it is not connected"
        await self._connection.send(message)

    def cut(self) -> None:
        """The network between fails: no close."""
        assert self._connection is not None, "it is not connected"
        self._connection.transport.abort()

    @contextlib.asynccontextmanager
    async def dialled(
        self, url: str, headers: Mapping[str, str] | None = None, *, keeps_time: bool = True
    ) -> AsyncIterator[SimulatedPeer]:
        """:raises OSError, InvalidHandshake: when it is not let in."""
        async with connect(
            url, additional_headers=dict(headers or {}), compression=None, proxy=None,
            max_size=LONGEST_MESSAGE, write_limit=SEND_BUFFER_BYTES, ping_interval=None,
        ) as connection:  # fmt: skip
            self._connection = connection
            works = [self._read(connection)] + [self._keep_time(connection)] * keeps_time
            tasks = [asyncio.create_task(work, name="peer") for work in works]
            try:
                with contextlib.suppress(ConnectionClosed):
                    for message in self.dialect.opening():
                        await connection.send(message)
                yield self
                with contextlib.suppress(ConnectionClosed):
                    for message in self.dialect.closing():
                        await connection.send(message)
                    await self._last_word()
            finally:
                await connection.close()
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _last_word(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORD_S):
                while not (self.dialect.is_over or self.ended.is_set()):
                    self._spoken.clear()
                    await self._spoken.wait()

    async def _keep_time(self, connection: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        with contextlib.suppress(ConnectionClosed):
            while True:
                for message in self._tick():
                    await connection.send(message)
                self._spoken.set()
                due += BLOCK_S
                await asyncio.sleep(max(0.0, due - loop.time()))

    def _tick(self) -> list[Wire]:
        marks = self._play()
        blocks = {}
        silence = np.zeros(round(BLOCK_S * self.dialect.rate_hz), np.int16)
        for speaker, speech in self._speech.items():
            block = speech.popleft() if speech else silence
            self.said[speaker].append(block)
            if block is not silence or self._sends_silence:
                blocks[speaker] = block
        sent = self.dialect.sound(blocks) if blocks else []
        return [*sent, *(message for name in marks for message in self.dialect.played(name))]

    def _play(self) -> list[str]:
        size = round(BLOCK_S * self.dialect.heard_rate_hz)
        block, self._held = self._held[:size], self._held[size:]
        self._played += len(block)
        self.heard.append(np.pad(block, (0, size - len(block))))
        names = []
        while self._marks and self._marks[0][0] <= self._played:
            names.append(self._marks.popleft()[1])
        return names

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for message in connection:
                try:
                    self._take(message)
                except (ValueError, KeyError, TypeError) as wrong:
                    self.wrong.append(f"{wrong!r}: {message[:80]!r}")
        except ConnectionClosed:
            pass
        finally:
            self.close_code, self.close_reason = (
                connection.close_code,
                connection.close_reason or "",
            )
            self.ended.set()
            self._spoken.set()

    def _take(self, message: Wire) -> None:
        match self.dialect.take(message):
            case SpeechHeard(samples):
                self.received["sound"] += 1
                self.first_sound_at.append(asyncio.get_running_loop().time())
                self._held = np.concatenate((self._held, samples))
                self.most_held_s = max(self.most_held_s, self.held_s)
            case Forgotten():
                self.received["clear"] += 1
                self._played += len(self._held)
                self._held = self._held[:0]
            case Marked(name):
                self.received["mark"] += 1
                self._marks.append((self._played + len(self._held), name))
            case ServerText() as told:
                self.received[told.kind] += 1
                self.told.append(told)
