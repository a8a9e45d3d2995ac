"""Cue cards for named people and nobody else."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Protocol

from pydantic import Field

from interject.agent.outputs import Cue, shortened
from interject.agent.soundboard.play_cue import PlayAction, PlayCue
from interject.config.strict import StrictModel
from interject.integrations.conversation.consent import EVERYBODY
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.agent.outputs import OutputEvent

logger = logging.getLogger(__name__)

MAX_TEXT_CHARS = 2_000
"""A card is read at a glance, and LiveKit's data packet holds about 15 kB."""


class CueMessage(StrictModel):
    """The JSON of one cue. Those with a larger `priority` are shown first; 1,000 is urgent.

    `time` and `expiry` are seconds since 1970; `chunk` is the number of the 400 ms chunk that
    caused it. The same `id` again replaces the cue: its words came again, for the `count`th time,
    and `time` is the last one. `sources` say where what it states stands.
    """

    id: str = Field(min_length=1)
    category: str
    priority: int = Field(ge=0, le=1_000)
    text: str = Field(max_length=MAX_TEXT_CHARS)
    emotion: Emotion = Field(strict=False)
    chunk: int = Field(ge=-1)
    time: float
    expiry: float
    count: int = Field(default=1, ge=1)
    sources: tuple[str, ...] = Field(default=(), strict=False)


class PlayMessage(CueMessage):
    """A cue of the category `play`: a sound, under which licence it may be used and whom to credit.
    With `aloud` the agent itself plays it. With the action `stop` all sounds are to end.
    """

    action: PlayAction
    sound: str
    kind: str
    licence: str
    credit: str
    aloud: bool


class CueSender(Protocol):
    """The platform's way to some people's screens, and to nobody else's."""

    async def send_cue(self, cue: CueMessage, identities: list[str]) -> None: ...


class Cues:
    """An `Output` for cues that a `CueStack` has addressed."""

    def __init__(self, sender: CueSender, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._sender = sender
        self._wall_clock = wall_clock
        self.sent = 0
        self.unaddressed = 0

    async def emit(self, event: OutputEvent) -> None:
        """An empty list of addressees may be a broadcast to a platform, so it is never sent."""
        if not isinstance(event, Cue):
            return
        if not event.identities:
            if isinstance(event, PlayCue) and event.aloud:
                return
            if not self.unaddressed:
                logger.warning("A cue reaches nobody: none of those who are shown cues is here")
            self.unaddressed += 1
            return
        message = cue_message(event, now=self._wall_clock())
        await self._sender.send_cue(message, list(event.identities))
        self.sent += 1


def addressed(named: tuple[str, ...], present: Iterable[str]) -> list[str]:
    """Those of the named who are present; `EVERYBODY` names all who are."""
    return [identity for identity in present if not {EVERYBODY, identity}.isdisjoint(named)]


def cue_message(cue: Cue, *, now: float) -> CueMessage:
    """A cue's time in the stream means nothing to a client, so its life is counted from now."""
    message = CueMessage(
        id=cue.id,
        category=cue.category,
        priority=cue.priority,
        text=shortened(cue.text, MAX_TEXT_CHARS),
        emotion=cue.emotion,
        chunk=cue.chunk,
        time=now,
        expiry=now + (cue.expires_at_s - cue.at_s),
        count=cue.count,
        sources=cue.sources,
    )
    if not isinstance(cue, PlayCue):
        return message
    return PlayMessage(
        **message.model_dump(),
        action=cue.action,
        sound=cue.sound,
        kind=cue.kind,
        licence=cue.licence,
        credit=cue.credit,
        aloud=cue.aloud,
    )
