"""What is noticed of a simulated call while it goes on, with times in its own seconds."""

from __future__ import annotations

import bisect
import math
from typing import TYPE_CHECKING

from interject.cli.output.call_event import CallEvent
from interject.cli.output.simulation_watch import HUSH_S, SimulationWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.twilio.simulator.call import SimulatedCall
    from interject.integrations.twilio.simulator.twiml import TwimlVerb

ROUNDING_S = 0.01
LONGEST_DETAIL = 300


class CallWatch(SimulationWatch):
    """`show` gets every event, in the order of their times: that a voice has ended is known
    `HUSH_S` later.
    """

    def __init__(self, call: SimulatedCall, show: Callable[[CallEvent], None]) -> None:
        super().__init__()
        self._call = call
        self._show = show
        self._verbs = self._alerts = self._streams = self._clears = 0
        self._is_open = False
        self._waiting: list[CallEvent] = []
        self._voice_from_s: float | None = None

    @property
    def now_s(self) -> float:
        return self._call.now_s

    @property
    def speaks(self) -> bool:
        return self._voice_from_s is not None

    def keep(self, event: CallEvent) -> None:
        bisect.insort(self._waiting, event, key=lambda one: one.at_s)

    def finish(self) -> None:
        """Show what waits for earlier events."""
        self._show_until(math.inf)

    def look_once(self) -> None:
        for verb in self._call.script.followed[self._verbs :]:
            self._verbs += 1
            self.note("twiml", **_shown(verb))
        self._look_at_streams()
        for alert in self._call.alerts[self._alerts :]:
            self._alerts += 1
            detail = " ".join(alert.detail.split())[:LONGEST_DETAIL]
            self.note("twilio_error", code=alert.code.value, detail=detail)
        now_s = self._call.now_s
        self._listen()
        self._show_until(now_s - HUSH_S - ROUNDING_S)

    def _show_until(self, at_s: float) -> None:
        while self._waiting and self._waiting[0].at_s < at_s:
            self._show(self._waiting.pop(0))

    def _look_at_streams(self) -> None:
        streams = self._call.streams
        if not streams:
            return
        stream = streams[-1]
        is_open = stream.began.is_set() and not stream.ended.is_set()
        if is_open != self._is_open:
            self._is_open = is_open
            tracks = {"tracks": ", ".join(stream.order.tracks)}
            self.note("stream_opened" if is_open else "stream_closed",
                      **(tracks if is_open else {"code": stream.close_code}))  # fmt: skip
        if (clears := stream.received["clear"]) > self._clears:
            self._clears = clears
            self.note("barge_in")

    def _listen(self) -> None:
        """When the agent's voice begins and ends on a two-way stream."""
        call = self._call
        if not (call.streams and call.stream.order.two_way):
            return
        now_s = call.now_s
        heard_s = call.heard_after(max(0.0, now_s - HUSH_S))
        if self._voice_from_s is None and heard_s is not None:
            self._voice_from_s, self.has_spoken = heard_s, True
            self.keep(CallEvent(round(heard_s, 2), "agent_speaks"))
        elif self._voice_from_s is not None and heard_s is None:
            self.keep(CallEvent(round(max(0.0, now_s - HUSH_S), 2), "agent_is_silent"))
            self._voice_from_s = None


def _shown(verb: TwimlVerb) -> dict[str, str]:
    text = verb.text or ", ".join(noun.text for noun in verb.nouns if noun.text)
    return {"verb": verb.name, "text": text} if text else {"verb": verb.name}
