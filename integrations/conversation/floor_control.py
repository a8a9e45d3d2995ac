"""Switching a running agent by methods and attributes, whatever carries them."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import ValidationError

from interject.config.problems import in_words
from interject.config.strict import StrictModel
from interject.integrations.conversation.consent import Scope
from interject.integrations.conversation.control_messages import (
    Listening,
    Nothing,
    SetCap,
    SetMode,
    SetThreshold,
    Status,
)
from interject.model_runtime.protocol import FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.consent import Consent

logger = logging.getLogger(__name__)

MODE_ATTRIBUTE = "interject.mode"
LISTENING_ATTRIBUTE = "interject.listening"
ATTRIBUTES = (MODE_ATTRIBUTE, LISTENING_ATTRIBUTE)


class Method(StrEnum):
    """What may be called."""

    SET_MODE = "interject.set_mode"
    SET_THRESHOLD = "interject.set_threshold"
    SET_CAP = "interject.set_cap"
    STOP_LISTENING = "interject.stop_listening"
    RESUME_LISTENING = "interject.resume_listening"
    STATUS = "interject.status"


class Controls(Protocol):
    """The agent behind the methods."""

    @property
    def mode(self) -> FloorMode: ...

    @property
    def threshold(self) -> float: ...

    @property
    def cap(self) -> int | None: ...

    def set_mode(self, mode: FloorMode) -> None: ...

    def set_threshold(self, threshold: float) -> None: ...

    def set_cap(self, per_minute: int | None) -> None: ...


class Refusal(StrEnum):
    """Why a method did nothing. A platform has codes of its own for them."""

    BAD_REQUEST = "bad_request"
    FORBIDDEN = "forbidden"


class ControlRefused(Exception):
    """Its text is for whoever called."""

    def __init__(self, refusal: Refusal, reason: str) -> None:
        super().__init__(reason)
        self.refusal = refusal


Payload = TypeVar("Payload", bound=StrictModel)


class FloorControl:
    """Methods take JSON and answer with the agent's `Status` as JSON. An attribute is a wish that a
    participant sets on himself: `interject.mode` for the agent, `interject.listening` for his own
    sound alone. Set by the `operator` on the agent, the latter is for everybody's.

    `on_change` is called when what the agent shows may be another, and after each method.
    """

    def __init__(
        self,
        controls: Controls,
        consent: Consent,
        *,
        may_control: Callable[[str], bool],
        on_change: Callable[[], None],
    ) -> None:
        self._controls = controls
        self._consent = consent
        self._may_control = may_control
        self._on_change = on_change

    def status(self) -> Status:
        return Status(
            mode=self._controls.mode,
            threshold=self._controls.threshold,
            per_minute=self._controls.cap,
            listening=self._consent.listening,
            withdrawn=self._consent.withdrawn,
        )

    def attributes(self) -> dict[str, str]:
        """What the agent shows of itself."""
        return {
            MODE_ATTRIBUTE: self._controls.mode.value,
            LISTENING_ATTRIBUTE: "true" if self._consent.listening else "false",
        }

    def call(self, method: Method, payload: str, *, caller: str) -> str:
        """:raises ControlRefused: when the payload is not its JSON, or the caller may not."""
        match method:
            case Method.SET_MODE:
                self._allow(caller)
                self._controls.set_mode(_read(payload, SetMode).mode)
            case Method.SET_THRESHOLD:
                self._allow(caller)
                self._controls.set_threshold(_read(payload, SetThreshold).threshold)
            case Method.SET_CAP:
                self._allow(caller)
                self._controls.set_cap(_read(payload, SetCap).per_minute)
            case Method.STOP_LISTENING:
                self._consent.stop(caller, _read(payload, Listening).who)
            case Method.RESUME_LISTENING:
                self._resume(caller, _read(payload, Listening).who)
            case Method.STATUS:
                _read(payload, Nothing)
        self._on_change()
        return self.status().model_dump_json()

    def wish(self, name: str, value: str, *, identity: str, operator: bool) -> None:
        """An attribute was set. What cannot be granted is logged: nobody waits for an answer."""
        if name == MODE_ATTRIBUTE:
            self._wish_mode(value, allowed=operator or self._may_control(identity))
        elif name == LISTENING_ATTRIBUTE:
            self._wish_listening(value, identity, operator=operator)

    def _allow(self, caller: str) -> None:
        if not self._may_control(caller):
            raise ControlRefused(
                Refusal.FORBIDDEN, "this participant may not control the agent here"
            )

    def _resume(self, caller: str, who: Scope) -> None:
        try:
            self._consent.resume(caller, who)
        except PermissionError as error:
            raise ControlRefused(Refusal.FORBIDDEN, str(error)) from error

    def _wish_mode(self, text: str, *, allowed: bool) -> None:
        if not allowed or text not in set(FloorMode):
            logger.warning("A wish for a mode was refused", extra={"allowed": allowed})
            return
        if text != self._controls.mode:
            self._controls.set_mode(FloorMode(text))
            self._on_change()

    def _wish_listening(self, text: str, identity: str, *, operator: bool) -> None:
        scope = Scope.ROOM if operator else Scope.ME
        if text == "false":
            self._consent.stop(identity, scope)
        elif text == "true":
            if operator or identity in self._consent.withdrawn:
                self._consent.resume(identity, scope, authority=operator)
        else:
            logger.warning("A wish about listening was refused: it is neither true nor false")


def _read(payload: str, model: type[Payload]) -> Payload:
    try:
        return model.model_validate_json(payload or "{}")
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the payload"
        raise ControlRefused(Refusal.BAD_REQUEST, f"{where}: {in_words(problem)}") from error
