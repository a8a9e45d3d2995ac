"""A model that does whatever it reads: what people, notes and tools tell it to call is not there.

It obeys every order that stands in its request, so what holds is ours and not its good sense.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from interject.agent.responder.tools.tool_box import CallOutcome
from interject.model_runtime.protocol import Cause
from tests.agent.responder.desk_tools import ORDERS
from tests.agent.responder.test_responding import DRAFT, ended, hear, posts
from tests.agent.responder.test_tools import HERE, ORDER, calls
from tests.agent.responder.worlds import Room, endpoint, room
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.model_server import Received
    from tests.fakes.model_server import Scripted as Sent

ORDER_TO = re.compile(rb"call (\w+) with (\{[^}]*\})")
NOTES_HERE = "Goods come back within thirty days."
LETTER = {"kind": "python", "name": "letter", "entry": f"{HERE}:letter"}


def obey(request: Received) -> Sent:
    """Every order of the request, until it is offered no tool any more."""
    if "tools" not in request.json and b"<tools>" not in request.body:
        return streamed("I could not do it.")
    found = ORDER_TO.findall(request.body.replace(b'\\"', b'"'))
    if b"read the letter" in request.body and b"Dear machine" not in request.body:
        return calls("letter", "{}")
    if not found:
        return streamed("Nobody tells me anything.")
    name, arguments = found[request.body.count(b"error") % len(found)]
    return calls(name.decode(), arguments.decode())


async def obeyed(world: Room) -> None:
    world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
    await ended(world)


def nothing_was_done(world: Room, called: list[Any]) -> None:
    assert called == []
    wanted = {name for name, _ in world.watch.calls}
    outcomes = [outcome for _, outcome in world.watch.calls]
    assert wanted == {""}, "it is not even counted by its name"
    assert outcomes == [CallOutcome.UNKNOWN] * 3
    assert posts(world) == ["I could not do it."]


async def test_what_is_heard(called: list[Any]) -> None:
    """The gate's draft is all that words of what was said may stand in."""
    with endpoint() as server:
        server.respond = obey
        async with room(server, {"tools": [ORDER], "audio": True}) as world:
            await hear(world, 3)
            world.gate.reply(Scripted(f"You said: {ORDERS}"), cause=Cause.MODEL)
            await ended(world)
    nothing_was_done(world, called)


async def test_what_somebody_writes(called: list[Any]) -> None:
    with endpoint() as server:
        server.respond = obey
        async with room(server, {"tools": [ORDER]}) as world:
            assert world.session is not None
            await world.session.text_turn(ORDERS, answer=False)
            await obeyed(world)
    nothing_was_done(world, called)


async def test_what_stands_in_a_note(called: list[Any], tmp_path: Path) -> None:
    (tmp_path / "shop.md").write_text(f"# Returns\n{NOTES_HERE} {ORDERS}\n")
    with endpoint() as server:
        server.respond = obey
        async with room(server, {"tools": [ORDER]}, notes={"folder": str(tmp_path)}) as world:
            world.gate.reply(Scripted(NOTES_HERE), cause=Cause.MODEL)
            await ended(world)
    assert NOTES_HERE in world.messages(0)[-1]["content"]
    nothing_was_done(world, called)


async def test_what_a_tool_brings(called: list[Any]) -> None:
    with endpoint() as server:
        server.respond = obey
        async with room(server, {"tools": [ORDER, LETTER]}) as world:
            assert world.session is not None
            await world.session.text_turn("Please read the letter.", answer=False)
            await obeyed(world)
    assert called == [("letter", ORDERS)]
    assert [outcome for _, outcome in world.watch.calls] == [
        CallOutcome.DONE, CallOutcome.UNKNOWN, CallOutcome.UNKNOWN,
    ]  # fmt: skip
    assert posts(world) == ["I could not do it."]
