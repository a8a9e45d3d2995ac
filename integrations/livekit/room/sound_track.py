"""Effects and music on a second track of the agent's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from interject.agent.soundboard.library import SoundboardFault, open_library
from interject.agent.soundboard.soundboard import Soundboard, plays_aloud

if TYPE_CHECKING:
    from interject.agent.soundboard.desk import SoundDesk
    from interject.config import Profile

logger = logging.getLogger(__name__)

NAME = "interject-sounds"
RATE_HZ = 48_000
BLOCK_SAMPLES = 960
QUEUE_MS = 100
"""What is sent ahead is heard whatever happens: so long after a wish there may still be sound."""
PUBLISH_TIMEOUT_S = 10.0


class SoundTrack:
    """Used with `async with` on a connected room; published where the profile plays sounds. A room
    that does not let it be has cards in its place.
    """

    def __init__(self, room: rtc.Room, profile: Profile) -> None:
        self.board = Soundboard(profile.soundboard)
        self._room = room
        self._profile = profile
        self._speaking = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if plays_aloud(self._profile):
            await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def speaks(self, speaking: bool) -> None:
        """The agent itself begins or ends."""
        self._speaking = speaking

    async def _begin(self) -> None:
        """The board opens last: until then whoever asks is told that nothing is played aloud."""
        source = rtc.AudioSource(RATE_HZ, 1, QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track(NAME, source)
        try:
            await asyncio.to_thread(open_library, self._profile.soundboard, RATE_HZ)
            async with asyncio.timeout(PUBLISH_TIMEOUT_S):
                options = rtc.TrackPublishOptions(dtx=False)
                publication = await self._room.local_participant.publish_track(track, options)
        except (PublishTrackError, SoundboardFault, TimeoutError) as error:
            logger.warning("The sounds cannot be played", extra={"reason": str(error)})
            await source.aclose()
            return
        desk = self.board.open(RATE_HZ)
        desk.on_play = self._wake.set
        playing = self._play(desk, source, publication.sid)
        self._task = asyncio.create_task(playing, name="interject-sounds")

    async def _play(self, desk: SoundDesk, source: rtc.AudioSource, sid: str) -> None:
        try:
            while True:
                self._wake.clear()
                while desk.is_playing:
                    if self._speaking:
                        desk.heard_speech()
                    samples = desk.take(BLOCK_SAMPLES)
                    await source.capture_frame(
                        rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, BLOCK_SAMPLES)
                    )
                await self._wake.wait()
        finally:
            with contextlib.suppress(Exception):
                await self._room.local_participant.unpublish_track(sid)
            await source.aclose()
