"""Messages of the data channel, in the shape of RTVI: what Pipecat's clients speak."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

LABEL = "rtvi-ai"
PROTOCOL_VERSION = "2.1.0"
SIGNALLING = "signalling"
PEER_LEFT = "peerLeft"
TRACK_STATUS = "trackStatus"


class _Loose(BaseModel):
    """A later client may say more than we know of."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class RtviMessage(_Loose):
    """One message of a client. `message` is there where the type is `signalling`."""

    type: str = Field(max_length=64)
    label: str = Field(default="", max_length=64)
    id: str = Field(default="", max_length=128)
    data: Any = None
    message: Any = None


class TrackStatus(_Loose):
    """Transceiver 0 is the microphone."""

    receiver_index: int
    enabled: bool


class SendText(_Loose):
    """Typed text. Its `options` are not read: the model decides how and when it answers."""

    content: str


class ClientRequest(_Loose):
    """`t` is what is asked for, `d` what belongs to it."""

    t: str = Field(max_length=64)
    d: Any = None


MOST_KEYS = 32
MOST_DELAY_S = 5


class Digits(_Loose):
    """Keys of a telephone; clients before 2.1 send one, as `button`."""

    buttons: tuple[str, ...] = Field(default=(), max_length=MOST_KEYS)
    button: str = ""

    @property
    def text(self) -> str:
        keys = (*self.buttons, self.button)
        return "".join(key for key in keys if len(key) == 1 and key in "0123456789*#")


class PlayoutDelay(_Loose):
    """What a client's jitter buffer holds back."""

    seconds: float = Field(ge=0, le=MOST_DELAY_S, allow_inf_nan=False)


def message(kind: str, data: object = None, *, answers: str = "") -> str:
    """`answers` is the id of the message that this one answers."""
    found: dict[str, object] = {"label": LABEL, "type": kind, "id": answers}
    if data is not None:
        found["data"] = data
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def refusal(reason: str) -> str:
    """Something the client sent is not read."""
    return message("error", {"error": reason, "message": reason, "fatal": False})


def signal(kind: str) -> str:
    """To the transport of a client instead of the client."""
    return json.dumps({"type": SIGNALLING, "message": {"type": kind}}, separators=(",", ":"))
