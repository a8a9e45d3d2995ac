"""The way in of one caller's sound without sockets: packets that come when a test says so, a clock
of its own, and all parts of ours from the jitter buffer to the frames.
"""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from aiortc.rtp import RtpPacket
from av import AudioFrame

from interject.agent.framing import Framer, Pacing
from interject.integrations.audio.mixer import Mixer
from interject.integrations.webrtc.incoming_audio import IncomingAudio
from interject.integrations.webrtc.jitter_buffer import JitterBuffer
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from interject.model_runtime.protocol import Frame

PACKET_SAMPLES = 320
PACKET_S = PACKET_SAMPLES / SAMPLE_RATE_HZ
LEVEL = 1_000
"""Every sample of packet n is as loud as this and n more: far above what counts as a pause."""
WAKE_S = 0.02
AFTER_STALL_S = 0.001
CALLER = "caller"


@dataclass(frozen=True)
class Network:
    """What becomes of packets on their way. `ppm` is how much faster the sender's clock runs.

    `lost` and `frozen` are spans of time: what is sent in one is lost, or comes when it is over.
    """

    jitter_s: float = 0.0
    loss: float = 0.0
    ppm: float = 0.0
    lost: tuple[tuple[float, float], ...] = ()
    frozen: tuple[tuple[float, float], ...] = ()
    seed: int = 0

    def came(self, seconds: float) -> set[int]:
        return {number for _, number in self.arrivals(seconds)}

    def made_at(self, number: int) -> float:
        return number * PACKET_S / (1 + self.ppm * 1e-6)

    def arrivals(self, seconds: float) -> list[tuple[float, int]]:
        """When which packet comes; each is sent when its last sample has been made."""
        chance = random.Random(self.seed)
        found: list[tuple[float, int]] = []
        for number in itertools.count():
            sent_at = self.made_at(number + 1)
            if sent_at > seconds:
                return sorted(found)
            gone = chance.random() < self.loss or _span(self.lost, sent_at) is not None
            delay_s = chance.random() * self.jitter_s
            thaw = _span(self.frozen, sent_at)
            if not gone:
                found.append((max(sent_at, thaw or 0.0) + delay_s, number))
        return []


@dataclass(frozen=True)
class Heard:
    """Where a packet's first sample stands after it was made, and how many of them there are."""

    delay_s: float
    samples: int


class Inbound:
    """`spoken` says which packets are no silence. In a stall of the event loop nothing happens;
    what has waited for its end comes a millisecond apart.
    """

    def __init__(
        self, spoken: Callable[[int], bool], stalls: Sequence[tuple[float, float]] = ()
    ) -> None:
        self._clock = FakeClock(0.0)
        self._spoken = spoken
        self._stalls = stalls
        self._waking: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._audio = IncomingAudio()
        self._buffer = JitterBuffer(self._decode, self._later, clock=self._clock)
        self.mixer = Mixer(clock=self._clock)
        self.mixer.begin()
        self.mixer.add(CALLER, CALLER)
        self.framer = Framer(Pacing.CAPTURE_TIMES, clock=self._clock)
        self.frames: list[Frame] = []

    def run(self, arrivals: Iterable[tuple[float, int]], until_s: float) -> None:
        self._later(WAKE_S, self._wake)
        free_at = 0.0
        for at_s, number in arrivals:
            free_at = max(self._free(at_s), free_at + AFTER_STALL_S if at_s < free_at else 0.0)
            self._at(free_at, lambda number=number: self._come(number))  # type: ignore[misc]
        while self._waking and self._waking[0][0] <= until_s:
            self._clock.now_s, _, call = heapq.heappop(self._waking)
            call()

    def heard(self, network: Network) -> dict[int, Heard]:
        """By packet. What is heard twice or out of its turn makes this fail."""
        pcm = np.concatenate([np.frombuffer(frame.pcm, np.int16) for frame in self.frames])
        loud = np.flatnonzero(pcm)
        assert (np.diff(pcm[loud]) >= 0).all()
        levels, first, samples = np.unique(pcm[loud], return_index=True, return_counts=True)
        at_s = self.frames[0].captured_at + loud[first] / SAMPLE_RATE_HZ
        numbers = [int(level) - LEVEL for level in levels]
        return {
            number: Heard(float(at) - network.made_at(number), int(count))
            for number, at, count in zip(numbers, at_s, samples, strict=True)
        }

    def _at(self, when: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._waking, (self._free(when), next(self._numbers), call))

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self._at(self._clock() + seconds, call)

    def _free(self, at_s: float) -> float:
        over = _span(self._stalls, at_s)
        return at_s if over is None else over

    def _wake(self) -> None:
        self._mix()
        wait_s = self.mixer.next_due_at - self._clock()
        self._later(min(WAKE_S, wait_s) if wait_s > 1e-9 else WAKE_S, self._wake)

    def _come(self, number: int) -> None:
        packet = RtpPacket(
            sequence_number=number % 0x10000, timestamp=number * PACKET_SAMPLES, payload=b""
        )
        packet._data = str(number).encode()  # type: ignore[attr-defined]
        self._buffer.add(packet)

    def _decode(self, packet: RtpPacket) -> None:
        number = int(packet._data)  # type: ignore[attr-defined]
        level = LEVEL + number if self._spoken(number) else 0
        samples = np.full((1, PACKET_SAMPLES), level, np.int16)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, packet.timestamp
        frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
        for sound, missing in self._audio.pieces(frame):
            self.mixer.push(CALLER, sound, missing)
        self._mix()

    def _mix(self) -> None:
        for block in self.mixer.due():
            self.frames += self.framer.push(block.samples, block.captured_at, block.speakers)


def _span(spans: Iterable[tuple[float, float]], at_s: float) -> float | None:
    """When those are over that hold this moment, one after another."""
    over = at_s
    for begin, end in sorted(spans):
        if begin <= over < end:
            over = end
    return over if over > at_s else None
