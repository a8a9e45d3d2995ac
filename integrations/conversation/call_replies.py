"""The decisions and replies of a call, told to whoever wants to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import Decision, ReplyDelta

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.floor import Verdict
    from interject.agent.outputs import OutputEvent
    from interject.integrations.conversation.reply_log import ReplyLog
    from interject.integrations.conversation.stop_wish import StopWish
    from interject.model_runtime.protocol import Event, ReplyEnded, ReplyStarted


@dataclass(frozen=True, slots=True)
class CallListener:
    """Who is told what a session does. `on_wish` gets who wants the listening to stop, and
    `on_unread` whose text the model does not take; `on_level` how loud (in dBFS) each 20 ms were
    that it hears, and `on_talked_over` is called when somebody cuts it.
    """

    on_event: Callable[[Event], None]
    on_verdict: Callable[[ReplyStarted, Verdict], None]
    on_reply: Callable[[ReplyStarted, ReplyEnded, Verdict], None]
    on_output: Callable[[OutputEvent], None]
    on_wish: Callable[[str], None]
    on_unread: Callable[[str], None]
    on_level: Callable[[float], None]
    on_talked_over: Callable[[], None]


class CallReplies:
    """Observer, `ReplyWatcher` and `Output` of one agent session."""

    def __init__(
        self,
        listener: CallListener,
        log: ReplyLog,
        wish: StopWish,
        clock: Callable[[], float],
    ) -> None:
        self._listener = listener
        self._log = log
        self._wish = wish
        self._clock = clock
        self._without_text: dict[int, float] = {}

    def observe(self, event: Event) -> None:
        match event:
            case Decision():
                self._log.decided(event)
                self._wish.decided(event)
            case ReplyDelta() if event.text and event.reply_id in self._without_text:
                self._log.first_text(self._clock() - self._without_text.pop(event.reply_id))
        self._listener.on_event(event)

    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        self._without_text[started.reply_id] = self._clock()
        self._log.started(started, verdict)
        self._listener.on_verdict(started, verdict)

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        self._without_text.pop(started.reply_id, None)
        self._log.ended(started, ended, verdict)
        self._wish.ended(started, ended, verdict)
        self._listener.on_reply(started, ended, verdict)

    def heard(self) -> None:
        """The first sound of a reply is on its way to the line."""
        self._log.heard()

    async def emit(self, event: OutputEvent) -> None:
        self._listener.on_output(event)
