"""What is noticed of a simulated peer's call while it goes on, in its own seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.cli.output.call_event import CallEvent
from interject.cli.output.server_events import DecisionCount, server_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.integrations.sockets.simulator.peer import SimulatedPeer

LOOK_S = 0.05
HUSH_S = 0.6
LOUD = 600
"""Of 32,768."""
TOLD = ("ready", "notice", "bye", "opened", "pause", "resume", "disconnect")
"""Replies and decisions are told by the server's own stream of events."""


class PeerWatch:
    """`show` gets what `wanted` lets through."""

    def __init__(
        self,
        peer: SimulatedPeer,
        wanted: Callable[[CallEvent], bool],
        show: Callable[[CallEvent], None],
    ) -> None:
        self.peer = peer
        self._wanted = wanted
        self._show = show
        self._seen = self._told = self._clears = 0
        self._loud_at_s = -HUSH_S
        self._looked = asyncio.Event()
        self.speaks = self.has_spoken = False
        self._decided = DecisionCount()

    @property
    def counts(self) -> dict[str, int]:
        return self._decided.counts

    async def follow(self, address: str, token: str, call: str) -> None:
        """Decisions, replies and cues, as the server tells them; until cancelled."""
        async for event, fields in server_events(address, token, call):
            self._decided.add(event)
            self.note(event, **fields)

    def note(self, event: str, **fields: Any) -> None:
        self._note(CallEvent(round(self.peer.now_s, 2), event, fields))

    async def look(self) -> None:
        """Until cancelled."""
        while True:
            self._listen()
            for text in self.peer.told[self._told :]:
                if text.kind in TOLD:
                    self.note(text.kind, **_shown(text.fields))
            self._told = len(self.peer.told)
            if (clears := self.peer.received["clear"]) > self._clears:
                self._clears = clears
                self.note("barge_in")
            self._looked.set()
            await asyncio.sleep(LOOK_S)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Asked after each look."""
        while not condition():
            self._looked.clear()
            await self._looked.wait()

    def _listen(self) -> None:
        heard = self.peer.heard
        for block in heard[self._seen :]:
            if np.abs(block.astype(np.int32)).max() > LOUD:
                self._loud_at_s = self.peer.now_s
        self._seen = len(heard)
        speaks = self.peer.now_s - self._loud_at_s < HUSH_S
        if speaks != self.speaks:
            self.speaks = speaks
            self.has_spoken = self.has_spoken or speaks
            self.note("agent_speaks" if speaks else "agent_is_silent")

    def _note(self, event: CallEvent) -> None:
        if self._wanted(event):
            self._show(event)


def _shown(fields: Any) -> dict[str, Any]:
    """Of what a server wrote, what is short."""
    kept = ("call", "rate_hz", "notice", "text", "reason")
    return {name: fields[name] for name in kept if name in fields}
