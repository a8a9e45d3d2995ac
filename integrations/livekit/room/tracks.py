"""The tracks of a room: which are subscribed to, and their sound on its way into the mixer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

from interject.integrations.livekit.room.encryption import is_audible
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from livekit.rtc.room import EventTypes

    from interject.integrations.audio.mixer import Mixer

logger = logging.getLogger(__name__)

BLOCK_MS = 20
STREAM_FRAMES = 100
"""A track's queue of 20 ms frames (2 s), the oldest of which are dropped when nobody reads."""


@dataclass(slots=True, eq=False)
class _Listening:
    """One track that is being read."""

    identity: str
    publication: rtc.RemoteTrackPublication
    task: asyncio.Task[None]


class Tracks:
    """Follows who publishes, mutes and leaves. Tasks live in `group`; `on_sound` wakes the mixer's
    reader. What is neither wanted nor another's to hear is not even received.
    """

    def __init__(
        self,
        room: rtc.Room,
        mixer: Mixer,
        group: asyncio.TaskGroup,
        *,
        accepts: Callable[[rtc.RemoteParticipant], bool],
        on_sound: Callable[[], None],
    ) -> None:
        self._room = room
        self._mixer = mixer
        self._group = group
        self._accepts = accepts
        self._on_sound = on_sound
        self._excluded: set[str] = set()
        self._tracks: dict[str, _Listening] = {}
        self._following = False
        self.deaf = False

    @property
    def heard(self) -> tuple[str, ...]:
        """The identities whose tracks are being read."""
        return tuple(sorted({listening.identity for listening in self._tracks.values()}))

    def follow(self) -> None:
        self._following = True
        for event, callback in self._callbacks():
            self._room.on(event, callback)
        self._on_reconnected()

    def leave(self) -> None:
        self._following = False
        for event, callback in self._callbacks():
            self._room.off(event, callback)
        for sid in list(self._tracks):
            self._drop(sid)

    def exclude(self, identity: str) -> None:
        self._excluded.add(identity)
        self._silence(identity)

    def include(self, identity: str) -> None:
        self._excluded.discard(identity)
        participant = self._room.remote_participants.get(identity)
        if participant is not None and self._following:
            self._hear(participant)

    def stop(self) -> None:
        self.deaf = True
        for identity in self.heard:
            self._silence(identity)

    def resume(self) -> None:
        self.deaf = False
        if self._following:
            self._on_reconnected()

    def _callbacks(self) -> tuple[tuple[EventTypes, Callable[..., None]], ...]:
        return (
            ("track_published", self._on_published),
            ("track_subscribed", self._on_subscribed),
            ("track_unsubscribed", self._on_unsubscribed),
            ("track_muted", self._on_muted),
            ("reconnected", self._on_reconnected),
        )

    def _on_published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        self._subscribe(publication, participant)

    def _on_subscribed(
        self,
        track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if not self._concerns(publication, participant):
            return
        if self._wants(participant):
            self._listen(track, publication, participant)
        else:
            publication.set_subscribed(False)

    def _on_unsubscribed(
        self,
        _track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        _participant: rtc.RemoteParticipant,
    ) -> None:
        self._drop(publication.sid)

    def _on_muted(self, _participant: rtc.Participant, publication: rtc.TrackPublication) -> None:
        self._mixer.rest(publication.sid)

    def _on_reconnected(self) -> None:
        """A server that was started anew has forgotten what was subscribed to."""
        for participant in self._room.remote_participants.values():
            self._hear(participant)

    def _hear(self, participant: rtc.RemoteParticipant) -> None:
        for publication in participant.track_publications.values():
            track = publication.track
            if track is None or not publication.subscribed:
                self._subscribe(publication, participant)
            elif self._concerns(publication, participant) and self._wants(participant):
                self._listen(track, publication, participant)

    def _subscribe(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        if self._concerns(publication, participant):
            publication.set_subscribed(self._wants(participant))

    def _concerns(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> bool:
        """Whether it is ours to hear; another ear of this room may hear the others."""
        audible = publication.kind == rtc.TrackKind.KIND_AUDIO and is_audible(
            self._room, publication
        )
        return audible and self._accepts(participant)

    def _wants(self, participant: rtc.RemoteParticipant) -> bool:
        return not self.deaf and participant.identity not in self._excluded

    def _listen(
        self,
        track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        sid = publication.sid
        self._drop(sid)
        self._mixer.add(sid, participant.identity)
        task = self._group.create_task(self._read(sid, track), name=f"ear-{sid}")
        self._tracks[sid] = _Listening(participant.identity, publication, task)
        logger.info(
            "A track is heard",
            extra={"track": sid, "lk.pii.participant_identity": participant.identity},
        )

    def _drop(self, sid: str) -> None:
        self._mixer.remove(sid)
        listening = self._tracks.pop(sid, None)
        if listening is not None:
            listening.task.cancel()

    def _silence(self, identity: str) -> None:
        self._mixer.remove_identity(identity)
        for sid, listening in list(self._tracks.items()):
            if listening.identity == identity:
                self._drop(sid)
                listening.publication.set_subscribed(False)

    async def _read(self, sid: str, track: rtc.RemoteTrack) -> None:
        """One track that cannot be read must not make the ear deaf to the others."""
        try:
            stream = rtc.AudioStream(
                track,
                capacity=STREAM_FRAMES,
                sample_rate=SAMPLE_RATE_HZ,
                num_channels=1,
                frame_size_ms=BLOCK_MS,
            )
            try:
                async for event in stream:
                    self._mixer.push(sid, np.frombuffer(event.frame.data, np.int16))
                    self._on_sound()
            finally:
                await stream.aclose()
        except Exception as error:
            logger.warning(
                "A track cannot be read", extra={"track": sid, "error_type": type(error).__name__}
            )
        finally:
            self._mixer.rest(sid)
