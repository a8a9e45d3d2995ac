"""The replies of a session, from their first word to the last one that was heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from interject.agent.floor import Verdict
from interject.agent.outputs import Spoken, Unvoiced
from interject.integrations.console.moments import ReplyMoment, ReplyStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import ReplyDelta, ReplyEnded, ReplyStarted

TOLD_EVERY_S = 0.2
"""While a reply grows: a model writes faster than anybody reads."""


class ReplyTracker:
    """`on_change` gets each reply as it is now. `ear_of` names whose session an id is.

    What is neither heard nor shown is told of without its words.
    """

    def __init__(
        self,
        session: str,
        ear_of: Callable[[str], str],
        on_change: Callable[[ReplyMoment], None],
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._ear_of = ear_of
        self._on_change = on_change
        self._wall_clock = wall_clock
        self._open: dict[tuple[str, int], ReplyMoment] = {}
        self._told_at = 0.0
        self.count = 0

    @property
    def any_spoken(self) -> bool:
        """Whether something may be on its way to somebody's ear."""
        return any(reply.spoken for reply in self._open.values())

    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        self.count += 1
        moment = ReplyMoment(
            session=self._session,
            ear=self._ear_of(started.session_id),
            reply=started.reply_id,
            chunk=started.seq,
            time=self._wall_clock(),
            emotion=started.emotion,
            cause=started.cause,
            verdict=verdict,
        )
        self._open[started.session_id, started.reply_id] = moment
        self._on_change(moment)

    def grew(self, delta: ReplyDelta) -> None:
        key = (delta.session_id, delta.reply_id)
        reply = self._open.get(key)
        if reply is None or not delta.text or reply.verdict is Verdict.SUPPRESS:
            return
        now = self._wall_clock()
        first = reply.first_text_s is None
        since = round(now - reply.time, 3) if reply.first_text_s is None else reply.first_text_s
        grown = reply.model_copy(update={"text": reply.text + delta.text, "first_text_s": since})
        self._open[key] = grown
        if first or now - self._told_at >= TOLD_EVERY_S:
            self._told_at = now
            self._on_change(grown)

    def ended(self, ended: ReplyEnded) -> None:
        """Of one that is spoken more follows, unless it has no words."""
        reply = self._open.get((ended.session_id, ended.reply_id))
        if reply is None:
            return
        text = "" if reply.verdict is Verdict.SUPPRESS else ended.text
        stage = ReplyStage.WHOLE if reply.spoken and text.strip() else ReplyStage.OVER
        heard = len(text) if reply.verdict is Verdict.SHOW else reply.heard_chars
        self._change(ended.session_id, reply, text=text, stage=stage, heard_chars=heard)

    def saying(self, reply_id: int, heard_chars: int) -> None:
        """There is one voice in a call, so of all ears' replies one of this number is spoken."""
        for (session_id, number), reply in tuple(self._open.items()):
            if number == reply_id and reply.spoken and heard_chars > reply.heard_chars:
                self._change(session_id, reply, heard_chars=heard_chars)

    def made_known(self, event: Spoken | Unvoiced) -> None:
        """What became of it in the end. A reply that could not be said is read instead."""
        reply = self._open.get((event.session_id, event.reply_id))
        if reply is None:
            return
        said = event if isinstance(event, Spoken) else None
        self._change(
            event.session_id,
            reply,
            text=event.text,
            stage=ReplyStage.OVER,
            heard_chars=len(event.text) if said is None else said.heard_chars,
            interrupted=said is not None and said.interrupted,
        )

    def close(self) -> None:
        """The session is over: what is open stays as it is."""
        for (session_id, _), reply in tuple(self._open.items()):
            self._change(session_id, reply, stage=ReplyStage.OVER)

    def _change(self, session_id: str, reply: ReplyMoment, **now: object) -> None:
        changed = reply.model_copy(update=now)
        key = (session_id, reply.reply)
        if changed.stage is ReplyStage.OVER:
            changed = changed.model_copy(update={"ended": self._wall_clock()})
            self._open.pop(key, None)
        else:
            self._open[key] = changed
        self._on_change(changed)
