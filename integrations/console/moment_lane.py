"""The moments of one session on their way to one other process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.integrations.console.neighbour_messages import MomentsFollow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.console.live_session import LiveSession
    from interject.integrations.console.neighbourhood import Letter
    from interject.integrations.console.outgoing_letters import OutgoingLetters

MOST_WAITING = 256
"""Half of what a page may have waiting: a letter comes all at once."""


class MomentLane:
    """A `FeedReader`. Each letter has a number, so that whoever lacks one knows; of a lane where
    too many moments wait the last minutes are said again instead.
    """

    def __init__(self, to: str, session: LiveSession, outgoing: OutgoingLetters) -> None:
        self.to = to
        self.session = session
        self._outgoing = outgoing
        self._waiting: list[str] = []
        self._number = 0
        self._closed = False
        session.feed.add(self)
        outgoing.due(self)

    def put(self, text: str) -> None:
        if self._number == 0:
            return
        self._waiting.append(text)
        if len(self._waiting) > MOST_WAITING:
            self.begin_anew()
        self._outgoing.due(self)

    def begin_anew(self) -> None:
        """The last minutes first."""
        self._number = 0
        self._waiting.clear()
        self._outgoing.due(self)

    def close(self) -> None:
        """What still waits is said no more."""
        self._closed = True
        self.session.feed.discard(self)

    def letters(self) -> Iterator[Letter]:
        if self._closed:
            return
        if self._number == 0:
            yield self._letter(self.session.moments())
        elif self._waiting:
            yield self._letter("\n".join(self._waiting))
        self._waiting.clear()

    def _letter(self, body: str) -> Letter:
        head = MomentsFollow(session=self.session.id, number=self._number)
        self._number += 1
        return self.to, head.model_dump_json().encode(), body.encode()
