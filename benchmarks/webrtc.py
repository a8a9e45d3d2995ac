"""WebRTC: connections a core, and the delay that a burst of losses leaves behind."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from av import AudioFrame

from benchmarks.hardware import describe
from benchmarks.lossy_relay import LossyRelay
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.webrtc_callers import FRAME_S, FRAME_SAMPLES, RATE_HZ
from benchmarks.webrtc_server import on_loopback
from interject.integrations.webrtc.jitter_buffer import repair
from interject.model_runtime.protocol import FRAME_S as CHUNK_S

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LAG_MS = 20.0
LEVELS = (1, 8, 16, 24, 32)
SETTLING_S = 3.0
BURST_S = 0.06
CONNECTIONS_NOTE = (
    "Connections: the door alone in one process, with a runtime that is always silent; callers who "
    "send encoded speech in another, on the same machine. Lag is how much later than asked for a "
    "sleep of 5 ms ends in the door's event loop; CPU is the door's process, in shares of one core."
)
LOSS_NOTE = (
    "Loss: the same sound through two receivers of aiortc at once, over loopback; every packet is "
    f"lost for {BURST_S} s, three in a row. Delay is from sending to the decoded frame. 'Stock' is "
    "aiortc's own jitter buffer, 'ours' what the door puts in its place."
)


@dataclass(frozen=True)
class Connections:
    """So many at once, for a while."""

    count: int
    cpu_share: float
    decided_share: float
    late_ms: list[float] = field(repr=False)

    @property
    def keeps_up(self) -> bool:
        return percentile(self.late_ms, 99) <= MOST_LAG_MS


@dataclass(frozen=True)
class Delays:
    """In ms, before and after a burst of losses."""

    before: float
    after: float


class Child:
    """A process that writes a line when it is ready and ends with its stdin."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ready(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, "a process of the benchmark has ended before it was ready"
        return line

    def ask(self) -> str:
        """Its next line, for a line."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.ready()

    def end(self) -> None:
        self._process.communicate(timeout=60)


def measure(count: int, seconds: float, *, settling_s: float = SETTLING_S) -> Connections:
    server = Child("webrtc_server")
    url = f"http://127.0.0.1:{server.ready()}"
    callers = Child("webrtc_callers", url, str(count))
    try:
        callers.ready()
        time.sleep(settling_s)
        before = measured(url)
        time.sleep(seconds)
        after = measured(url)
    finally:
        callers.end()
        server.end()
    decided = after["decided"] - before["decided"]
    return Connections(
        count,
        (after["cpu_s"] - before["cpu_s"]) / seconds,
        decided * CHUNK_S / (count * seconds),
        after["late_ms"],
    )


def measured(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/measured", timeout=30).json()
    return found


class Tone(MediaStreamTrack):
    """Frames that say by their time stamps when they were sent."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._frames = 0
        self.began_at = 0.0

    async def recv(self) -> AudioFrame:
        self.began_at = self.began_at or time.monotonic()
        await asyncio.sleep(self.began_at + self._frames * FRAME_S - time.monotonic())
        samples = np.full((1, FRAME_SAMPLES), 1_000, np.int16)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, self._frames * FRAME_SAMPLES
        frame.time_base = Fraction(1, RATE_HZ)
        self._frames += 1
        return frame


async def burst(*, repaired: bool, seconds: float) -> Delays:
    """Talk for so long, lose everything for a moment in the middle, and compare."""
    tone, found = Tone(), list[tuple[float, float]]()
    nothing = RTCConfiguration(iceServers=[])
    sender, receiver = RTCPeerConnection(nothing), RTCPeerConnection(nothing)
    sender.addTrack(tone)

    async def listen(track: MediaStreamTrack) -> None:
        while True:
            frame = await track.recv()
            at_s = float((frame.pts or 0) * Fraction(1, RATE_HZ))
            found.append((at_s, 1e3 * (time.monotonic() - tone.began_at - at_s)))

    async with LossyRelay() as relay:
        await sender.setLocalDescription(await sender.createOffer())
        offer = RTCSessionDescription(relay.offer(sender.localDescription.sdp), "offer")
        await receiver.setRemoteDescription(offer)
        (transceiver,) = receiver.getTransceivers()
        if repaired:
            repair(transceiver.receiver)
        listening = asyncio.create_task(listen(transceiver.receiver.track))
        await receiver.setLocalDescription(await receiver.createAnswer())
        answer = RTCSessionDescription(relay.answer(receiver.localDescription.sdp), "answer")
        await sender.setRemoteDescription(answer)
        await asyncio.sleep(seconds / 2)
        relay.loss = 1.0
        await asyncio.sleep(BURST_S)
        relay.loss = 0.0
        await asyncio.sleep(seconds / 2)
        listening.cancel()
        await sender.close()
        await receiver.close()
    middle = seconds / 2
    before = [delay for at, delay in found if middle / 2 < at < middle - 0.5]
    after = [delay for at, delay in found if at > middle + BURST_S + middle / 2]
    return Delays(percentile(before, 50), percentile(after, 50))


async def bursts(seconds: float) -> tuple[Delays, Delays]:
    """Stock and ours, at the same time."""
    async with asyncio.TaskGroup() as group:
        stock = group.create_task(burst(repaired=False, seconds=seconds))
        ours = group.create_task(burst(repaired=True, seconds=seconds))
    return stock.result(), ours.result()


def rows(levels: Sequence[Connections], stock: Delays, ours: Delays) -> list[list[str]]:
    return [
        *(
            [
                f"{level.count} connection{'s' * (level.count > 1)}",
                f"{100 * level.cpu_share:.0f} % of a core",
                f"lag {percentile(level.late_ms, 50):.1f} / {percentile(level.late_ms, 99):.1f} ms",
                f"{100 * level.decided_share:.0f} % of chunks decided",
            ]
            for level in levels
        ),
        *(
            [
                f"loss of {BURST_S} s, {name}",
                f"{one.before:.0f} ms before",
                f"{one.after:.0f} ms after",
                "",
            ]
            for name, one in (("stock", stock), ("ours", ours))
        ),
    ]


def headlines(levels: Sequence[Connections], ours: Delays) -> dict[str, str]:
    most = max((level.count for level in levels if level.keeps_up), default=0)
    return {
        f"WebRTC connections of one process with a loop lag p99 of {MOST_LAG_MS:.0f} ms": str(most),
        "delay of a WebRTC caller's sound after a burst of losses": f"{ours.after:.0f} ms",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--connections", type=int, nargs="+", default=list(LEVELS))
    parser.add_argument("--smoke", action="store_true", help="a moment, and keep nothing")
    options = parser.parse_args()
    seconds = 2.0 if options.smoke else options.seconds
    on_loopback()
    if options.smoke:
        levels = [measure(1, seconds, settling_s=0.5)]
    else:
        levels = [measure(count, seconds) for count in options.connections]
    stock, ours = asyncio.run(bursts(max(4.0, seconds / 2)))
    finish(
        Result(
            name="webrtc",
            title="WebRTC: connections a core, and delay after losses",
            command=this_command("webrtc"),
            hardware=describe(),
            columns=["what", "CPU", "p50 / p99", "outcome"],
            rows=rows(levels, stock, ours),
            notes=[CONNECTIONS_NOTE, LOSS_NOTE],
            headlines=headlines(levels, ours),
        ),
        keep=not options.smoke,
    )


if __name__ == "__main__":
    main()
