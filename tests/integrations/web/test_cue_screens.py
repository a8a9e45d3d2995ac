"""Cards reach the screens that they are for, and a screen that comes back lacks none."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.outputs import Spoken
from interject.config import load_profile
from interject.integrations.conversation.cues import CueMessage
from interject.integrations.conversation.decision_message import DecisionMessage
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import (
    ENDING,
    FILES,
    MOST_CHECKLISTS,
    TOO_MANY,
    WAITING_EVENTS,
    CueScreens,
)
from interject.integrations.web.living_cards import MOST_CARDS
from interject.integrations.web.origins import Origins
from interject.model_runtime.protocol import Emotion, FloorMode
from tests.fakes.clock import FakeClock
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

TOKEN = "a token of an operator"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}
DECISION = DecisionMessage(
    chunk=7, time=3.2, respond=True, p_respond=0.9, mode=FloorMode.SPEAK, queued_s=0.1, speakers=()
)


def cue(name: str, *, text: str = "Offer the refund.", expiry: float = 30.0) -> CueMessage:
    return CueMessage(
        id=name, category="note", priority=500, text=text, emotion=Emotion.NORMAL, chunk=1,
        time=0.0, expiry=expiry,
    )  # fmt: skip


async def eventually(is_so: Callable[[], bool]) -> bool:
    for _ in range(500):
        if is_so():
            return True
        await asyncio.sleep(0.01)
    return False


class Stream:
    """What a page reads."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def event(self) -> tuple[str, dict[str, Any]]:
        name = ""
        async with asyncio.timeout(5):
            async for line in self._lines:
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    return name, json.loads(value)
        raise EOFError

    async def ids(self, count: int) -> list[str]:
        events = [await self.event() for _ in range(count)]
        return [data["cue"]["id"] for _, data in events]


class Desk:
    """Screens on a real socket."""

    def __init__(self) -> None:
        self.clock = FakeClock(0.0)
        self.screens = CueScreens(Bearer(TOKEN), most_screens=2, wall_clock=self.clock)
        self.app = make_app([], routers=[self.screens.router], origins=Origins([]))
        self.url = ""

    @asynccontextmanager
    async def screen(self, query: str = "") -> AsyncIterator[Stream]:
        async with (
            httpx.AsyncClient(headers=AUTHORIZED, timeout=5) as client,
            client.stream("GET", f"{self.url}/api/cues{query}") as answer,
        ):
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            stream = Stream(answer.aiter_lines())
            assert await stream.event() == ("hello", {"time": self.clock.now_s})
            yield stream


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    async with served(desk.app) as desk.url:
        yield desk
        desk.screens.close()


async def test_a_card_says_of_which_call_it_is_and_for_whom(desk: Desk) -> None:
    async with desk.screen() as screen:
        await desk.screens.send_cue("CA1", cue("one"), ["agent"])
        name, data = await screen.event()
    assert name == "cue"
    assert (data["call"], data["identities"]) == ("CA1", ["agent"])
    assert data["cue"] == json.loads(cue("one").model_dump_json())


async def test_a_screen_that_comes_back_is_shown_what_has_not_expired(desk: Desk) -> None:
    await desk.screens.send_cue("CA1", cue("over", expiry=5.0), ["agent"])
    await desk.screens.send_cue("CA1", cue("old", text="before"), ["agent"])
    await desk.screens.send_cue("CA1", cue("new"), ["agent"])
    await desk.screens.send_cue("CA1", cue("old", text="replaced"), ["agent"])
    desk.clock.advance(6.0)
    async with desk.screen() as screen:
        events = [await screen.event() for _ in range(2)]
    assert [(e["cue"]["id"], e["cue"]["text"]) for _, e in events] == [
        ("new", "Offer the refund."), ("old", "replaced"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", ["a", "b", "c"]), ("?call=CA1", ["a", "c"]), ("?call=CA1&identity=agent", ["a"])],
)
async def test_a_screen_may_ask_for_one_call_or_person(
    desk: Desk, query: str, shown: list[str]
) -> None:
    async with desk.screen(query) as screen:
        await desk.screens.send_cue("CA1", cue("a"), ["agent"])
        await desk.screens.send_cue("CA2", cue("b"), ["agent"])
        await desk.screens.send_cue("CA1", cue("c"), ["supervisor"])
        assert await screen.ids(len(shown)) == shown


async def test_a_misspelt_wish_does_not_show_every_call(desk: Desk) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        answer = await client.get(f"{desk.url}/api/cues?cal=CA1")
        other = await client.get(f"{desk.url}/api/cues?all=perhaps")
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "cal: there is no such parameter; there are call, identity, all"
    )
    assert other.json()["detail"] == "all: it must be true or false"


async def test_a_program_may_follow_decisions_and_replies_too(desk: Desk) -> None:
    said = Spoken("CA1", 0, 7, 3.2, Emotion.URGENT, "Stop.", heard_chars=5, interrupted=False)
    async with desk.screen() as page, desk.screen("?call=CA1&all=true") as program:
        await desk.screens.send_decision("CA2", DECISION)
        await desk.screens.send_decision("CA1", DECISION)
        await desk.screens.emit(said)
        await desk.screens.send_cue("CA1", cue("card"), ["agent"])
        assert await program.event() == (
            "decision", {"call": "CA1", "decision": json.loads(DECISION.model_dump_json())}
        )  # fmt: skip
        name, reply = await program.event()
        assert (name, reply["call"], reply["text"]) == ("reply.spoken", "CA1", "Stop.")
        assert await program.ids(1) == ["card"]
        assert await page.ids(1) == ["card"], "a page is shown cards alone"


