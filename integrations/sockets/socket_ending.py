"""What a socket ended by, and how its other side is told."""

from __future__ import annotations

from enum import StrEnum

from interject.integrations.web.audio_socket import (
    FAULT,
    GOING_AWAY,
    NORMAL,
    NOT_UNDERSTOOD,
    POLICY_VIOLATION,
    TRY_AGAIN,
)

HANG_UPS = (1000, 1005)
"""What a peer closes with that means it; any other code is a network's or a process's end."""


class SocketEnding(StrEnum):
    """`hung_up` and `cut` are the other side's; all others are ours."""

    HUNG_UP = "hung_up"
    CUT = "cut"
    AGENT_LEFT = "agent_left"
    AGENT_LOST = "agent_lost"
    NO_AGENT = "no_agent"
    SLOW_READER = "slow_reader"
    SILENT = "silent"
    REFUSED = "refused"
    REPLACED = "replaced"
    UNAUTHORIZED = "unauthorized"
    FAULT = "fault"

    @property
    def may_come_back(self) -> bool:
        """Whether the call may go on over another socket."""
        return self in (SocketEnding.CUT, SocketEnding.SLOW_READER, SocketEnding.REPLACED)

    @property
    def closing(self) -> tuple[int, str]:
        """Code and reason."""
        return _CLOSINGS[self]


_CLOSINGS = {
    SocketEnding.HUNG_UP: (NORMAL, "the call is over"),
    SocketEnding.CUT: (NORMAL, "the call is over"),
    SocketEnding.AGENT_LEFT: (GOING_AWAY, "the agent has left the call"),
    SocketEnding.AGENT_LOST: (FAULT, "the agent was lost"),
    SocketEnding.NO_AGENT: (TRY_AGAIN, "no agent can take this call now"),
    SocketEnding.SLOW_READER: (POLICY_VIOLATION, "the socket is read too slowly"),
    SocketEnding.SILENT: (POLICY_VIOLATION, "nothing came for too long"),
    SocketEnding.REFUSED: (NOT_UNDERSTOOD, "the messages cannot be used"),
    SocketEnding.REPLACED: (NORMAL, "another socket of this call has taken its place"),
    SocketEnding.UNAUTHORIZED: (POLICY_VIOLATION, "who calls is not known"),
    SocketEnding.FAULT: (FAULT, "something went wrong on the server"),
}
