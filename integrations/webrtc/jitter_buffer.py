"""Puts a track's packets in order, without keeping the delay that a lost one causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiortc import jitterbuffer

if TYPE_CHECKING:
    from aiortc import RTCRtpReceiver
    from aiortc.rtp import RtpPacket

DEPTH_PACKETS = 4
RESTART_PACKETS = 100
PRIVATE_NAME = "_RTCRtpReceiver__jitter_buffer"


class JitterBuffer:
    """Takes the place of aiortc's, which waits for a lost packet until 16 newer ones are there, and
    never makes up for it: each packet after that is 280 ms late instead of 80.

    Every packet that comes lets the oldest out, once `depth` are there. One that is missing then is
    given up and costs nothing; one that comes after its turn is dropped. So in a row without holes
    `depth - 1` packets are held back, 60 ms of most senders' sound, and again so as soon as a hole
    has passed.
    """

    capacity = DEPTH_PACKETS

    def __init__(self, depth: int = DEPTH_PACKETS) -> None:
        self._depth = depth
        self._held: dict[int, RtpPacket] = {}
        self._highest: int | None = None
        self._last_out = -1
        self._ssrc = 0
        self.late = 0

    @property
    def held(self) -> int:
        return len(self._held)

    def add(self, packet: RtpPacket) -> tuple[bool, jitterbuffer.JitterFrame | None]:
        """As aiortc's: whether a video picture is wanted (never), and a frame to be decoded."""
        number = self._number(packet)
        if number <= self._last_out:
            self.late += 1
            return False, None
        self._held[number] = packet
        if len(self._held) < self._depth:
            return False, None
        return False, self._let_out(min(self._held))

    def _number(self, packet: RtpPacket) -> int:
        """Its place in the stream, which unlike a sequence number never wraps."""
        if self._highest is None:
            return self._begin(packet)
        ahead = (packet.sequence_number - self._highest + 0x8000) % 0x10000 - 0x8000
        if packet.ssrc != self._ssrc or ahead <= -RESTART_PACKETS:
            return self._begin(packet)
        number = self._highest + ahead
        self._highest = max(self._highest, number)
        return number

    def _begin(self, packet: RtpPacket) -> int:
        """A stream begins, or its sender has begun anew."""
        self._held.clear()
        self._ssrc = packet.ssrc
        self._highest = 0x10000 + packet.sequence_number
        self._last_out = self._highest - self._depth
        return self._highest

    def _let_out(self, number: int) -> jitterbuffer.JitterFrame:
        packet = self._held.pop(number)
        self._last_out = number
        data: bytes = packet._data  # type: ignore[attr-defined]
        return jitterbuffer.JitterFrame(data=data, timestamp=packet.timestamp)


def repair(receiver: RTCRtpReceiver) -> JitterBuffer:
    """Give a receiver of audio, before its first packet, a buffer of ours.

    :raises RuntimeError: when this aiortc keeps its own somewhere else.
    """
    if not isinstance(getattr(receiver, PRIVATE_NAME, None), jitterbuffer.JitterBuffer):
        raise RuntimeError("this version of aiortc keeps its jitter buffer elsewhere: use 1.16")
    buffer = JitterBuffer()
    setattr(receiver, PRIVATE_NAME, buffer)
    return buffer
