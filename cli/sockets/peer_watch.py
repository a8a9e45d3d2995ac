"""What is noticed of a simulated peer's call while it goes on, in its own seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from interject.cli.output.simulation_watch import HUSH_S, SimulationWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.cli.output.call_event import CallEvent
    from interject.integrations.sockets.simulator.peer import SimulatedPeer

LOUD = 600
"""Of 32,768."""
TOLD = ("ready", "notice", "error", "bye", "opened", "pause", "resume", "disconnect")
"""Replies and decisions are told by the server's own stream of events."""


class PeerWatch(SimulationWatch):
    """`show` gets every event."""

    def __init__(self, peer: SimulatedPeer, show: Callable[[CallEvent], None]) -> None:
        super().__init__()
        self.peer = peer
        self._show = show
        self._seen = self._told = self._clears = 0
        self._loud_at_s = -HUSH_S
        self._speaks = False

    @property
    def now_s(self) -> float:
        return self.peer.now_s

    @property
    def speaks(self) -> bool:
        return self._speaks

    def keep(self, event: CallEvent) -> None:
        self._show(event)

    def look_once(self) -> None:
        self._listen()
        for text in self.peer.told[self._told :]:
            if text.kind in TOLD:
                self.note(text.kind, **_shown(text.fields))
        self._told = len(self.peer.told)
        if (clears := self.peer.received["clear"]) > self._clears:
            self._clears = clears
            self.note("barge_in")

    def _listen(self) -> None:
        heard = self.peer.heard
        for block in heard[self._seen :]:
            if np.abs(block.astype(np.int32)).max() > LOUD:
                self._loud_at_s = self.peer.now_s
        self._seen = len(heard)
        speaks = self.peer.now_s - self._loud_at_s < HUSH_S
        if speaks != self._speaks:
            self._speaks = speaks
            self.has_spoken = self.has_spoken or speaks
            self.note("agent_speaks" if speaks else "agent_is_silent")


def _shown(fields: Any) -> dict[str, Any]:
    """Of what a server wrote, what is short."""
    kept = ("call", "rate_hz", "notice", "text", "detail", "reason")
    return {name: fields[name] for name in kept if name in fields}
