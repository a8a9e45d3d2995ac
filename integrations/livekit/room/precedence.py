"""One agent of a name in a room: who came first stays, and a later one leaves."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Self

from livekit import rtc

if TYPE_CHECKING:
    from livekit.rtc.room import EventTypes

logger = logging.getLogger(__name__)

NAME_ATTRIBUTE = "interject.agent"
NOT_ALONE = "another agent of this name is in the room already"
ASK_TIMEOUT_S = 3.0
LOOK_S = 10.0
"""How often one is asked again that came earlier and does not answer."""
SET_TIMEOUT_S = 5.0
NOT_THERE = (
    rtc.RpcError.ErrorCode.CONNECTION_TIMEOUT,
    rtc.RpcError.ErrorCode.RESPONSE_TIMEOUT,
    rtc.RpcError.ErrorCode.RECIPIENT_DISCONNECTED,
    rtc.RpcError.ErrorCode.RECIPIENT_NOT_FOUND,
    rtc.RpcError.ErrorCode.SEND_FAILED,
)
EVENTS: tuple[EventTypes, ...] = (
    "participant_connected",
    "participant_disconnected",
    "participant_attributes_changed",
    "reconnected",
)


class Precedence:
    """Used with `async with` on a connected room. Our agents know each other by an attribute.

    A participant whose process was killed stands in the room for half a minute; so whoever came
    earlier has to answer, or it does not count.
    """

    def __init__(self, room: rtc.Room, name: str) -> None:
        self._room = room
        self._name = name
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        for event in EVENTS:
            self._room.on(event, self._on_change)
        try:
            async with asyncio.timeout(SET_TIMEOUT_S):
                await self._room.local_participant.set_attributes({NAME_ATTRIBUTE: self._name})
        except Exception as error:
            logger.warning(
                "Other agents of this name will not notice this one",
                extra={"error_type": type(error).__name__},
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        for event in EVENTS:
            self._room.off(event, self._on_change)

    async def lost(self) -> bool:
        """Whether an agent of this name came earlier and answers."""
        for other in self._earlier():
            if await self._answers(other.identity):
                logger.warning(
                    "Another agent of this name is in the room already, so this one leaves",
                    extra={"lk.pii.participant_identity": other.identity},
                )
                return True
        return False

    async def until_lost(self) -> None:
        while not await self.lost():
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S if self._earlier() else None):
                    await self._changed.wait()

    def _earlier(self) -> list[rtc.RemoteParticipant]:
        """First those who came first."""
        own = _rank(self._room.local_participant)
        others = self._room.remote_participants.values()
        named = [one for one in others if one.attributes.get(NAME_ATTRIBUTE) == self._name]
        return sorted((one for one in named if _rank(one) < own), key=_rank)

    async def _answers(self, identity: str) -> bool:
        """An agent that has only begun knows no methods yet, and says so."""
        try:
            async with asyncio.timeout(ASK_TIMEOUT_S):
                await self._room.local_participant.perform_rpc(
                    destination_identity=identity, method="interject.status", payload="{}"
                )
        except TimeoutError:
            return False
        except rtc.RpcError as error:
            return error.code not in NOT_THERE
        return True

    def _on_change(self, *_: object) -> None:
        self._changed.set()


def _rank(participant: rtc.Participant) -> tuple[float, str]:
    joined = participant.joined_at
    return (joined.timestamp() if joined is not None else float("inf"), participant.sid)
