"""Puts a track's packets in order, and keeps none of them longer than that takes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiortc import jitterbuffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import RTCRtpReceiver
    from aiortc.rtp import RtpPacket

WAIT_S = 0.06
SETTLE_S = 0.02
EPSILON_S = 1e-3
MOST_HELD = 100
RESTART_PACKETS = 100
PRIVATE = "_RTCRtpReceiver__"


@dataclass(frozen=True, slots=True)
class _Held:
    packet: RtpPacket
    came_at: float


class JitterBuffer:
    """Takes the place of aiortc's, which holds every packet back for 60 ms, waits for a lost one
    until 16 newer ones are there, and never makes up for it.

    A packet whose turn it is leaves at once, through `let_out`. Those behind a hole wait for it at
    most `WAIT_S`, by `later(seconds, call)`; what comes after its turn is dropped. The event loop
    must have run for the last `SETTLE_S` of it: after a standstill, what is missing may be there
    and not be read yet.
    """

    capacity = MOST_HELD

    def __init__(
        self,
        let_out: Callable[[RtpPacket], None],
        later: Callable[[float, Callable[[], None]], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._let_out = let_out
        self._later = later
        self._clock = clock
        self._held: dict[int, _Held] = {}
        self._highest = self._next = -1
        self._ssrc: int | None = None
        self._waiting = False
        self._settled_at = 0.0
        self.late = 0

    @property
    def held(self) -> int:
        return len(self._held)

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """As aiortc's: no video picture is wanted, and nothing is left for aiortc to pass on."""
        number = self._number(packet)
        if number < self._next:
            self.late += 1
            return False, None
        self._held[number] = _Held(packet, self._clock())
        self._pass_on()
        while len(self._held) > MOST_HELD:
            self._skip()
        self._wait()
        return False, None

    def _number(self, packet: RtpPacket) -> int:
        """Its place in the stream, which unlike a sequence number never wraps."""
        ahead = (packet.sequence_number - self._highest + 0x8000) % 0x10000 - 0x8000
        if packet.ssrc != self._ssrc or ahead <= -RESTART_PACKETS:
            self._begin(packet)
            return self._next
        number = self._highest + ahead
        self._highest = max(self._highest, number)
        return number

    def _begin(self, packet: RtpPacket) -> None:
        """A stream begins, or its sender has begun anew."""
        while self._held:
            self._skip()
        self._ssrc = packet.ssrc
        self._highest = self._next = 0x10000 + packet.sequence_number

    def _pass_on(self) -> None:
        while (held := self._held.pop(self._next, None)) is not None:
            self._next += 1
            self._let_out(held.packet)

    def _skip(self) -> None:
        """Nobody waits for the present hole any longer."""
        self._next = min(self._held)
        self._pass_on()

    def _wait(self) -> None:
        if self._held and not self._waiting:
            self._waiting = True
            self._later(max(0.0, self._gives_up_at - SETTLE_S - self._clock()), self._settle)

    def _settle(self) -> None:
        self._settled_at = self._clock() + SETTLE_S
        self._later(SETTLE_S, self._give_up)

    def _give_up(self) -> None:
        now = self._clock()
        if now - self._settled_at > SETTLE_S:
            self._settle()
            return
        self._waiting = False
        while self._held and self._gives_up_at <= now + EPSILON_S:
            self._skip()
        self._wait()

    @property
    def _gives_up_at(self) -> float:
        """The hole in front has been seen when the first packet behind it came."""
        return min(held.came_at for held in self._held.values()) + WAIT_S


def repair(receiver: RTCRtpReceiver) -> JitterBuffer:
    """Give a receiver of audio, before its first packet, a buffer of ours.

    It passes on what it has to aiortc's decoder itself: aiortc would take one packet for each that
    comes, so that those before a hole would wait until there are as many after it.

    :raises RuntimeError: when this aiortc keeps its own somewhere else.
    """
    names = ("jitter_buffer", "codecs", "timestamp_mapper", "decoder_queue")
    old, codecs, mapper, decoder = (_private(receiver, name) for name in names)
    if not isinstance(old, jitterbuffer.JitterBuffer) or None in (codecs, mapper, decoder):
        raise RuntimeError("this version of aiortc keeps its jitter buffer elsewhere: use 1.16")

    def decode(packet: RtpPacket) -> None:
        data: bytes = packet._data  # type: ignore[attr-defined]
        frame = jitterbuffer.JitterFrame(data, mapper.map(packet.timestamp))
        decoder.put((codecs[packet.payload_type], frame))

    buffer = JitterBuffer(decode, asyncio.get_running_loop().call_later)
    setattr(receiver, PRIVATE + "jitter_buffer", buffer)
    return buffer


def _private(receiver: RTCRtpReceiver, name: str) -> Any:
    return getattr(receiver, PRIVATE + name, None)
