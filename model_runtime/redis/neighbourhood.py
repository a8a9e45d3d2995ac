"""Processes of one Redis that know of each other: each has a bulletin, and a mailbox for letters.

What either says is no matter of this module.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from interject.model_runtime.redis.address import Address
from interject.model_runtime.redis.connection import ShardConnection
from interject.model_runtime.redis.errors import FAILURES, passes, raise_errors
from interject.model_runtime.redis.keys import Keys, neighbourhood_name
from interject.model_runtime.redis.node_resolver import NodeResolver
from interject.model_runtime.redis.outage import Outage
from interject.model_runtime.redis.streams import add, read, read_entries
from interject.model_runtime.redis.timings import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient

LEASE_S = 4.0
"""So long after its last bulletin a process is there no more."""
MOST_LETTERS = 1_000
"""In a mailbox, about: then the oldest go."""
LETTERS_A_READ = 256
WAIT_S = 1.0
_BEGINNING = "0-0"


class RedisNeighbourhood:
    """Whoever has the same tenant and secret is a neighbour; `token` is this process' name there.

    A letter is deleted once it was read. Each method raises `RuntimeAway` while Redis cannot be
    used, and `RuntimeFailure` where that will not pass.
    """

    def __init__(self, url: str) -> None:
        """:raises RuntimeFailure: when the URL cannot be used."""
        self._address = Address.parse(url)
        self.token = secrets.token_hex(16)
        self._name = neighbourhood_name(self._address.tenant, self._address.secret)
        self._keys = Keys(min(self._address.shards))
        resolver = NodeResolver(self._address, self._keys)
        self._saying, self._hearing = ShardConnection(resolver), ShardConnection(resolver)
        self._turn = asyncio.Lock()
        self._outage = Outage()
        self._read: list[str] = []

    async def post(self, bulletin: bytes) -> None:
        """It replaces the last one, and stands for `LEASE_S`."""
        lease_ms = milliseconds(LEASE_S)
        neighbours = self._keys.neighbours(self._name)
        lasting = ("PEXPIRE", self._mailbox(self.token), lease_ms)
        *_, there = await self._say(
            ("SET", self._keys.bulletin(self._name, self.token), bulletin, "PX", lease_ms),
            ("SADD", neighbours, self.token),
            ("PEXPIRE", neighbours, lease_ms),
            lasting,
        )
        if not there:
            opening = ("XADD", self._mailbox(self.token), "*", "h", "")
            await self._say(opening, lasting)

    async def leave(self, bulletin: bytes) -> None:
        """The last one: it still stands for a while, and nobody takes letters here any more."""
        await self.post(bulletin)
        await self._say(("DEL", self._mailbox(self.token)))

    async def bulletins(self) -> dict[str, bytes]:
        """Of all neighbours that are there, by token."""
        neighbours = self._keys.neighbours(self._name)
        (found,) = await self._say(("SMEMBERS", neighbours))
        tokens = sorted({token.decode(errors="replace") for token in found} - {self.token})
        if not tokens:
            return {}
        (texts,) = await self._say(
            ("MGET", *(self._keys.bulletin(self._name, token) for token in tokens))
        )
        pairs = dict(zip(tokens, texts, strict=True))
        gone = [token for token, text in pairs.items() if text is None]
        if gone:
            await self._say(("SREM", neighbours, *gone))
        return {token: text for token, text in pairs.items() if text is not None}

    async def send(self, letters: Sequence[tuple[str, bytes, bytes]]) -> list[bool]:
        """Each to a token, head and body. Whether it has a mailbox to lie in."""
        if not letters:
            return []
        answers = await self._say(
            *(
                add(self._mailbox(to), "*", {b"h": head, b"b": body}, longest=MOST_LETTERS)
                for to, head, body in letters
            )
        )
        return [answer is not None for answer in answers]

    async def receive(self) -> list[tuple[bytes, bytes]]:
        """Heads and bodies; none if none came within `WAIT_S`."""
        mailbox = self._mailbox(self.token)
        deleting: list[Command] = [("XDEL", mailbox, *self._read)] if self._read else []
        reading = read({mailbox: _BEGINNING}, count=LETTERS_A_READ, block_ms=milliseconds(WAIT_S))
        *_, answer = await self._exchanged(self._hearing, (*deleting, reading))
        found = [entry for _, entries in read_entries(answer) for entry in entries]
        self._read = [entry for entry, _ in found]
        return [(fields[b"h"], fields.get(b"b", b"")) for _, fields in found if fields.get(b"h")]

    async def aclose(self) -> None:
        await self._saying.aclose()
        await self._hearing.aclose()

    def _mailbox(self, token: str) -> str:
        return self._keys.mailbox(self._name, token)

    async def _say(self, *commands: Command) -> list[Any]:
        async with self._turn:
            return await self._exchanged(self._saying, commands)

    async def _exchanged(
        self, connection: ShardConnection, commands: Sequence[Command]
    ) -> list[Any]:
        async def step(client: RedisClient) -> list[Any]:
            answers = await client.exchange(commands)
            raise_errors(answers)
            return answers

        try:
            answers = await connection.run(step)
        except FAILURES as error:
            if passes(error):
                self._outage.failed(connection, error)
            raise self._address.explain(error) from None
        self._outage.worked(connection)
        return answers
