"""This process' sessions as others see and operate them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.console.moment_lane import MomentLane
from interject.integrations.console.neighbour_messages import AnswerFollows, Bulletin
from interject.integrations.console.session_source import CommandRefused
from interject.integrations.console.shown_sessions import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from interject.integrations.console.live_sessions import LiveSessions
    from interject.integrations.console.neighbour_messages import FollowThese, OperateThere
    from interject.integrations.console.outgoing_letters import OutgoingLetters

logger = logging.getLogger(__name__)

FOLLOWED_S = 4.0
"""So long somebody who follows need not say so again."""
MOST_FOLLOWERS = 64
MOST_COMMANDS = 64
FAILED = "the command failed; the log of the process that serves this session says why"
BUSY = "the process that serves this session is given too many commands: nothing was changed"


@dataclass(slots=True)
class _Follower:
    """Another process, and what it is told."""

    said_at: float
    lanes: dict[str, MomentLane] = field(default_factory=dict)


class SessionSharing:
    """Nothing of a session's moments is written for anybody who does not follow it."""

    def __init__(
        self,
        own: LiveSessions,
        outgoing: OutgoingLetters,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._outgoing = outgoing
        self._clock = clock
        self._followers: dict[str, _Follower] = {}
        self._commands = 0

    def bulletin(self) -> bytes:
        own = self._own
        told = Bulletin(
            server=own.server,
            sessions=own.states,
            pulses=own.pulses,
            operators=own.operators.here,
        )
        return told.model_dump_json().encode()

    def follow(self, asked: FollowThese) -> None:
        follower = self._followers.get(asked.by)
        if follower is None:
            if len(self._followers) >= MOST_FOLLOWERS:
                return
            follower = self._followers[asked.by] = _Follower(0.0)
        follower.said_at = self._clock()
        for session in follower.lanes.keys() - set(asked.sessions):
            follower.lanes.pop(session).close()
        for session in asked.sessions:
            if (lane := follower.lanes.get(session)) is not None:
                if session in asked.anew:
                    lane.begin_anew()
            elif (live := self._own.live(session)) is not None:
                follower.lanes[session] = MomentLane(asked.by, live, self._outgoing)

    async def operate(self, asked: OperateThere) -> None:
        """It is answered in any case."""
        if self._commands >= MOST_COMMANDS:
            return self.refuse(asked, BUSY)
        self._commands += 1
        try:
            session = self._own.find(asked.session)
            if session is None:
                return self.refuse(asked, UNKNOWN)
            status = await session.operate(asked.command, asked.name)
        except CommandRefused as refused:
            return self.refuse(asked, str(refused))
        except Exception:
            logger.exception("A command of another process failed")
            return self.refuse(asked, FAILED)
        finally:
            self._commands -= 1
        self._outgoing.put(asked.by, AnswerFollows(id=asked.id, status=status))

    def refuse(self, asked: OperateThere, reason: str) -> None:
        self._outgoing.put(asked.by, AnswerFollows(id=asked.id, error=reason))

    def look(self) -> None:
        """Whoever has not said for long that he follows is told nothing more."""
        longest = self._clock() - FOLLOWED_S
        self.forget([by for by, one in self._followers.items() if one.said_at < longest])

    def forget(self, tokens: Iterable[str] | None = None) -> None:
        """Everybody, where nobody is named. Who still follows says so, and is told all anew."""
        for token in tuple(self._followers if tokens is None else tokens):
            follower = self._followers.pop(token, None)
            for lane in () if follower is None else follower.lanes.values():
                lane.close()
