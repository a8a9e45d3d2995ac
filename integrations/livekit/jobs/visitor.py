"""A participant that stands for a person: plays a sound, and keeps what it hears and reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from livekit import rtc

from interject.integrations.livekit.audio_frames import SPEAKERS_KEY
from interject.integrations.livekit.jobs.access import enter
from interject.integrations.livekit.room.audio_input import RoomAudioInput
from interject.integrations.livekit.room.posts import ERROR_ATTRIBUTES
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from numpy.typing import NDArray

PIECE_SAMPLES = 320
SOURCE_QUEUE_MS = 60
TEXT_TOPICS = ("lk.transcription", "lk.chat")
AGENT_STATE = "lk.agent.state"
HEARD_DBFS = -50.0
"""A voice louder than this has begun to speak; it has ended after `HUSH_S` below it."""
HUSH_S = 0.6


@dataclass(frozen=True, slots=True)
class VisitorEvent:
    """Something that was noticed `at_s` seconds after the room was entered."""

    at_s: float
    event: str
    fields: dict[str, Any] = field(default_factory=dict)


def _ignore(event: VisitorEvent) -> None:
    """Nobody watches."""


class Visitor:
    """Used with `async with`. `on_heard(played, heard)` gets both sides of each 20 ms.

    `played` is what this participant says at the moment, `heard` the mix of everybody else, agents
    included; both are 320 samples at 16 kHz on one clock, without a hole.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        on_event: Callable[[VisitorEvent], None] = _ignore,
        on_heard: Callable[[NDArray[np.int16], NDArray[np.int16]], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._token = url, token
        self._on_event = on_event
        self._on_heard = on_heard
        self._clock = clock
        self._began_at = clock()
        self._voices: dict[str, float] = {}
        self._playing = bytearray()
        self._source: rtc.AudioSource | None = None
        self._publication: rtc.LocalTrackPublication | None = None
        self._group = asyncio.TaskGroup()
        self._stack = contextlib.AsyncExitStack()
        self.room = rtc.Room()
        self._news = asyncio.Event()
        self.gone = asyncio.Event()
        """Set when the room has been left, whoever ended it."""
        self.unserved = asyncio.Event()
        """Set when an agent has said that it cannot help."""

    async def __aenter__(self) -> Self:
        """:raises RoomFailure: when the room cannot be entered."""
        self._watch()
        await enter(self.room, self._url, self._token)
        self._began_at = self._clock()
        for participant in self.room.remote_participants.values():
            self._tell("participant_joined", identity=participant.identity)
        await self._group.__aenter__()
        ear = await self._stack.enter_async_context(
            RoomAudioInput(self.room, accepts=lambda _: True, clock=self._clock)
        )
        self._group.create_task(self._hear(ear), name="visitor-ear")
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self._stack.aclose()
        finally:
            await self.room.disconnect()
            if self._source is not None:
                await self._source.aclose()
            await self._group.__aexit__(None, None, None)

    @property
    def now_s(self) -> float:
        """Seconds since the room was entered."""
        return self._clock() - self._began_at

    async def agent(self) -> None:
        """Wait until an agent is in the room and has told its state."""
        while not any(
            _listens(participant) for participant in self.room.remote_participants.values()
        ):
            self._news.clear()
            await self._news.wait()

    async def open_microphone(self) -> None:
        """Publish a track, from which nothing is heard until `play`."""
        source = rtc.AudioSource(SAMPLE_RATE_HZ, 1, queue_size_ms=SOURCE_QUEUE_MS)
        track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        self._publication = await self.room.local_participant.publish_track(track, options)
        self._source = source

    async def close_microphone(self) -> None:
        if self._publication is not None:
            await self.room.local_participant.unpublish_track(self._publication.sid)
            self._publication = None

    def mute(self, muted: bool) -> None:
        """As the microphone button of a client does."""
        track = self._publication.track if self._publication else None
        if isinstance(track, rtc.LocalAudioTrack):
            (track.mute if muted else track.unmute)()

    async def play(self, samples: NDArray[np.int16]) -> None:
        """Say 16 kHz mono samples in real time; returns when the last one is out."""
        if self._publication is None:
            await self.open_microphone()
        assert self._source is not None
        self._tell("play_started", seconds=round(len(samples) / SAMPLE_RATE_HZ, 3))
        for piece in _pieces(samples):
            frame = rtc.AudioFrame(piece.tobytes(), SAMPLE_RATE_HZ, 1, len(piece))
            await _whole(self._source.capture_frame(frame))
            self._playing += piece.tobytes()
        await self._source.wait_for_playout()
        self._tell("play_ended")

    async def write(self, text: str) -> None:
        """Post to the room's chat."""
        await self.room.local_participant.send_text(text, topic="lk.chat")

    async def call(self, identity: str, method: str, **payload: object) -> Any:
        """An RPC to a participant, JSON both ways.

        :raises rtc.RpcError: what the other side answers instead.
        """
        answer = await self.room.local_participant.perform_rpc(
            destination_identity=identity, method=method, payload=json.dumps(payload)
        )
        return json.loads(answer)

    def _watch(self) -> None:
        room = self.room
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        room.on("track_subscribed", self._on_track)
        room.on("data_received", self._on_data)
        room.on("participant_attributes_changed", self._on_attributes)
        room.on("disconnected", self._on_gone)
        for topic in TEXT_TOPICS:
            room.register_text_stream_handler(topic, self._on_text)

    def _tell(self, event: str, **fields: Any) -> None:
        self._news.set()
        self._on_event(VisitorEvent(round(self.now_s, 3), event, fields))

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        self._tell("participant_joined", identity=participant.identity)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self._tell("participant_left", identity=participant.identity)

    def _on_track(
        self,
        _track: rtc.RemoteTrack,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        self._tell("track", identity=participant.identity, track=publication.sid)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        sender = packet.participant.identity if packet.participant else ""
        try:
            content = json.loads(packet.data)
        except ValueError:
            content = packet.data.decode("utf-8", errors="replace")
        self._tell("data", topic=packet.topic or "", identity=sender, content=content)

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        self._tell("attributes", identity=participant.identity, changed=dict(changed))

    def _on_gone(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self._tell("disconnected", reason=rtc.DisconnectReason.Name(reason).lower())
        self.gone.set()

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        sender = self.room.remote_participants.get(identity)  # who leaves at once is never known
        reading = self._read(reader, identity, from_agent=sender is None or _is_agent(sender))
        self._group.create_task(reading, name="visitor-text")

    async def _read(self, reader: rtc.TextStreamReader, identity: str, *, from_agent: bool) -> None:
        """Every piece as it comes, then the whole."""
        topic = reader.info.topic
        attributes = dict(reader.info.attributes or {})
        text = ""
        try:
            async for piece in reader:
                text += piece
                if topic == "lk.transcription":
                    self._tell("transcription_piece", identity=identity, text=piece)
        except rtc.StreamError:
            self._tell("text_broken", topic=topic, identity=identity)
        if from_agent and attributes.items() >= ERROR_ATTRIBUTES.items():
            self.unserved.set()
        name = "transcription" if topic == "lk.transcription" else "chat"
        self._tell(name, identity=identity, text=text, attributes=attributes)

    async def _hear(self, ear: RoomAudioInput) -> None:
        async for frame in ear:
            heard = np.frombuffer(frame.data, np.int16)
            played = np.zeros(len(heard), np.int16)
            said = np.frombuffer(bytes(self._playing[: 2 * len(heard)]), np.int16)
            del self._playing[: 2 * len(heard)]
            played[: len(said)] = said
            self._follow(frame)
            if self._on_heard is not None:
                self._on_heard(played, heard)

    def _follow(self, frame: rtc.AudioFrame) -> None:
        """Tell when a voice begins and when it has ended."""
        now = self.now_s
        for speaker in frame.userdata[SPEAKERS_KEY]:
            if speaker.level_dbfs >= HEARD_DBFS:
                if speaker.identity not in self._voices:
                    self._tell("voice_started", identity=speaker.identity)
                self._voices[speaker.identity] = now
        for identity, last_s in list(self._voices.items()):
            if now - last_s > HUSH_S:
                del self._voices[identity]
                self._tell("voice_ended", identity=identity, ended_at_s=round(last_s, 3))


def _listens(participant: rtc.RemoteParticipant) -> bool:
    return _is_agent(participant) and AGENT_STATE in participant.attributes


def _is_agent(participant: rtc.RemoteParticipant) -> bool:
    return participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT


async def _whole(capture: Coroutine[Any, Any, None]) -> None:
    """LiveKit complains when it has taken a frame and nobody waits for its answer."""
    task = asyncio.ensure_future(capture)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=1.0)
        raise


def _pieces(samples: NDArray[np.int16]) -> Iterable[NDArray[np.int16]]:
    for start in range(0, len(samples), PIECE_SAMPLES):
        yield samples[start : start + PIECE_SAMPLES]
