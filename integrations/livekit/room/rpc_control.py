"""Floor control over LiveKit: RPC methods, and participant attributes that set it."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Self

from livekit import rtc

from interject.integrations.conversation.floor_control import (
    ATTRIBUTES,
    ControlRefused,
    FloorControl,
    Method,
    Refusal,
)
from interject.integrations.livekit.room.own_attributes import OwnAttributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.consent import Consent
    from interject.integrations.conversation.floor_control import Controls

BAD_REQUEST = 4_000
FORBIDDEN = 4_030
CODES = {Refusal.BAD_REQUEST: BAD_REQUEST, Refusal.FORBIDDEN: FORBIDDEN}


class RpcControl:
    """Used with `async with` while the room is connected.

    The agent's own attributes show its mode and whether it listens, and whoever may change them
    through the server's API changes the agent.
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
        self._consent = consent
        self._own = OwnAttributes(room, lambda: self._control.attributes())
        self._control = FloorControl(
            controls, consent, may_control=may_control, on_change=self._own.changed
        )
        self._group = asyncio.TaskGroup()
        self._mirror: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for method in Method:
            answer = functools.partial(self._answer, method)
            self._room.local_participant.register_rpc_method(method.value, answer)
        self._room.on("participant_attributes_changed", self._on_attributes)
        self._room.on("participant_connected", self._on_connected)
        self._room.on("reconnected", self._own.forgotten)
        self._consent.on_change = self._own.changed
        for participant in self._room.remote_participants.values():
            self._on_connected(participant)
        self._mirror = self._group.create_task(self._own.keep(), name="attributes")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._room.off("participant_attributes_changed", self._on_attributes)
        self._room.off("participant_connected", self._on_connected)
        self._room.off("reconnected", self._own.forgotten)
        for method in Method:
            self._room.local_participant.unregister_rpc_method(method.value)
        if self._mirror is not None:
            self._mirror.cancel()
        await self._group.__aexit__(None, None, None)

    async def _answer(self, method: Method, call: rtc.RpcInvocationData) -> str:
        try:
            return self._control.call(method, call.payload, caller=call.caller_identity)
        except ControlRefused as refused:
            raise rtc.RpcError(CODES[refused.refusal], str(refused)) from refused

    def _on_connected(self, participant: rtc.RemoteParticipant) -> None:
        """Somebody who withdrew his consent before coming is not heard from the first sample."""
        self._consent.meet(participant.identity)
        self._on_attributes(participant.attributes, participant)

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        own = participant.identity == self._room.local_participant.identity
        for name in ATTRIBUTES:
            value = changed.get(name)
            if value is None or (own and self._own.is_echo(name, value)):
                continue
            self._control.wish(name, value, identity=participant.identity, operator=own)
            if own:
                self._own.correct(name, value)
