"""Participants with exact times: a microphone on a schedule, an ear that notes onsets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Self

import numpy as np
from livekit import rtc

from interject.integrations.livekit.jobs.access import enter
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.integrations.livekit.jobs.access import Access

BLOCK_MS = 10
LEAD_MS = 200
HISS = 40.0
"""Standard deviation, of 32,768."""
LOUD = 328
"""-40 dB of full scale: a sample above it is a voice, not what a codec makes of silence."""
HUSH_S = 0.5


class Microphone:
    """Takes part in a room and sends a background without end, with events in it.

    Used with `async with`. LiveKit holds `LEAD_MS` of it in a queue, which it empties on its own
    clock: a sample's moment is when it leaves that queue, and a loop that comes late on a busy
    machine disturbs nothing. `on_data` gets what is sent to the room.
    """

    def __init__(
        self,
        access: Access,
        room: str,
        identity: str,
        *,
        background: NDArray[np.int16] | None = None,
        hears: bool = False,
        block_ms: int = BLOCK_MS,
        on_data: Callable[[rtc.DataPacket], None] | None = None,
    ) -> None:
        self._access = access
        self._name, self._identity = room, identity
        self._hears = hears
        self._room = rtc.Room()
        if on_data is not None:
            self._room.on("data_received", on_data)
        self._source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=2 * LEAD_MS)
        self._block_samples = SAMPLE_RATE_HZ * block_ms // 1_000
        self._background = hiss() if background is None else background
        self._at = 0
        self._playing = np.zeros(0, np.int16)
        self._played: asyncio.Future[float] | None = None
        self._task: asyncio.Task[None] | None = None
        self.holes = 0
        """How often the queue ran empty, so that the sound had a hole."""

    async def __aenter__(self) -> Self:
        """:raises RoomFailure: when the room cannot be entered."""
        token = self._access.token(self._name, self._identity)
        options = rtc.RoomOptions(auto_subscribe=self._hears)
        await enter(self._room, self._access.url, token, options)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        publishing = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self._room.local_participant.publish_track(track, publishing)
        self._task = asyncio.create_task(self._run(), name="microphone")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._room.disconnect()
        await self._source.aclose()

    async def play(self, samples: NDArray[np.int16]) -> float:
        """Return when the last sample has left, and when that was on the monotonic clock.

        The event is placed so that its last sample is the last of a block.
        """
        lead = -len(samples) % self._block_samples
        self._playing = np.concatenate((np.zeros(lead, np.int16), samples))
        self._played = asyncio.get_running_loop().create_future()
        ends_at = await self._played
        await asyncio.sleep(max(0.0, ends_at - time.monotonic()))
        return ends_at

    async def _run(self) -> None:
        """`leaves_at`: when the block that is handed over next begins to leave the queue."""
        leaves_at = time.monotonic()
        began_at = leaves_at
        while True:
            await asyncio.sleep(max(0.0, leaves_at - LEAD_MS / 1_000 - time.monotonic()))
            if (now := time.monotonic()) > leaves_at > began_at:
                self.holes += 1
                leaves_at = now
            block = self._block()
            await self._source.capture_frame(
                rtc.AudioFrame(block.tobytes(), SAMPLE_RATE_HZ, 1, len(block))
            )
            leaves_at += len(block) / SAMPLE_RATE_HZ
            if self._played is not None and not len(self._playing):
                self._played.set_result(leaves_at)
                self._played = None

    def _block(self) -> NDArray[np.int16]:
        count = self._block_samples
        block = self._background.take(range(self._at, self._at + count), mode="wrap").astype(int)
        self._at = (self._at + count) % len(self._background)
        part, self._playing = self._playing[:count], self._playing[count:]
        block[: len(part)] += part
        return np.asarray(np.clip(block, -32_768, 32_767), np.int16)


def hiss() -> NDArray[np.int16]:
    """A second of the noise in which events happen."""
    noise = np.random.default_rng(3).normal(0.0, HISS, SAMPLE_RATE_HZ)
    return np.asarray(np.rint(noise), np.int16)


class Voice:
    """When somebody was heard: the first loud sample after each hush."""

    def __init__(self) -> None:
        self.onsets: list[float] = []
        self._last_loud_at = -HUSH_S

    def hear(self, samples: NDArray[np.int16], at: float) -> None:
        """`at`: when the block arrived; a loudspeaker plays its first sample then."""
        loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > LOUD)
        if not len(loud):
            return
        if at - self._last_loud_at >= HUSH_S:
            self.onsets.append(at + int(loud[0]) / SAMPLE_RATE_HZ)
        self._last_loud_at = at

    def first_after(self, at: float) -> float | None:
        return next((onset for onset in self.onsets if onset > at), None)

    def is_quiet(self, now: float) -> bool:
        return now - self._last_loud_at >= HUSH_S


class Listener:
    """Takes part in a room and hears everybody apart. Used with `async with`."""

    def __init__(self, access: Access, room: str, identity: str) -> None:
        self._access = access
        self._name, self._identity = room, identity
        self._room = rtc.Room()
        self._group = asyncio.TaskGroup()
        self._reading: list[asyncio.Task[None]] = []
        self.voices: dict[str, Voice] = {}
        """By identity, from the moment at which a track of theirs can be heard."""

    async def __aenter__(self) -> Self:
        """:raises RoomFailure: when the room cannot be entered."""
        await self._group.__aenter__()
        self._room.on("track_subscribed", self._on_track)
        await enter(self._room, self._access.url, self._access.token(self._name, self._identity))
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._reading:
            task.cancel()
        await self._room.disconnect()
        await self._group.__aexit__(None, None, None)

    def _on_track(
        self,
        track: rtc.RemoteTrack,
        _publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO:
            voice = self.voices.setdefault(participant.identity, Voice())
            self._reading.append(self._group.create_task(_read(track, voice)))


async def _read(track: rtc.RemoteTrack, voice: Voice) -> None:
    stream = rtc.AudioStream(
        track, sample_rate=SAMPLE_RATE_HZ, num_channels=1, frame_size_ms=BLOCK_MS
    )
    try:
        async for event in stream:
            voice.hear(np.frombuffer(event.frame.data, np.int16), time.monotonic())
    finally:
        with contextlib.suppress(Exception):
            await stream.aclose()
