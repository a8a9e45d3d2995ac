"""A flood of requests is answered in parts, so that what else the process does goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.integrations.web.turnstile import Turnstile

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

HTTP: Scope = {"type": "http"}
SOCKET: Scope = {"type": "websocket"}


class Begun:
    """An app that only notes who was let in."""

    def __init__(self) -> None:
        self.names: list[int] = []

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.names.append(scope["name"])


async def receive() -> Message:
    raise AssertionError


async def send(_: Message) -> None:
    raise AssertionError


async def test_a_few_begin_in_each_turn_in_the_order_in_which_they_came() -> None:
    begun = Begun()
    turnstile = Turnstile(begun, most_begun=3)
    flood = [
        asyncio.create_task(turnstile({**HTTP, "name": name}, receive, send)) for name in range(30)
    ]
    turns, seen = 0, 0
    while len(begun.names) < len(flood):
        await asyncio.sleep(0)
        turns += 1
        assert len(begun.names) - seen <= 3, "sound would wait for the others"
        seen = len(begun.names)
    assert begun.names == list(range(30))
    assert turns >= 10
    await asyncio.gather(*flood)


async def test_who_has_gone_takes_no_turn_and_a_socket_waits_for_nobody() -> None:
    begun = Begun()
    turnstile = Turnstile(begun, most_begun=1)
    flood = [
        asyncio.create_task(turnstile({**HTTP, "name": name}, receive, send)) for name in range(9)
    ]
    await asyncio.sleep(0)
    for gone in flood[1:8]:
        gone.cancel()
    await turnstile({**SOCKET, "name": 100}, receive, send)
    assert begun.names == [0, 100]
    await asyncio.gather(*flood, return_exceptions=True)
    assert begun.names == [0, 100, 8]
    await turnstile({**HTTP, "name": 9}, receive, send)
    assert begun.names[-1] == 9
