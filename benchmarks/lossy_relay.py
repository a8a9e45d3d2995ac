"""A bad network on the loopback device: UDP packets get lost, come late, overtake each other."""

from __future__ import annotations

import asyncio
import random
import re
from functools import partial
from typing import Self, cast

CANDIDATE = re.compile(r"^(a=candidate:\S+ \d+ udp \d+) (\S+) (\d+) (.*)$", re.MULTILINE)
Address = tuple[str, int]


class _Side(asyncio.DatagramProtocol):
    """The socket that one of the two takes for the other."""

    def __init__(self, relay: LossyRelay) -> None:
        self._relay = relay
        self.transport: asyncio.DatagramTransport
        self.across: _Side
        self.peer: Address | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, address: Address) -> None:
        self.peer = address
        self._relay.pass_on(data, self.across)

    @property
    def port(self) -> int:
        return int(self.transport.get_extra_info("sockname")[1])


def _itself(side: _Side) -> _Side:
    return side


class LossyRelay:
    """Stands between whoever made an offer and whoever answered it. Used with `async with`.

    `loss` is the share of packets that vanish, and `jitter_s` the longest delay of one: each has a
    delay of its own, so that they overtake each other. Both may be changed at any time.
    """

    def __init__(self, *, loss: float = 0.0, jitter_s: float = 0.0, seed: int = 0) -> None:
        self.loss = loss
        self.jitter_s = jitter_s
        self.passed = self.lost = 0
        self._chance = random.Random(seed)
        self._offering = _Side(self)
        self._answering = _Side(self)
        self._offering.across, self._answering.across = self._answering, self._offering

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for side in (self._offering, self._answering):
            await loop.create_datagram_endpoint(partial(_itself, side), ("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._offering.transport.close()
        self._answering.transport.close()

    def offer(self, sdp: str) -> str:
        """An offer whose maker is reached through here."""
        return self._through(sdp, self._offering, self._answering)

    def answer(self, sdp: str) -> str:
        """The answer to it."""
        return self._through(sdp, self._answering, self._offering)

    def _through(self, sdp: str, owner: _Side, shown: _Side) -> str:
        found = CANDIDATE.search(sdp)
        assert found is not None, sdp
        owner.peer = (found[2], int(found[3]))
        first = f"{found[1]} 127.0.0.1 {shown.port} {found[4]}"
        lines = [line for line in sdp.splitlines() if not line.startswith("a=candidate")]
        at = next(n for n, line in enumerate(lines) if line.startswith("a=ice-ufrag"))
        return "\r\n".join([*lines[:at], first.rstrip("\r"), *lines[at:], ""])

    def pass_on(self, data: bytes, to: _Side) -> None:
        if self._chance.random() < self.loss:
            self.lost += 1
            return
        self.passed += 1
        delay_s = self._chance.random() * self.jitter_s
        asyncio.get_running_loop().call_later(delay_s, self._send, data, to)

    @staticmethod
    def _send(data: bytes, to: _Side) -> None:
        if to.peer is not None and not to.transport.is_closing():
            to.transport.sendto(data, to.peer)
