"""A runtime whose replies hold nobody's numbers and addresses, as far as the profile wants that."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from interject.agent.privacy.redacted_text import RedactedText
from interject.agent.rewritten_runtime import RewrittenSession

if TYPE_CHECKING:
    from interject.agent.privacy.redactor import Redactor
    from interject.model_runtime.protocol import ReplyDelta, ReplyEnded, RuntimeSession


@dataclass(slots=True)
class RedactedReply(RedactedText):
    """Its token ids say as much as its text, so they leave with it, or do not."""

    _waiting: deque[tuple[int, int, tuple[int, ...]]] = field(default_factory=deque, repr=False)

    def delta(self, delta: ReplyDelta) -> ReplyDelta:
        begins = self.raw_length
        text = self.push(delta.text)
        self._waiting.append((begins, self.raw_length, delta.token_ids))
        return replace(delta, token_ids=self.settled_ids(), text=text)

    def settled_ids(self) -> tuple[int, ...]:
        """Those whose text has left since they were asked for last."""
        ids: tuple[int, ...] = ()
        while self._waiting and self._waiting[0][1] <= self.raw_left:
            start, end, its_ids = self._waiting.popleft()
            ids += () if self._is_taken(start, end) else its_ids
        return ids

    def _is_taken(self, start: int, end: int) -> bool:
        return any(one.start < end and start < one.end for one in self.taken)


class RedactedSession(RewrittenSession[RedactedReply]):
    def __init__(self, inner: RuntimeSession, redactor: Redactor) -> None:
        super().__init__(inner, lambda: RedactedReply(redactor))

    def changed(self, delta: ReplyDelta, streamed: RedactedReply) -> ReplyDelta:
        return streamed.delta(delta)

    def rest(self, ended: ReplyEnded, streamed: RedactedReply, *, whole: bool) -> ReplyDelta:
        last = super().rest(ended, streamed, whole=whole)
        return replace(last, token_ids=streamed.settled_ids())

    def kept(self, ended: ReplyEnded, streamed: RedactedReply, *, whole: bool) -> ReplyEnded:
        return replace(ended, text=streamed.beginning(ended.text))
