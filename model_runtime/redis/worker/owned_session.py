"""A session of this worker, from when it was taken over to its end.

The event loop owns it: it alone lists them (`SessionTable`) and moves their states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from interject.model_runtime.redis.worker.engine_session import EngineSession
from interject.model_runtime.redis.worker.intake import Intake
from interject.model_runtime.redis.worker.output_log import OutputLog

if TYPE_CHECKING:
    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.worker.recovery.orphaned_session import OrphanedSession

Action = Callable[[], None]


class OwnershipState(Enum):
    """What this worker does with a session.

    While it is restored, what is asked of it waits. Of one that leaves no input is read any more;
    it has left once its last snapshot is in Redis. One that ends has nothing left to do but to be
    written; of one that has ended, or is another worker's, nothing is.
    """

    ASSIGNED = "assigned"
    RESTORING = "restoring"
    SERVING = "serving"
    LEAVING = "leaving"
    LEFT = "left"
    ENDING = "ending"
    ENDED = "ended"


_MAY_FOLLOW = {
    OwnershipState.ASSIGNED: (),
    OwnershipState.RESTORING: (OwnershipState.ASSIGNED,),
    OwnershipState.SERVING: (OwnershipState.ASSIGNED, OwnershipState.RESTORING),
    OwnershipState.LEAVING: (OwnershipState.SERVING,),
    OwnershipState.LEFT: (OwnershipState.LEAVING,),
    OwnershipState.ENDING: (
        OwnershipState.ASSIGNED,
        OwnershipState.RESTORING,
        OwnershipState.SERVING,
        OwnershipState.LEAVING,
    ),
    OwnershipState.ENDED: (
        OwnershipState.RESTORING,
        OwnershipState.SERVING,
        OwnershipState.LEAVING,
        OwnershipState.LEFT,
        OwnershipState.ENDING,
    ),
}


class IllegalTransition(RuntimeError):
    """A session was moved to a state that does not follow its own: a bug of the caller."""

    def __init__(self, wanted: OwnershipState, actual: OwnershipState) -> None:
        expected = " or ".join(state.value for state in _MAY_FOLLOW[wanted]) or "no state"
        super().__init__(f"{wanted.value} follows {expected}, not {actual.value}")


@dataclass(slots=True, eq=False)
class OwnedSession:
    """`epoch` fences what is written. The first three never change.

    `engine` is the engine's thread's alone, from when the session was put into it. All else is the
    event loop's: `intake` is what was read, `log` what is to be written, `deferred` what was asked
    while it was restored. `failures` counts how often in a row it could not be written.
    """

    key: str
    options: SessionOptions
    epoch: int
    intake: Intake
    log: OutputLog
    engine: EngineSession
    state: OwnershipState = OwnershipState.ASSIGNED
    deferred: list[Action] = field(default_factory=list)
    failures: int = 0

    @classmethod
    def taken_over(cls, orphan: OrphanedSession) -> OwnedSession:
        """It goes on where its last worker stopped; a new one at its beginning."""
        return cls(
            orphan.key,
            orphan.options,
            orphan.epoch,
            Intake(orphan.cursor),
            OutputLog(
                number=orphan.number,
                written=orphan.written,
                has_journal=orphan.has_journal,
                has_snapshot=orphan.has_snapshot,
            ),
            EngineSession(orphan.options.session_id, orphan.cursor, orphan.places),
        )

    def move(self, state: OwnershipState) -> None:
        """:raises IllegalTransition: when that does not follow its state."""
        if self.state not in _MAY_FOLLOW[state]:
            raise IllegalTransition(state, self.state)
        self.state = state
