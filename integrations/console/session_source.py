"""Whose sessions a console shows: this process' own, and those of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from interject.integrations.console.feed import Feed, FeedReader
    from interject.integrations.console.operator_commands import OperatorCommand
    from interject.integrations.console.session_view import SessionPulse, SessionView
    from interject.integrations.conversation.control_messages import Status

KEPT_S = 120.0
"""So long one that is over is listed, for its summary."""
HISTORY = '{"type":"history","session":"%s","moments":%s}'


class NoSuchSession(Exception):
    """Its text is for whoever asked."""


class CommandRefused(Exception):
    """Likewise."""


class WatchedSession(Protocol):
    """Wherever it is served."""

    @property
    def state(self) -> SessionView: ...

    async def moments(self) -> str:
        """The last minutes, as a list in JSON.

        :raises NoSuchSession: when whoever serves it does not say.
        """

    def attach(self, reader: FeedReader) -> None:
        """It is sent the last minutes, and then what happens."""

    def detach(self, reader: FeedReader) -> None: ...

    async def operate(self, command: OperatorCommand, by: str) -> Status | None:
        """What holds then.

        :raises CommandRefused: when it cannot be done.
        """


class SessionSource(Protocol):
    """`feed` is told which sessions there are."""

    feed: Feed

    @property
    def states(self) -> tuple[SessionView, ...]: ...

    @property
    def pulses(self) -> tuple[SessionPulse, ...]: ...

    def find(self, session_id: str) -> WatchedSession | None: ...

    def look(self) -> None:
        """Once a second: what is not told by itself."""
