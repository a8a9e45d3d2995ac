"""Switching a running agent: RPC methods, and participant attributes that mirror and set it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from livekit import rtc
from pydantic import ValidationError

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
BAD_REQUEST = 4_000
FORBIDDEN = 4_030
MAX_ECHOES = 64
SET_TIMEOUT_S = 5.0


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


Payload = TypeVar("Payload", bound=StrictModel)


class FloorControl:
    """Used with `async with` while the room is connected.

    The agent's own attributes show its mode and whether it listens, and whoever may change them
    through the server's API changes the agent. A person sets the same attributes on himself:
    `interject.mode` for the agent, `interject.listening` for his own sound alone.
    """

    def __init__(
        self,
        room: rtc.Room,
        controls: Controls,
        consent: Consent,
        *,
        may_control: Callable[[str], bool],
    ) -> None:
        self._room = room
        self._controls = controls
        self._consent = consent
        self._may_control = may_control
        self._echoes: deque[tuple[str, str]] = deque(maxlen=MAX_ECHOES)
        self._changed = asyncio.Event()
        self._shown: dict[str, str] = {}
        self._group = asyncio.TaskGroup()
        self._mirror: asyncio.Task[None] | None = None
        self._methods = {
            "interject.set_mode": self._set_mode,
            "interject.set_threshold": self._set_threshold,
            "interject.set_cap": self._set_cap,
            "interject.stop_listening": self._stop_listening,
            "interject.resume_listening": self._resume_listening,
            "interject.status": self._status,
        }

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for name, method in self._methods.items():
            self._room.local_participant.register_rpc_method(name, method)
        self._room.on("participant_attributes_changed", self._on_attributes)
        self._room.on("participant_connected", self._on_connected)
        self._room.on("reconnected", self._on_reconnected)
        self._consent.on_change = self._changed.set
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
        self._changed.set()
        self._mirror = self._group.create_task(self._show(), name="attributes")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_attributes_changed", self._on_attributes)
        self._room.off("participant_connected", self._on_connected)
        self._room.off("reconnected", self._on_reconnected)
        for name in self._methods:
            self._room.local_participant.unregister_rpc_method(name)
        if self._mirror is not None:
            self._mirror.cancel()
        await self._group.__aexit__(None, None, None)

    def status(self) -> Status:
        return Status(
            mode=self._controls.mode,
            threshold=self._controls.threshold,
            per_minute=self._controls.cap,
            listening=self._consent.listening,
            withdrawn=self._consent.withdrawn,
        )

    async def _set_mode(self, call: rtc.RpcInvocationData) -> str:
        self._allow(call)
        self._controls.set_mode(_read(call, SetMode).mode)
        return self._answer()

    async def _set_threshold(self, call: rtc.RpcInvocationData) -> str:
        self._allow(call)
        self._controls.set_threshold(_read(call, SetThreshold).threshold)
        return self._answer()

    async def _set_cap(self, call: rtc.RpcInvocationData) -> str:
        self._allow(call)
        self._controls.set_cap(_read(call, SetCap).per_minute)
        return self._answer()

    async def _stop_listening(self, call: rtc.RpcInvocationData) -> str:
        self._consent.stop(call.caller_identity, _read(call, Listening).who)
        return self._answer()

    async def _resume_listening(self, call: rtc.RpcInvocationData) -> str:
        try:
            self._consent.resume(call.caller_identity, _read(call, Listening).who)
        except PermissionError as error:
            raise rtc.RpcError(FORBIDDEN, str(error)) from error
        return self._answer()

    async def _status(self, call: rtc.RpcInvocationData) -> str:
        _read(call, Nothing)
        return self._answer()

    def _allow(self, call: rtc.RpcInvocationData) -> None:
        if not self._may_control(call.caller_identity):
            raise rtc.RpcError(FORBIDDEN, "this participant may not control the agent here")

    def _answer(self) -> str:
        self._changed.set()
        return self.status().model_dump_json()

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        """Somebody who withdrew his consent before coming is not heard from the first sample."""
        self._consent.meet(participant.identity)
        self._on_attributes(participant.attributes, participant)

    def _on_reconnected(self) -> None:
        """A server that was started anew knows nothing of them."""
        self._shown.clear()
        self._changed.set()

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        own = participant.identity == self._room.local_participant.identity
        mode, listening = changed.get(MODE_ATTRIBUTE), changed.get(LISTENING_ATTRIBUTE)
        if mode is not None and not (own and self._is_echo(MODE_ATTRIBUTE, mode)):
            self._wish_mode(mode, allowed=own or self._may_control(participant.identity))
            self._correct(own, MODE_ATTRIBUTE, mode)
        if listening is not None and not (own and self._is_echo(LISTENING_ATTRIBUTE, listening)):
            self._wish_listening(participant.identity, listening, own=own)
            self._correct(own, LISTENING_ATTRIBUTE, listening)

    def _wish_mode(self, text: str, *, allowed: bool) -> None:
        if not allowed or text not in set(FloorMode):
            logger.warning("A wish for a mode was refused", extra={"allowed": allowed})
            return
        if text != self._controls.mode:
            self._controls.set_mode(FloorMode(text))
            self._changed.set()

    def _wish_listening(self, identity: str, text: str, *, own: bool) -> None:
        scope = Scope.ROOM if own else Scope.ME
        if text == "false":
            self._consent.stop(identity, scope)
        elif text == "true":
            if own or identity in self._consent.withdrawn:
                self._consent.resume(identity, scope, authority=own)
        else:
            logger.warning("A wish about listening was refused: it is neither true nor false")

    def _correct(self, own: bool, name: str, text: str) -> None:
        """Our own attributes say what holds, and not what somebody wrote there in vain."""
        if own and self._shown.get(name) != text:
            self._shown[name] = text
            self._changed.set()

    def _is_echo(self, name: str, value: str) -> bool:
        """The room reports our own changes, too, and late: they are no wishes."""
        if (name, value) not in self._echoes:
            return False
        self._echoes.remove((name, value))
        return True

    async def _show(self) -> None:
        """Keep our attributes at what holds; the newest state wins."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            state = {
                MODE_ATTRIBUTE: self._controls.mode.value,
                LISTENING_ATTRIBUTE: "true" if self._consent.listening else "false",
            }
            news = {key: value for key, value in state.items() if self._shown.get(key) != value}
            if not news:
                continue
            self._echoes.extend(news.items())
            self._shown |= news
            try:
                async with asyncio.timeout(SET_TIMEOUT_S):
                    await self._room.local_participant.set_attributes(news)
            except Exception as error:
                logger.warning(
                    "The agent's attributes cannot be set",
                    extra={"error_type": type(error).__name__},
                )
                self._echoes.clear()


def _read(call: rtc.RpcInvocationData, model: type[Payload]) -> Payload:
    """:raises rtc.RpcError: when the payload is not the method's JSON."""
    try:
        return model.model_validate_json(call.payload or "{}")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "the payload"
        raise rtc.RpcError(BAD_REQUEST, f"{where}: {problem['msg']}") from error
