"""A room without a server: a test lets people come, go and write."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass
class FakePublication:
    sid: str
    kind: int = rtc.TrackKind.KIND_AUDIO
    encryption_type: int = rtc.EncryptionType.NONE


@dataclass
class FakeParticipant:
    identity: str
    sid: str
    kind: int = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
    attributes: dict[str, str] = field(default_factory=dict)
    track_publications: dict[str, FakePublication] = field(default_factory=dict)


@dataclass
class FakeEncryption:
    enabled: bool = False


class FakeReader:
    """A message that arrives in pieces; the last is `None`."""

    def __init__(self, *pieces: str) -> None:
        self.closed = False
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        for piece in pieces:
            self.arrive(piece)

    def arrive(self, piece: str | None) -> None:
        self._pieces.put_nowait(piece)

    def close(self) -> None:
        self.closed = True

    async def __aiter__(self) -> AsyncIterator[str]:
        while (piece := await self._pieces.get()) is not None:
            yield piece


class FakeLocalParticipant:
    """Keeps what it was made to send: to whom, what, with which attributes."""

    identity = "agent"

    def __init__(self) -> None:
        self.sent: list[tuple[tuple[str, ...], str, dict[str, str]]] = []
        self.attributes: dict[str, str] = {}
        self.methods: dict[str, Callable[..., object]] = {}

    async def send_text(
        self,
        text: str,
        *,
        topic: str,
        destination_identities: list[str] | None = None,
        attributes: dict[str, str] | None = None,
    ) -> None:
        self.sent.append((tuple(destination_identities or ()), text, dict(attributes or {})))

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        self.attributes |= attributes

    def register_rpc_method(self, name: str, method: Callable[..., object]) -> None:
        self.methods[name] = method

    def unregister_rpc_method(self, name: str) -> None:
        del self.methods[name]


class FakeRoom(rtc.EventEmitter[str]):
    def __init__(self) -> None:
        super().__init__()
        self.remote_participants: dict[str, FakeParticipant] = {}
        self.local_participant = FakeLocalParticipant()
        self.e2ee_manager = FakeEncryption()
        self._handlers: dict[str, Callable[[Any, str], None]] = {}

    @property
    def as_room(self) -> rtc.Room:
        return cast("rtc.Room", self)

    def register_text_stream_handler(self, topic: str, handler: Callable[[Any, str], None]) -> None:
        assert topic not in self._handlers
        self._handlers[topic] = handler

    def unregister_text_stream_handler(self, topic: str) -> None:
        self._handlers.pop(topic, None)

    def come(self, identity: str, sid: str, **more: Any) -> FakeParticipant:
        participant = FakeParticipant(identity, sid, **more)
        self.remote_participants[identity] = participant
        self.emit("participant_connected", participant)
        return participant

    def publish(self, identity: str, publication: FakePublication) -> None:
        participant = self.remote_participants[identity]
        participant.track_publications[publication.sid] = publication
        self.emit("track_published", publication, participant)

    def go(self, identity: str) -> None:
        self.emit("participant_disconnected", self.remote_participants.pop(identity))

    def write(self, identity: str, *pieces: str, whole: bool = True) -> FakeReader:
        reader = FakeReader(*pieces)
        if whole:
            reader.arrive(None)
        self._handlers["lk.chat"](reader, identity)
        return reader