async def test_a_screen_that_does_not_read_loses_the_oldest_and_holds_up_nobody(
    desk: Desk,
) -> None:
    long = "x" * 2_000
    async with desk.screen(), desk.screen("?call=CA1") as reading:
        for number in range(4_000):
            name = cue(str(number), text=long)
            await desk.screens.send_cue("CA1" if number % 1_000 == 0 else "CA2", name, ["agent"])
            if number % WAITING_EVENTS == 0:
                await asyncio.sleep(0)
        assert await reading.ids(4) == ["0", "1000", "2000", "3000"]
        assert desk.screens.dropped > 0


async def test_only_so_many_cards_are_kept(desk: Desk) -> None:
    for number in range(MOST_CARDS + 10):
        await desk.screens.send_cue("CA1", cue(str(number)), ["agent"])
    await desk.screens.send_cue("CA1", cue("last"), ["agent"])
    async with desk.screen() as screen:
        shown = await screen.ids(WAITING_EVENTS)
    assert shown[-1] == "last"


async def test_a_screen_needs_the_token_and_its_page_does_not(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url) as client:
        assert (await client.get("/api/cues")).status_code == 401
        for address, kind in zip(FILES, ("html", "javascript"), strict=True):
            answer = await client.get(address)
            assert answer.status_code == 200
            assert kind in answer.headers["content-type"]
            assert "'self'" in answer.headers["content-security-policy"]


async def test_a_page_loads_nothing_from_elsewhere_and_holds_no_inline_script(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url) as client:
        texts = [(await client.get(address)).text for address in FILES]
    assert not any("//" in text.replace("// ", "") for text in texts)
    assert "<style" not in texts[0]
    assert "<script>" not in texts[0]


async def test_only_so_many_screens_may_be_open_and_one_that_went_makes_room(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url, headers=AUTHORIZED) as client:
        async with desk.screen(), desk.screen():
            answer = await client.get("/api/cues")
            assert (answer.status_code, answer.json()) == (503, {"detail": TOO_MANY})
        assert await eventually(lambda: desk.screens.open_screens == 0)
    async with desk.screen():
        assert await eventually(lambda: desk.screens.open_screens == 1)


async def test_closing_ends_every_stream(desk: Desk) -> None:
    async with desk.screen() as screen:
        desk.screens.close()
        with pytest.raises(EOFError):
            await screen.event()
    async with httpx.AsyncClient(base_url=desk.url, headers=AUTHORIZED) as client:
        answer = await client.get("/api/cues")
    assert (answer.status_code, answer.json()) == (503, {"detail": ENDING})


def checklist(call: str, *, done: bool = False, over: bool = False) -> ChecklistUpdate:
    item = ChecklistItem("hello", "Greets by name", done)
    return ChecklistUpdate((item,), over=over, call=call, identities=("agent",))


async def test_a_screen_that_comes_is_shown_the_checklists_of_calls_that_go_on(desk: Desk) -> None:
    await desk.screens.emit(checklist("CA1"))
    await desk.screens.emit(checklist("CA1", done=True))
    await desk.screens.emit(checklist("CA2"))
    await desk.screens.emit(checklist("CA2", over=True))
    async with desk.screen("?identity=customer") as other, desk.screen() as screen:
        name, data = await screen.event()
        assert (name, data["call"], data["items"][0]["done"]) == ("checklist", "CA1", True)
        await desk.screens.emit(checklist("CA1", done=True, over=True))
        name, data = await screen.event()
        assert (name, data["over"], data["identities"]) == ("checklist", True, ["agent"])
        await desk.screens.send_cue("CA1", cue("his"), ["customer"])
        assert await other.ids(1) == ["his"], "he was not shown the checklist"


async def test_only_so_many_checklists_are_kept(desk: Desk) -> None:
    for number in range(MOST_CHECKLISTS + 1):
        await desk.screens.emit(checklist(f"CA{number}"))
    async with desk.screen("?call=CA0") as first, desk.screen("?call=CA1") as second:
        assert (await second.event())[1]["call"] == "CA1"
        await desk.screens.send_cue("CA0", cue("one"), ["agent"])
        assert await first.ids(1) == ["one"]


async def test_a_summary_is_shown_to_those_whom_it_is_for(desk: Desk) -> None:
    *_, summary = CuePipeline(load_profile("podcast_producer"), "CA1", lambda: ["agent"]).finish()
    async with desk.screen("?identity=customer") as other, desk.screen("?call=CA1") as screen:
        await desk.screens.emit(summary)
        name, data = await screen.event()
        assert (name, data["call"], data["profile"]) == ("summary", "CA1", "podcast_producer")
        await desk.screens.send_cue("CA1", cue("his"), ["customer"])
        assert await other.ids(1) == ["his"]
