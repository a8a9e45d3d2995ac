"""The model's own word that it will stop listening, taken for the deed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.phrases import same_phrase
from interject.agent.recent_speakers import RecentSpeakers
from interject.integrations.conversation.consent import NOBODY
from interject.model_runtime.protocol import Cause, EndReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.floor import Verdict
    from interject.model_runtime.protocol import Decision, ReplyEnded, ReplyStarted


class StopWish:
    """Nothing writes down what people say: to a spoken wish the model answers one of `sentences`.

    `on_wish` gets who asked, or `NOBODY`, once such an answer is whole; nobody has heard it yet.
    What the model says to written text counts as well, since an agent that says so and listens on
    would lie, and whoever writes may stop it anyway. Words put into its mouth do not count.
    `identity` is the only one whom the model hears, if it is one.
    """

    def __init__(
        self,
        sentences: tuple[str, ...],
        on_wish: Callable[[str], None],
        *,
        identity: str | None = None,
    ) -> None:
        self._sentences = sentences
        self._on_wish = on_wish
        self._identity = identity
        self._speakers = RecentSpeakers()

    def decided(self, decision: Decision) -> None:
        self._speakers.decided(decision)

    def ended(self, started: ReplyStarted, ended: ReplyEnded, _verdict: Verdict) -> None:
        """A wish counts whether the floor lets its answer be heard or not."""
        if started.cause is Cause.SAY or ended.reason is not EndReason.COMPLETE:
            return
        if same_phrase(ended.text, self._sentences):
            self._on_wish(self._asker(started))

    def _asker(self, started: ReplyStarted) -> str:
        """Whoever was loud and long in what led to the reply."""
        if self._identity is not None:
            return self._identity
        if started.cause is not Cause.MODEL:
            return NOBODY
        return self._speakers.before(started.session_id, started.seq) or NOBODY
