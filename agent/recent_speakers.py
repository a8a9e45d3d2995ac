"""Who spoke in the chunks that led to a reply."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Decision

QUIET_DBFS = -70.0
"""Below this nobody is said to speak: dither and comfort noise lie here."""
CAUSING_CHUNKS = 5
"""What causes a reply is heard within 2 s, and decided in its last chunk or just after."""
KEPT_CHUNKS = 100
"""A reply is whole long before the 40 s are over."""
MOST_SESSIONS = 64


class RecentSpeakers:
    """Follows the decisions of one session, or of all sessions of a call."""

    def __init__(self) -> None:
        self._decisions: OrderedDict[str, deque[Decision]] = OrderedDict()

    def decided(self, decision: Decision) -> None:
        if decision.session_id not in self._decisions:
            self._decisions[decision.session_id] = deque(maxlen=KEPT_CHUNKS)
            if len(self._decisions) > MOST_SESSIONS:
                self._decisions.popitem(last=False)
        self._decisions[decision.session_id].append(decision)

    def before(self, session_id: str, seq: int) -> str | None:
        """Whoever was loud and long up to this chunk; None: nobody known."""
        spoke: Counter[str] = Counter()
        for decision in self._decisions.get(session_id, ()):
            if seq - CAUSING_CHUNKS < decision.seq <= seq:
                for speaker in decision.speakers:
                    spoke[speaker.identity] += round(speaker.level_dbfs - QUIET_DBFS)
        return max(spoke, key=lambda identity: spoke[identity], default=None)
