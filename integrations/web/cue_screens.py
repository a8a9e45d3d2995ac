"""Cue cards on people's screens, in a browser: a page, and a stream of events that it reads.

A program may follow decisions and replies there, too.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import StreamingResponse

from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.summary import CallSummary
from interject.agent.outputs import Cue
from interject.config.strict import StrictModel
from interject.integrations.conversation.decision_message import DecisionMessage
from interject.integrations.web.guarded_route import guarded
from interject.integrations.web.living_cards import CueCard, LivingCards
from interject.integrations.web.page_files import page_router
from interject.integrations.web.webhook_event import webhook_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Container

    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.web.bearer import Bearer
    from interject.integrations.web.living_cards import CardMark

KEEP_ALIVE_S = 15.0
"""Proxies cut what is silent for a minute."""
WAITING_EVENTS = 64
MOST_CHECKLISTS = 1_024
MOST_SCREENS = 256
TOO_MANY = "too many screens are open; close some"
ENDING = "the server is about to stop; come back in a moment"
PARAMETERS = ("call", "identity", "all")
PAGE = Path(__file__).parent / "page"
FILES = {"/cues": "cues.html", "/cues/page.js": "cues.js"}


class CallDecision(StrictModel):
    """One decision, and of which call."""

    call: str
    decision: DecisionMessage


class CueScreens:
    """Who connects is shown every card that has not expired: a screen that comes back lacks none.

    A screen that reads too slowly loses the oldest of what waits for it; `dropped` counts these.
    So is the checklist of every call that has not ended. Decisions and replies go to those that ask
    for all, as they come, and are not kept.
    """

    def __init__(
        self,
        bearer: Bearer,
        *,
        most_screens: int = MOST_SCREENS,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._most_screens = most_screens
        self._wall_clock = wall_clock
        self._cards = LivingCards(wall_clock=wall_clock)
        self._checklists: dict[str, ChecklistUpdate] = {}
        self._screens: set[_Screen] = set()
        self._closed = False
        self.dropped = 0
        api = APIRouter(route_class=guarded(bearer))
        api.get("/api/cues")(self._open)
        self.router = page_router(PAGE, FILES)
        self.router.include_router(api)

    @property
    def open_screens(self) -> int:
        return len(self._screens)

    async def send_cue(self, call_id: str, cue: CueMessage, identities: list[str]) -> None:
        """It never waits for a screen. The same id again replaces the card."""
        self._show(self._cards.put(CueCard(call=call_id, identities=tuple(identities), cue=cue)))

    def mark(self, cue_id: str, mark: CardMark, by: str = "") -> None:
        """Somebody has seen to a card elsewhere: whoever is shown it is shown that, too."""
        if (card := self._cards.mark(cue_id, mark, by)) is not None:
            self._show(card)

    async def send_decision(self, call_id: str, decision: DecisionMessage) -> None:
        if self._is_followed:
            told = CallDecision(call=call_id, decision=decision)
            self._tell_all("decision", call_id, told.model_dump_json())

    async def emit(self, event: OutputEvent) -> None:
        """A reply, a checklist or a summary, as a webhook has it. Cues come by `send_cue`, with
        those they are for.
        """
        if isinstance(event, ChecklistUpdate):
            self._show_checklist(event)
        elif isinstance(event, CallSummary):
            self._show_report("summary", event)
        elif self._is_followed and not isinstance(event, Cue):
            told = webhook_event(event, now=self._wall_clock())
            self._tell_all(told.type, event.session_id, to_json(told.data).decode())

    def _show(self, card: CueCard) -> None:
        for screen in self._screens:
            self.dropped += screen.show(card)

    def _show_checklist(self, update: ChecklistUpdate) -> None:
        self._checklists.pop(update.call, None)
        if not update.over:
            self._checklists[update.call] = update
        if len(self._checklists) > MOST_CHECKLISTS:
            del self._checklists[next(iter(self._checklists))]
        self._show_report("checklist", update)

    def _show_report(self, name: str, report: ChecklistUpdate | CallSummary) -> None:
        for screen in self._screens:
            self.dropped += screen.show_report(name, report)

    @property
    def _is_followed(self) -> bool:
        return any(screen.wants_all for screen in self._screens)

    def _tell_all(self, name: str, call_id: str, data: str) -> None:
        for screen in self._screens:
            self.dropped += screen.tell(call_id, _event(name, data))

    def forget(self, calls: Container[str]) -> int:
        """No screen that comes is shown anything of these calls."""
        lists = [call for call in self._checklists if call in calls]
        for call in lists:
            del self._checklists[call]
        return self._cards.forget(calls) + len(lists)

    def close(self) -> None:
        """End what is streamed, so that a server can end; pages come back by themselves."""
        self._closed = True
        for screen in self._screens:
            screen.end()

    async def _open(
        self,
        request: Request,
        call: str | None = None,
        identity: str | None = None,
        all: bool = False,
    ) -> StreamingResponse:
        """Of one call, or for one person, where the page asks for that. A misspelt wish must not
        show what it was to leave out.
        """
        if unknown := sorted(request.query_params.keys() - PARAMETERS):
            said = (
                f"{unknown[0][:64]}: there is no such parameter; there are {', '.join(PARAMETERS)}"
            )
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, said)
        if self._closed:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, ENDING)
        if len(self._screens) >= self._most_screens:
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, TOO_MANY)
        screen = _Screen(call, identity, wants_all=all)
        return StreamingResponse(
            self._events(screen),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def _events(self, screen: _Screen) -> AsyncIterator[str]:
        """A page's clock may be wrong, so it is told ours."""
        self._screens.add(screen)
        try:
            yield _event("hello", f'{{"time":{self._wall_clock():.3f}}}')
            for card in self._cards.living():
                screen.show(card)
            for update in self._checklists.values():
                screen.show_report("checklist", update)
            async for text in screen.events():
                yield text
        finally:
            self._screens.discard(screen)


class _Screen:
    def __init__(self, call: str | None, identity: str | None, *, wants_all: bool) -> None:
        self._call = call
        self._identity = identity
        self.wants_all = wants_all
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()

    def show(self, card: CueCard) -> int:
        """How many events were dropped for it."""
        if self._is_for_others(card.identities):
            return 0
        return self._put(card.call, _event("cue", card.model_dump_json()))

    def show_report(self, name: str, report: ChecklistUpdate | CallSummary) -> int:
        if self._is_for_others(report.identities):
            return 0
        return self._put(report.call, _event(name, to_json(report).decode()))

    def tell(self, call_id: str, event: str) -> int:
        """The same, of what only those get that want all."""
        return self._put(call_id, event) if self.wants_all else 0

    def _put(self, call_id: str, event: str) -> int:
        if self._call not in (None, call_id):
            return 0
        self._waiting.put_nowait(event)
        if self._waiting.qsize() <= WAITING_EVENTS:
            return 0
        self._waiting.get_nowait()
        return 1

    def end(self) -> None:
        self._waiting.put_nowait(None)

    async def events(self) -> AsyncIterator[str]:
        while True:
            try:
                async with asyncio.timeout(KEEP_ALIVE_S):
                    event = await self._waiting.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if event is None:
                return
            yield event

    def _is_for_others(self, identities: tuple[str, ...]) -> bool:
        return self._identity is not None and self._identity not in identities


def _event(name: str, data: str) -> str:
    return f"event: {name}\ndata: {data}\n\n"
