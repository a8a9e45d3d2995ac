"""What one ear of a room tells those who follow the room."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.agent.floor import Verdict
    from interject.agent.responder.tools.operator import Operator
    from interject.integrations.conversation.call_follower import FollowedCall
    from interject.integrations.livekit.realtime import RealtimeSession
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted


class EarFollowers:
    """`identity` is whose ear it is; none: everybody's. Its sessions have names that say nothing,
    and another one after each time that the runtime was lost.
    """

    def __init__(self, followers: Sequence[FollowedCall], identity: str | None) -> None:
        self._followers = followers
        self._identity = identity or ""
        self._session_id = ""

    @property
    def operator(self) -> Operator | None:
        """Who is asked before what needs a person's yes."""
        return self._followers[0].operator if self._followers else None

    def attach(self, realtime: RealtimeSession) -> None:
        if not self._followers:
            return
        realtime.on("interject_decision", self._event)
        realtime.on("interject_gap", self._event)
        realtime.on("interject_reply_started", self._started)
        realtime.on("interject_reply_delta", self._event)
        realtime.on("interject_reply_ended", self._ended)

    def _event(self, event: Event) -> None:
        self._name(event.session_id)
        for follower in self._followers:
            follower.on_event(event)

    def _started(self, started: ReplyStarted, verdict: Verdict) -> None:
        self._name(started.session_id)
        for follower in self._followers:
            follower.on_verdict(started, verdict)

    def _ended(self, _started: ReplyStarted, ended: ReplyEnded, _verdict: Verdict) -> None:
        self._event(ended)

    def _name(self, session_id: str) -> None:
        if session_id == self._session_id:
            return
        self._session_id = session_id
        for follower in self._followers:
            follower.hears(session_id, self._identity)
