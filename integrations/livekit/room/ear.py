"""All voices of a room in one audio input, for as long as the room lasts."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from interject.integrations.audio.mixer import BLOCK_SAMPLES, QUIET_DBFS, Mixer, level_dbfs
from interject.integrations.livekit.audio_frames import CAPTURED_KEY, SPEAKERS_KEY
from interject.integrations.livekit.room.people import people_only
from interject.integrations.livekit.room.tracks import Tracks
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Speaker

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.audio.echo import EchoCanceller
    from interject.integrations.audio.mixer import MixedBlock, MixerReport

QUEUE_BLOCKS = 500
"""Blocks that wait for the session (10 s); then the oldest is dropped and counted."""
LONGEST_SLEEP_S = 0.02


class Ear(AudioInput):
    """An `AudioInput` of mixed 20 ms frames at 16 kHz, used with `async with`.

    Each frame's `userdata` holds who spoke how loud (`SPEAKERS_KEY`, a tuple of `Speaker`) and when
    it was captured (`CAPTURED_KEY`, seconds on the clock). Silence goes on when nobody is there.
    Own tracks are no remote tracks, so they never come back through it; `echo` takes out what a
    loudspeaker plays of them into a microphone.
    """

    def __init__(
        self,
        room: rtc.Room,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool] = people_only,
        echo: EchoCanceller | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(label="Interject")
        self._echo = echo
        self._clock = clock
        self._attached = True
        self._blocks: asyncio.Queue[MixedBlock | None] = asyncio.Queue(QUEUE_BLOCKS)
        self._news = asyncio.Event()
        self._group = asyncio.TaskGroup()
        self._mixer = Mixer(clock=clock)
        self._tracks = Tracks(
            room, self._mixer, self._group, accepts=accepts, on_sound=self._news.set
        )
        self._pump: asyncio.Task[None] | None = None
        self.dropped_blocks = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._mixer.begin()
        self._pump = self._group.create_task(self._run(), name="ear")
        self._tracks.follow()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._tracks.leave()
        if self._pump is not None:
            self._pump.cancel()
        self._put(None)
        await self._group.__aexit__(None, None, None)

    async def __anext__(self) -> rtc.AudioFrame:
        block = await self._blocks.get()
        if block is None:
            self._put(None)
            raise StopAsyncIteration
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

    def report(self) -> MixerReport:
        return self._mixer.report()

    def exclude(self, identity: str) -> None:
        """From this moment nothing of a participant is heard or even received."""
        self._tracks.exclude(identity)
        self._forget()

    def include(self, identity: str) -> None:
        self._tracks.include(identity)

    def stop_listening(self) -> None:
        """From this moment nothing of anybody is received, and nothing goes on to the session."""
        self._tracks.stop()
        self._forget()

    def resume_listening(self) -> None:
        self._tracks.resume()

    def _forget(self) -> None:
        """What waits to be read was mixed before somebody said no."""
        while not self._blocks.empty():
            self._blocks.get_nowait()

    async def _run(self) -> None:
        """Wakes up for every delivery and for every block's time, whichever comes first."""
        while True:
            for block in self._mixer.due():
                cleaned = self._cleaned(block)
                if self._attached and not self.deaf:
                    self._put(cleaned)
            self._news.clear()
            wait_s = min(LONGEST_SLEEP_S, self._mixer.next_due_at - self._clock())
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LONGEST_SLEEP_S):
                        await self._news.wait()

    def _cleaned(self, block: MixedBlock) -> MixedBlock:
        """Who only sends back the agent's own voice does not speak."""
        if self._echo is None:
            return block
        samples = self._echo.clean(block.samples, block.captured_at)
        lowered_db = level_dbfs(block.samples) - level_dbfs(samples)
        speakers = tuple(
            Speaker(speaker.identity, round(speaker.level_dbfs - lowered_db, 1))
            for speaker in block.speakers
            if speaker.level_dbfs - lowered_db >= QUIET_DBFS
        )
        return replace(block, samples=samples, speakers=speakers)

    def _put(self, block: MixedBlock | None) -> None:
        if self._blocks.full():
            self._blocks.get_nowait()
            self.dropped_blocks += 1
        self._blocks.put_nowait(block)
