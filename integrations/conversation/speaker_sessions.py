"""The sessions of a conversation: one for everybody, or one for each who speaks."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar

from interject.integrations.conversation.consent import Listener
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.integrations.conversation.consent import Consent

logger = logging.getLogger(__name__)


class SpeakerSession(Listener, Protocol):
    """Used with `async with`. `ended` is set when it has closed, and `failure` may say why."""

    ended: asyncio.Event
    failure: Exception | None

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


S = TypeVar("S", bound=SpeakerSession)


class SpeakerSessions(Generic[S]):
    """Used with `async with`. `make` builds a session for an identity, or for everybody (None).

    `ended` is set when nothing is heard any more: the one session has closed, and `failure` says
    why if it was no good reason. With one for each speaker only the platform sets it.
    """

    def __init__(
        self,
        consent: Consent,
        make: Callable[[str | None], S],
        *,
        each: bool,
        present: Callable[[], Iterable[str]],
    ) -> None:
        self.ended = asyncio.Event()
        self.failure: Exception | None = None
        self._consent = consent
        self._make = make
        self._each = each
        self._present = present
        self._made: list[S] = []
        self._open: dict[str | None, S] = {}
        self._serving: dict[str | None, asyncio.Task[None]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Return once everybody is heard who is there.

        :raises RuntimeFailure, VoiceFailure: when the one session cannot be opened.
        """
        await self._group.__aenter__()
        try:
            if not self._each:
                await self._serve(None).wait()
                if self.failure is not None and self.ended.is_set():
                    raise self.failure
            for identity in self._present():
                self.came(identity)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._serving.values():
            task.cancel()
        await self._group.__aexit__(None, None, None)

    @property
    def made(self) -> tuple[S, ...]:
        """Also those that are being opened, or closed."""
        return tuple(self._made)

    @property
    def open(self) -> tuple[S, ...]:
        return tuple(self._open.values())

    def of(self, identity: str) -> S | None:
        """The session that hears a participant."""
        return self._open.get(identity if self._each else None)

    def came(self, identity: str) -> None:
        """Somebody is here who may be heard."""
        task = self._serving.get(identity)
        if self._each and (task is None or task.done()):
            self._serve(identity)

    def left(self, identity: str) -> None:
        if self._each and (task := self._serving.pop(identity, None)) is not None:
            task.cancel()

    def _serve(self, identity: str | None) -> asyncio.Event:
        opened = asyncio.Event()
        task = self._group.create_task(self._run(identity, opened), name="speaker-session")
        self._serving[identity] = task
        return opened

    async def _run(self, identity: str | None, opened: asyncio.Event) -> None:
        """One session from its beginning to its end; its failure is not the others'.

        Who left and came back has a new one by the time that it is closed.
        """
        session = self._make(identity)
        self._made.append(session)
        self._consent.attach(session)
        failure: Exception | None = None
        try:
            async with session:
                self._open[identity] = session
                opened.set()
                await session.ended.wait()
            failure = session.failure
        except Exception as error:
            failure = error
        finally:
            self._consent.detach(session)
            self._made.remove(session)
            if self._open.get(identity) is session:
                del self._open[identity]
            if not self._each:
                self.failure = failure
                self.ended.set()
            opened.set()
        if self._each and failure is not None:
            reason = str(failure) if isinstance(failure, RuntimeFailure) else ""
            logger.error(
                "A speaker's session failed; this speaker is not heard",
                extra={"error_type": type(failure).__name__, "reason": reason},
            )
