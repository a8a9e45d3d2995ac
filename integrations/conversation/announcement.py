"""Telling people whether they are listened to: before it begins, and whenever that changes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from interject.config import RoomSettings

logger = logging.getLogger(__name__)

SEND_TIMEOUT_S = 5.0


def _ignore(_: Notice) -> None:
    """Whoever was not told sees it in what is shown."""


class Notice(StrEnum):
    """What somebody is told: he is heard, nobody is, only he is not, or his text is not read."""

    ANNOUNCEMENT = "announcement"
    STOPPED = "stopped"
    WITHDRAWN = "withdrawn"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Participant:
    """`visit_id` is another one each time that somebody comes."""

    identity: str
    visit_id: str


class NoticeSender(Protocol):
    """The platform's way to write to some people alone."""

    async def send_notice(self, notice: Notice, text: str, identities: list[str]) -> None: ...


class Announcement:
    """Written to everybody at first, then to each who comes later. Used with `async with`.

    Who leaves and returns, or joins again under the same identity, has come anew: a participant is
    told by his visit. What he is told is what holds for him at the moment when it is sent.

    A voice says it once, at the beginning; `text` are its words. As a `Listener` of consent it also
    learns when the room's listening stops and goes on, and tells everybody, whatever the profile
    says of announcements: who believes that nobody listens must not be wrong. It may be attached
    before it is entered.

    `timeout_s`: so long a sender may take. None where it says the words: they take their time, and
    wait for those before them. `on_failure` learns of what could not be sent.
    """

    def __init__(
        self,
        settings: RoomSettings,
        sender: NoticeSender,
        *,
        present: Callable[[], list[Participant]],
        timeout_s: float | None = SEND_TIMEOUT_S,
        on_failure: Callable[[Notice], None] = _ignore,
    ) -> None:
        self._sender = sender
        self._on_failure = on_failure
        self._timeout_s = timeout_s
        self._present = present
        self._text = settings.announcement
        self._stop_notice = settings.stop_notice
        self._withdrawn_notice = settings.withdrawn_notice
        self._written = settings.announce in ("text", "both")
        self.spoken = settings.announce in ("voice", "both")
        self._told: dict[str, str] = {}
        self._listening = True
        self._withdrawn: set[str] = set()
        self._entered = False
        self._in_order = asyncio.Lock()
        self._group = asyncio.TaskGroup()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def text(self) -> str:
        return self._text

    async def __aenter__(self) -> Self:
        """Return once those who are there have been written to."""
        await self._group.__aenter__()
        self._entered = True
        if self._written or not self._listening:
            await self._tell(self._present())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._entered = False
        for task in self._sending:
            task.cancel()
        await self._group.__aexit__(None, None, None)

    def came(self, person: Participant) -> None:
        """Somebody is here who may be heard."""
        if not self._written:
            return
        if not self._listening or self._told.get(person.identity) != person.visit_id:
            self._start(self._tell([person]))

    def left(self, person: Participant) -> None:
        """Of two who had one identity, the later may be here already."""
        if self._told.get(person.identity) == person.visit_id:
            del self._told[person.identity]

    def exclude(self, identity: str) -> None:
        """Only he is not heard, and he knows, until he is told something again."""
        self._withdrawn.add(identity)

    def include(self, identity: str) -> None:
        self._withdrawn.discard(identity)

    def stop_listening(self) -> None:
        self._listening = False
        self._tell_all()

    def resume_listening(self) -> None:
        self._listening = True
        self._tell_all()

    def _tell_all(self) -> None:
        """Before it is entered, entering it does."""
        if self._entered:
            self._start(self._tell(self._present()))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._group.create_task(work, name="announce")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    def _tell(self, people: list[Participant]) -> Coroutine[None, None, None]:
        self._told.update((person.identity, person.visit_id) for person in people)
        return self._tell_truth(people)

    async def _tell_truth(self, people: list[Participant]) -> None:
        async with self._in_order:
            if not self._listening:
                await self._send(Notice.STOPPED, self._stop_notice, people)
                return
            withdrawn = [person for person in people if person.identity in self._withdrawn]
            heard = [person for person in people if person.identity not in self._withdrawn]
            await self._send(Notice.ANNOUNCEMENT, self._text, heard)
            await self._send(Notice.WITHDRAWN, self._withdrawn_notice, withdrawn)

    async def _send(self, notice: Notice, text: str, people: list[Participant]) -> None:
        if not people:
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                identities = [person.identity for person in people]
                await self._sender.send_notice(notice, text, identities)
        except Exception as error:
            logger.warning(
                "The announcement could not be written", extra={"error_type": type(error).__name__}
            )
            self._on_failure(notice)
