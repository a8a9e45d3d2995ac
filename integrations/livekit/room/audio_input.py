"""All voices of a room in one audio input, for as long as the room lasts."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Self

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from interject.integrations.audio.mixed_stream import MixedStream
from interject.integrations.audio.source_queue import BLOCK_SAMPLES
from interject.integrations.livekit.audio_frames import CAPTURED_KEY, SPEAKERS_KEY
from interject.integrations.livekit.room.people import people_only
from interject.integrations.livekit.room.tracks import Tracks
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.audio.echo import EchoCanceller
    from interject.integrations.audio.mixer import MixerReport


def _unheeded(level_dbfs: float) -> None:
    """Nothing here depends on how loud people are."""


class RoomAudioInput(AudioInput):
    """An `AudioInput` of mixed 20 ms frames at 16 kHz, used with `async with`.

    Each frame's `userdata` holds who spoke how loud (`SPEAKERS_KEY`, a tuple of `Speaker`) and when
    it was captured (`CAPTURED_KEY`, seconds on the clock). Silence goes on when nobody is there.
    `on_level` gets how loud the loudest was (dBFS) in each.
    Own tracks are no remote tracks, so they never come back through it; `echo` takes out what a
    loudspeaker plays of them into a microphone.
    """

    def __init__(
        self,
        room: rtc.Room,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool] = people_only,
        echo: EchoCanceller | None = None,
        on_level: Callable[[float], None] = _unheeded,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(label="Interject")
        self._attached = True
        self._on_level = on_level
        self._mixed = MixedStream(wanted=self._wanted, echo=echo, clock=clock)
        self._group = asyncio.TaskGroup()
        self._tracks = Tracks(
            room, self._mixed.mixer, self._group, accepts=accepts, on_sound=self._mixed.wake
        )

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        await self._mixed.__aenter__()
        self._tracks.follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tracks.leave()
        await self._mixed.__aexit__()
        await self._group.__aexit__(None, None, None)

    async def __anext__(self) -> rtc.AudioFrame:
        block = await anext(self._mixed)
        if block.speakers:
            self._on_level(max(speaker.level_dbfs for speaker in block.speakers))
        return rtc.AudioFrame(
            block.samples.tobytes(),
            SAMPLE_RATE_HZ,
            1,
            BLOCK_SAMPLES,
            userdata={SPEAKERS_KEY: block.speakers, CAPTURED_KEY: block.captured_at},
        )

    def on_attached(self) -> None:
        self._attached = True

    def on_detached(self) -> None:
        """A session that has paused its input hears what follows, not what it missed."""
        self._attached = False

    @property
    def heard(self) -> tuple[str, ...]:
        """The identities whose tracks are being read."""
        return self._tracks.heard

    @property
    def deaf(self) -> bool:
        return self._tracks.deaf

    @property
    def dropped_blocks(self) -> int:
        return self._mixed.dropped_blocks

    def report(self) -> MixerReport:
        return self._mixed.mixer.report()

    def exclude(self, identity: str) -> None:
        """From this moment nothing of a participant is heard or even received."""
        self._tracks.exclude(identity)
        self._mixed.forget()

    def include(self, identity: str) -> None:
        self._tracks.include(identity)

    def stop_listening(self) -> None:
        """From this moment nothing of anybody is received, and nothing goes on to the session."""
        self._tracks.stop()
        self._mixed.forget()

    def resume_listening(self) -> None:
        self._tracks.resume()

    def _wanted(self) -> bool:
        return self._attached and not self.deaf
