"""A session of this process, as a console watches and operates it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from interject.integrations.console.operator_commands import AnswerWish, MarkCard, operate
from interject.integrations.console.session_source import HISTORY, CommandRefused
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.integrations.console.feed import FeedReader
    from interject.integrations.console.live_session import LiveSession
    from interject.integrations.console.operator_commands import OperatorCommand
    from interject.integrations.console.session_view import SessionView
    from interject.integrations.conversation.control_messages import Status
    from interject.integrations.web.living_cards import CardMark

logger = logging.getLogger(__name__)

NO_CARD = "there is no such card, or it has expired"
NO_WISH = "this is not asked any more: somebody has answered, or it took too long"
NO_AGENT = "nobody listens in this session: it has not begun, or it is over"


class MarkedScreens(Protocol):
    """Other screens that show the same cards."""

    def mark(self, cue_id: str, mark: CardMark, by: str = "") -> None: ...


class OwnSession:
    """A `WatchedSession`."""

    def __init__(self, live: LiveSession, screens: MarkedScreens | None) -> None:
        self._live = live
        self._screens = screens

    @property
    def state(self) -> SessionView:
        return self._live.state

    async def moments(self) -> str:
        return self._live.moments()

    def attach(self, reader: FeedReader) -> None:
        reader.put(HISTORY % (self._live.id, self._live.moments()))
        self._live.feed.add(reader)

    def detach(self, reader: FeedReader) -> None:
        self._live.feed.discard(reader)

    async def operate(self, command: OperatorCommand, by: str) -> Status | None:
        live = self._live
        if isinstance(command, MarkCard):
            if not live.mark(command.card, command.mark, by):
                raise CommandRefused(NO_CARD)
            if self._screens is not None:
                self._screens.mark(command.card, command.mark, by)
        elif isinstance(command, AnswerWish):
            if not live.answer(command.wish, allowed=command.do == "allow", by=by):
                raise CommandRefused(NO_WISH)
        elif live.agent is None:
            raise CommandRefused(NO_AGENT)
        else:
            try:
                await operate(live.agent, command)
            except RuntimeFailure as error:
                raise CommandRefused(str(error)) from None
        logger.info("An operator's command", extra={"call": live.call_id, "value": command.do})
        live.refresh()
        return live.state.status
