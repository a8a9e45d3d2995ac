"""What a simulation shows of what the server tells of its call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.cli.output.server_events import DecisionCount, server_events
from interject.config import load_profile
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from tests.integrations.web.served import served
from tests.waiting import until

if TYPE_CHECKING:
    from interject.agent.outputs import OutputEvent


async def told(*events: OutputEvent) -> list[tuple[str, dict[str, Any]]]:
    """Of one call, until its server ends."""
    screens = CueScreens(Bearer())
    app = make_app([], routers=[screens.router], origins=Origins([]))
    async with served(app) as url, asyncio.timeout(10):
        following = asyncio.create_task(_all(url.removeprefix("http://")))
        await until(lambda: screens.open_screens == 1, "a follower")
        for event in events:
            await screens.emit(event)
        screens.close()
        return await following


async def _all(address: str) -> list[tuple[str, dict[str, Any]]]:
    return [event async for event in server_events(address, "", "CA1")]


async def test_a_checklist_and_a_summary_say_something() -> None:
    items = (ChecklistItem("a", "Greets", True), ChecklistItem("b", "Thanks"))
    *_, summary = CuePipeline(load_profile("default"), "CA1", lambda: ["agent"]).finish()
    shown = await told(
        ChecklistUpdate(items, call="CA1"),
        ChecklistUpdate(items, ticked=("a",), call="CA1"),
        summary,
    )
    assert shown[:2] == [
        ("checklist", {"done": "1 of 2"}),
        ("checklist", {"done": "1 of 2", "ticked": "Greets"}),
    ]
    name, fields = shown[2]
    assert name == "summary"
    assert {"replies": 0, "cues": 0}.items() <= fields.items()


def test_what_was_told_before_the_server_went_stays_counted() -> None:
    count = DecisionCount()
    for event in ("silent", "respond", "not_followed"):
        count.add(event)
    assert count.counts == {"decisions": 2, "respond": 1}
    count = DecisionCount()
    count.add("not_followed")
    assert count.counts == {}
