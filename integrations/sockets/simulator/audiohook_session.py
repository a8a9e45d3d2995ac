"""AudioHook's client, without a socket: what it says, and how strictly it reads what it is told."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.integrations.twilio.simulator.mulaw import RATE_HZ, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXTERNAL, INTERNAL = "external", "internal"
NIL = "00000000-0000-0000-0000-000000000000"


class AudioHookBroken(ValueError):
    """The server broke the protocol; the text says how, as the client's `error` would."""


def offers(*channels: tuple[str, ...]) -> list[dict[str, Any]]:
    return [
        {"type": "audio", "format": "PCMU", "channels": list(one), "rate": RATE_HZ}
        for one in channels
    ]


MONITOR_OFFERS = offers((EXTERNAL, INTERNAL), (EXTERNAL,), (INTERNAL,))
CONNECTOR_OFFERS = offers((EXTERNAL,))


def _uuid4() -> str:
    return str(uuid.uuid4())


@dataclass
class AudioHookSession:
    """`may_play`: binary is the bot's voice; else the client answers it with 415."""

    session_id: str = field(default_factory=_uuid4)
    organization_id: str = field(default_factory=_uuid4)
    conversation_id: str = field(default_factory=_uuid4)
    participant_id: str = field(default_factory=_uuid4)
    media: list[dict[str, Any]] = field(default_factory=lambda: MONITOR_OFFERS)
    may_play: bool = False
    seq: int = 0
    serverseq: int = 0
    samples: int = 0
    ping_seq: int | None = None
    selected: dict[str, Any] | None = None

    @classmethod
    def probe(cls, **given: Any) -> AudioHookSession:
        """What an administrator's activation sends."""
        return cls(conversation_id=NIL, participant_id=NIL, **given)

    def text(self, kind: str, /, **parameters: Any) -> str:
        self.seq += 1
        if kind == "ping":
            self.ping_seq = self.seq
        return json.dumps(
            {
                "version": "2",
                "id": self.session_id,
                "type": kind,
                "seq": self.seq,
                "serverseq": self.serverseq,
                "position": duration(self.samples / RATE_HZ),
                "parameters": parameters,
            }
        )

    def open(self, **more: Any) -> str:
        participant = {
            "id": self.participant_id,
            "ani": "tel:+15550100" if self.participant_id != NIL else "",
            "aniName": "",
            "dnis": "",
        }
        return self.text(
            "open",
            organizationId=self.organization_id,
            conversationId=self.conversation_id,
            participant=participant,
            media=self.media,
            **more,
        )

    def sound(self, *channels: NDArray[np.int16]) -> bytes:
        """Interleaved, a byte of each channel in turn."""
        self.samples += len(channels[0])
        return encode(np.stack(channels, axis=1).reshape(-1))

    def take(self, message: str | bytes) -> dict[str, Any]:
        """:raises AudioHookBroken: for what the client would answer with an error."""
        if isinstance(message, bytes):
            if not self.may_play:
                raise AudioHookBroken("415 binary")
            return {"type": "sound", "sound": message}
        try:
            told: dict[str, Any] = json.loads(message)
            self._check(told)
        except (ValueError, KeyError, TypeError) as wrong:
            raise AudioHookBroken(f"400 {wrong!r}") from wrong
        self.serverseq = told["seq"]
        return told

    def _check(self, told: dict[str, Any]) -> None:
        if told["version"] != "2" or told["id"] != self.session_id:
            raise AudioHookBroken("400 version or id")
        if told["seq"] != self.serverseq + 1:
            raise AudioHookBroken(f"400 seq {told['seq']} after {self.serverseq}")
        if not 0 <= told["clientseq"] <= self.seq:
            raise AudioHookBroken("400 clientseq")
        parameters = told["parameters"]
        if told["type"] == "opened":
            self._select(parameters["media"])
        elif told["type"] == "pong":
            if told["clientseq"] != self.ping_seq:
                raise AudioHookBroken("409 pong without its ping")
            self.ping_seq = None
        elif told["type"] == "disconnect":
            if parameters["reason"] not in ("completed", "unauthorized", "error"):
                raise AudioHookBroken("400 reason")
        elif told["type"] not in ("closed", "event", "pause", "resume", "updated"):
            raise AudioHookBroken(f"400 type {told['type']}")

    def _select(self, media: list[dict[str, Any]]) -> None:
        if self.selected is not None or len(media) > 1:
            raise AudioHookBroken("409 opened twice, or more than one media")
        if media and media[0] not in self.media:
            raise AudioHookBroken("400 media that were not offered")
        self.selected = media[0] if media else {}


def duration(seconds: float) -> str:
    return f"PT{seconds:.3f}S"
