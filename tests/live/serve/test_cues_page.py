"""The page of cue cards in a real Chromium: token, order, urgency, keyboard, and a lost stream."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.config import load_profile
from interject.integrations.conversation.cues import CueMessage
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from interject.model_runtime.protocol import Emotion
from tests.integrations.web.served import served
from tests.live.webrtc.chromium import Chromium

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]

TOKEN = "a-token-of-some-length"
EMPTY = "document.getElementById('empty').textContent"
TEXTS = "[...document.querySelectorAll('.card > p:first-of-type')].map((card) => card.textContent)"
TOLD = "['urgent', 'polite'].map((id) => document.getElementById(id).textContent)"
LIST = "[...document.querySelectorAll('#checklists li')].map((line) => line.textContent)"


def cue(text: str, *, priority: int = 500, lasts_s: float = 60.0, count: int = 1) -> CueMessage:
    now = time.time()
    return CueMessage(
        id=text, category="note", priority=priority, text=text, emotion=Emotion.NORMAL, chunk=1,
        time=now, expiry=now + lasts_s, count=count,
    )  # fmt: skip


async def test_cards_are_shown_put_away_by_keyboard_and_come_back_with_the_stream(
    tmp_path: Path,
) -> None:
    screens = CueScreens(Bearer(TOKEN))
    app = make_app([], routers=[screens.router], origins=Origins([]))
    async with Chromium(tmp_path) as page, served(app) as url:
        await page.open(f"{url}/cues")
        await page.until("!document.getElementById('entry').hidden")
        assert (await page.run(EMPTY)).startswith("Not connected")
        for wrong in ("wrong", "tök€n"):
            await page.run("document.getElementById('wrong').textContent = ''")
            await page.run(f"document.getElementById('token').value = '{wrong}'")
            await page.run("document.getElementById('entry').requestSubmit()")
            await page.until("document.getElementById('wrong').textContent.includes('the server')")
        await page.run(f"document.getElementById('token').value = '{TOKEN}'")
        await page.run("document.getElementById('entry').requestSubmit()")
        await page.until("document.getElementById('state').textContent === 'Connected'")
        assert TOKEN not in await page.run("location.href")
        assert await page.run(EMPTY) == "No cue at the moment."

        items = (ChecklistItem("a", "<i>Greets</i>", True), ChecklistItem("b", "Thanks"))
        await screens.emit(ChecklistUpdate(items, call="CA1"))
        await page.until(f"{LIST}.length === 2")
        assert await page.run(LIST) == ["✓ Done: <i>Greets</i>", "Open: Thanks"]
        await screens.emit(ChecklistUpdate(items, call="CA1", over=True))
        await page.until(f"{LIST}.length === 1")
        await page.run("document.querySelector('#checklists button').click()")
        assert await page.run(LIST) == []

        *_, summary = CuePipeline(load_profile("default"), "<b>CA1", lambda: ["agent"]).finish()
        await screens.emit(summary)
        await page.until("document.querySelector('#summaries pre') !== null")
        assert (await page.run("document.querySelector('#summaries pre').textContent")).startswith(
            "# Call \\<b\\>CA1"
        )

        await screens.send_cue("CA1", cue("plain"), ["agent"])
        await screens.send_cue("CA1", cue("<b>urgent</b>", priority=1_000), ["agent"])
        await screens.send_cue("CA1", cue("short", lasts_s=2.0), ["agent"])
        await page.until(f"{TEXTS}.length === 3")
        assert (await page.run(TEXTS))[0] == "<b>urgent</b>", "it is text, and comes first"
        assert await page.run("document.querySelector('.card.urgent strong').textContent") == (
            "Urgent"
        )
        assert await page.run(TOLD) == ["Urgent: <b>urgent</b>", "short"]
        await page.until(f"{TEXTS}.length === 2")
        assert await page.run(TOLD) == ["Urgent: <b>urgent</b>", ""], "what was told expires, too"

        await page.run("document.querySelector('.card button').focus()")
        await page.enter()
        await page.until(f"{TEXTS}.length === 1")
        assert await page.run("document.activeElement.getAttribute('aria-label')") == "Done: plain"
        assert await page.run(TOLD) == ["", ""]

        for screen in tuple(screens._screens):
            screen.end()
        await page.until("document.getElementById('state').textContent.includes('trying again')")
        await screens.send_cue("CA1", cue("later"), ["agent"])
        await page.until("document.getElementById('state').textContent === 'Connected'")
        await page.until(f"{TEXTS}.length === 2")
        assert sorted(await page.run(TEXTS)) == ["later", "plain"], "what was put away stays away"
        (tmp_path / "cues.png").write_bytes(await page.picture())
        refused = [line for line in page.console if "Content Security Policy" in line]
        assert refused == []
        screens.close()


async def test_a_card_that_comes_again_counts_and_stays_away_once_it_was_put_away(
    tmp_path: Path,
) -> None:
    screens = CueScreens(Bearer())
    app = make_app([], routers=[screens.router], origins=Origins([]))
    async with Chromium(tmp_path) as page, served(app) as url:
        await page.open(f"{url}/cues")
        await page.until("document.getElementById('state').textContent === 'Connected'")
        await screens.send_cue("CA1", cue("smoke"), ["agent"])
        await page.until(f"{TEXTS}.length === 1")
        await page.run("document.querySelector('.card button').focus()")
        await screens.send_cue("CA1", cue("smoke", count=2), ["agent"])
        await page.until("document.querySelector('.left').textContent.startsWith('2 times, last')")
        assert await page.run(f"{TEXTS}.length") == 1
        assert await page.run("document.activeElement.textContent") == "Done", "it keeps the focus"

        await page.run("document.querySelector('.card button').click()")
        await screens.send_cue("CA1", cue("smoke", count=3), ["agent"])
        await screens.send_cue("CA1", cue("other"), ["agent"])
        await page.until(f"{TEXTS}.join() === 'other'")
        await screens.send_cue("CA1", cue("smoke", count=4, priority=1_000), ["agent"])
        await page.until(f"{TEXTS}.join() === 'smoke,other'")

        await page.call("Network.enable")
        offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        await page.call("Network.emulateNetworkConditions", offline=True, **offline)
        await page.until("document.getElementById('state').textContent === 'No network, waiting'")
        await page.run("document.querySelectorAll('.card button').forEach((one) => one.click())")
        assert (await page.run(EMPTY)).startswith("Not connected")
        await page.call("Network.emulateNetworkConditions", offline=False, **offline)
        await page.until("document.getElementById('state').textContent === 'Connected'")
        assert await page.run(f"{TEXTS}.length") == 0
        screens.close()
