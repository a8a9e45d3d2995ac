"""Processes that know of each other, in one process and without a Redis."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeAway

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.integrations.console.neighbourhood import Letter


class FakeTown:
    """Where `away` is set nobody can be reached."""

    def __init__(self) -> None:
        self.away = False
        self.bulletins: dict[str, bytes] = {}
        self.mailboxes: dict[str, list[tuple[bytes, bytes]]] = {}
        self.sent: defaultdict[str, int] = defaultdict(int)

    def resident(self, token: str) -> FakeNeighbourhood:
        return FakeNeighbourhood(self, token)


class FakeNeighbourhood:
    """A `Neighbourhood`. `lost` letters of the next ones never arrive."""

    def __init__(self, town: FakeTown, token: str) -> None:
        self.token = token
        self.lost = 0
        self._town = town

    async def post(self, bulletin: bytes) -> None:
        self._look()
        self._town.bulletins[self.token] = bulletin
        self._town.mailboxes.setdefault(self.token, [])

    async def leave(self, bulletin: bytes) -> None:
        await self.post(bulletin)
        del self._town.mailboxes[self.token]

    async def bulletins(self) -> dict[str, bytes]:
        self._look()
        return {token: text for token, text in self._town.bulletins.items() if token != self.token}

    async def send(self, letters: Sequence[Letter]) -> list[bool]:
        self._look()
        for to, head, body in letters:
            self._town.sent[self.token] += 1
            if self.lost:
                self.lost -= 1
            elif to in self._town.mailboxes:
                self._town.mailboxes[to].append((head, body))
        return [to in self._town.mailboxes for to, *_ in letters]

    async def receive(self) -> list[tuple[bytes, bytes]]:
        await asyncio.sleep(0.005)
        self._look()
        found = self._town.mailboxes.get(self.token, [])
        taken = list(found)
        found.clear()
        return taken

    def _look(self) -> None:
        if self._town.away:
            raise RuntimeAway("nobody answers")
