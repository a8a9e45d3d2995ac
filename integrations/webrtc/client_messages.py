"""What a client says on the data channel, handed to the agent of its call."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from interject import __version__
from interject.integrations.conversation.floor_control import ControlRefused, Method, Refusal
from interject.integrations.webrtc.rtvi import (
    LABEL,
    MOST_DELAY_S,
    PROTOCOL_VERSION,
    SIGNALLING,
    TRACK_STATUS,
    ClientRequest,
    Digits,
    PlayoutDelay,
    RtviMessage,
    SendText,
    TrackStatus,
    message,
    refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ABOUT = {"library": "interject", "library_version": __version__}
PREFIX = "interject."
MICROPHONE = 0
NO_DELAY = f"seconds: a number from 0 to {MOST_DELAY_S}"
ModelT = TypeVar("ModelT", bound=BaseModel)


class CalledAgent(Protocol):
    """What of a `CallAgent` a caller may use."""

    def write(self, identity: str, text: str) -> None: ...

    def digit(self, identity: str, digit: str) -> None: ...

    def rest(self, identity: str) -> None: ...

    def control(self, method: Method, payload: str, *, caller: str) -> str: ...


class CallEnd(Protocol):
    """What else a caller may ask of his call."""

    def hang_up(self) -> None: ...

    def interrupt(self) -> None: ...

    def set_receiver_delay(self, seconds: float) -> None: ...


class ClientMessages:
    """Unknown types are ignored: a later client may have more of them. What cannot be done is
    answered with an `error-response` where it was a request, else with an `error`.
    """

    def __init__(
        self, agent: CalledAgent, end: CallEnd, send: Callable[[str], None], *, identity: str
    ) -> None:
        self._agent = agent
        self._end = end
        self._send = send
        self._identity = identity

    def take(self, text: str) -> None:
        envelope = _parsed(RtviMessage, text)
        if envelope is None:
            self._refuse("a message is JSON with a type")
        elif envelope.type == SIGNALLING:
            self._signal(envelope.message)
        elif envelope.label == LABEL:
            self._handle(envelope)

    def _handle(self, envelope: RtviMessage) -> None:
        match envelope.type:
            case "client-ready":
                ready = {"version": PROTOCOL_VERSION, "about": ABOUT}
                self._send(message("bot-ready", ready, answers=envelope.id))
            case "send-text":
                self._write(_read(SendText, envelope.data))
            case "dtmf":
                self._press(_read(Digits, envelope.data))
            case "client-message":
                self._request(_read(ClientRequest, envelope.data), envelope.id)
            case "disconnect-bot":
                self._end.hang_up()

    def _signal(self, data: object) -> None:
        if not isinstance(data, dict) or data.get("type") != TRACK_STATUS:
            return
        status = _read(TrackStatus, data)
        if status is not None and status.receiver_index == MICROPHONE and not status.enabled:
            self._agent.rest(self._identity)

    def _write(self, typed: SendText | None) -> None:
        if typed is None:
            self._refuse("send-text needs a content")
        else:
            self._agent.write(self._identity, typed.content)

    def _press(self, digits: Digits | None) -> None:
        if digits is None:
            self._refuse("dtmf needs buttons: a list of keys")
            return
        for key in digits.text:
            self._agent.digit(self._identity, key)

    def _request(self, request: ClientRequest | None, message_id: str) -> None:
        if request is None:
            self._refuse("client-message needs a t")
            return
        try:
            answer = self._answer(request)
        except ControlRefused as refused:
            reason = {"t": request.t, "error": str(refused)}
            self._send(message("error-response", reason, answers=message_id))
            return
        self._send(message("server-response", {"t": request.t, "d": answer}, answers=message_id))

    def _answer(self, request: ClientRequest) -> Any:
        """:raises ControlRefused: when it is unknown, malformed or not allowed."""
        name = request.t.removeprefix(PREFIX)
        if name == "interrupt":
            self._end.interrupt()
            return None
        if name == "playout_delay":
            if (delay := _read(PlayoutDelay, request.d)) is None:
                raise ControlRefused(Refusal.BAD_REQUEST, NO_DELAY)
            self._end.set_receiver_delay(delay.seconds)
            return None
        if PREFIX + name not in set(Method):
            raise ControlRefused(Refusal.BAD_REQUEST, f"there is no {request.t!r} here")
        payload = "{}" if request.d is None else json.dumps(request.d)
        return json.loads(
            self._agent.control(Method(PREFIX + name), payload, caller=self._identity)
        )

    def _refuse(self, reason: str) -> None:
        self._send(refusal(reason))


def _parsed(model: type[ModelT], text: str) -> ModelT | None:
    try:
        return model.model_validate_json(text)
    except ValidationError:
        return None


def _read(model: type[ModelT], data: object) -> ModelT | None:
    try:
        return model.model_validate(data)
    except ValidationError:
        return None
