"""When in a call something was heard, where several ears hear it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from interject.agent.outputs import stream_time_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Decision

MOST_SESSIONS = 1_024


class CallTime:
    """A session counts its chunks from its own beginning: that of somebody who came later has to be
    moved by as much. The first one's time is the call's. `clock` is in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began: dict[str, float] = {}

    def decided(self, decision: Decision) -> None:
        """What is decided late makes no session begin later."""
        name = decision.session_id
        began = self._clock() - stream_time_s(decision.seq)
        self._began[name] = min(began, self._began.get(name, began))
        if len(self._began) > MOST_SESSIONS:
            del self._began[next(islice(self._began, 1, None))]

    def moved(self, session_id: str, at_s: float) -> float:
        """Stream time of a session as time of the call."""
        if session_id not in self._began:
            return at_s
        first = next(iter(self._began.values()))
        return max(at_s, at_s + self._began[session_id] - first)
