"""Floor control over LiveKit: RPC methods, and participant attributes that mirror and set it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections import deque
from typing import TYPE_CHECKING, Self

from livekit import rtc

from interject.integrations.conversation.floor_control import (
    ATTRIBUTES,
    ControlRefused,
    FloorControl,
    Method,
    Refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.conversation.consent import Consent
    from interject.integrations.conversation.floor_control import Controls

logger = logging.getLogger(__name__)

BAD_REQUEST = 4_000
FORBIDDEN = 4_030
CODES = {Refusal.BAD_REQUEST: BAD_REQUEST, Refusal.FORBIDDEN: FORBIDDEN}
MAX_ECHOES = 64
SET_TIMEOUT_S = 5.0


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
        self._echoes: deque[tuple[str, str]] = deque(maxlen=MAX_ECHOES)
        self._changed = asyncio.Event()
        self._control = FloorControl(
            controls, consent, may_control=may_control, on_change=self._changed.set
        )
        self._shown: dict[str, str] = {}
        self._group = asyncio.TaskGroup()
        self._mirror: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        for method in Method:
            answer = functools.partial(self._answer, method)
            self._room.local_participant.register_rpc_method(method.value, answer)
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

    def _on_reconnected(self) -> None:
        """A server that was started anew knows nothing of them."""
        self._shown.clear()
        self._changed.set()

    def _on_attributes(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        own = participant.identity == self._room.local_participant.identity
        for name in ATTRIBUTES:
            value = changed.get(name)
            if value is None or (own and self._is_echo(name, value)):
                continue
            self._control.wish(name, value, identity=participant.identity, operator=own)
            if own:
                self._correct(name, value)

    def _correct(self, name: str, value: str) -> None:
        """Our own attributes say what holds, and not what somebody wrote there in vain."""
        if self._shown.get(name) != value:
            self._shown[name] = value
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
            state = self._control.attributes()
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
