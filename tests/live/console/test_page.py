"""The console's page in real Chromiums: sign-in, timeline, cues on two screens, who may what."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from interject.agent.records.store import RecordStore
from interject.model_runtime.protocol import Cause, Emotion
from tests.fakes.runtime import Scripted
from tests.integrations.console.desk import OPERATOR, VIEWER, Desk, desk
from tests.live.webrtc.chromium import Chromium, need
from tests.waiting import until

if TYPE_CHECKING:
    from interject.integrations.conversation.call_agent import CallAgent

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

AXE = Path(__file__).parents[3] / ".cache/pipecat_client/node_modules/axe-core/axe.min.js"
SERIOUS = ("serious", "critical")
CARDS = "[...document.querySelectorAll('.cards .card')].map((card) => card.textContent)"
PIXELS = "document.querySelector('canvas').toDataURL()"
CONNECTED = "document.getElementById('state').dataset.state === 'connected'"
SLIDER = "document.querySelector('.threshold input')"
FORM = "document.querySelector('form.controls-panel')"
PLAYER = "document.querySelector('#reviewed audio')"
REVIEWED = "document.querySelector('#reviewed .words')"
KEPT = {"retention": "everything", "audio": True}
PROFILE: dict[str, Any] = {"privacy": KEPT, "mode": "assist", "outputs": ("cue", "spoken")}
TEXT = "<b>Offer</b> a refund."


async def sign_in(page: Chromium, there: Desk, token: str, name: str = "") -> None:
    await page.run(f"document.getElementById('name').value = '{name}'")
    await page.run(f"document.getElementById('token').value = '{token}'")
    await page.run("document.getElementById('entry').requestSubmit()")


async def keep_hearing(there: Desk, agent: CallAgent) -> None:
    while True:
        await there.hear(agent)


async def problems(page: Chromium) -> list[str]:
    """What axe finds that keeps people out."""
    await page.run(AXE.read_text("utf-8") + "; true")
    found: Any = json.loads(await page.run("axe.run().then((found) => JSON.stringify(found))"))
    return [
        f"{one['id']}: {one['nodes'][0]['html']}"
        for one in found["violations"]
        if one["impact"] in SERIOUS
    ]


async def test_two_watch_a_session_and_one_of_them_steps_in(tmp_path: Path) -> None:
    need(AXE.exists(), "axe-core is not there: run scripts/pipecat_client.sh")
    folders = [tmp_path / "operator", tmp_path / "viewer"]
    for folder in folders:
        folder.mkdir()
    async with AsyncExitStack() as stack:
        there = await stack.enter_async_context(desk(RecordStore(tmp_path), **PROFILE))
        calls = await stack.enter_async_context(AsyncExitStack())
        agent = await calls.enter_async_context(there.call(label="+49 30 901820 47"))
        pages = [await stack.enter_async_context(Chromium(folder)) for folder in folders]
        page, other = pages
        for one in pages:
            await one.open(f"{there.url}/console")
            await one.until("!document.getElementById('sign-in').hidden")
        assert await problems(page) == []
        await sign_in(page, there, "wrong")
        await page.until("document.getElementById('wrong').textContent.includes('not the server')")
        await sign_in(page, there, OPERATOR, name="Ada")
        await sign_in(other, there, VIEWER)
        hearing = asyncio.create_task(keep_hearing(there, agent))
        stack.callback(hearing.cancel)
        for one in pages:
            await one.until(CONNECTED)
            await one.until("document.querySelector('.pane-title')?.textContent === '••• 47'")
            await one.until("document.querySelector('.figures').textContent.includes('P 10 %')")
        first = await page.run(PIXELS)
        await page.until(f"{PIXELS} !== '{first}'")

        there.model.reply(Scripted(TEXT, Emotion.URGENT), cause=Cause.MODEL)
        for one in pages:
            await one.until(f"{CARDS}.length === 1")
            assert TEXT in (await one.run(CARDS))[0], "it is text"
        assert await page.run("document.querySelector('.hidden.urgent').textContent") == TEXT
        await page.run("document.querySelector('.acknowledge').click()")
        await other.until(f"{CARDS}[0].includes('Ada sees to it')")
        assert await problems(page) == []

        await page.run(f"{SLIDER}.value = 0.9; {SLIDER}.dispatchEvent(new Event('change'))")
        await other.until("document.querySelector('output').textContent === '0.90'")
        await until(lambda: there.model.updates == [(0.9, None)], "the model to know")
        await page.run("document.querySelector('[name=mode][value=speak]').click()")
        await until(lambda: agent.controls.mode.value == "speak", "the mode")

        assert await other.run(f"[...{FORM}.elements].every((field) => field.disabled)")
        assert await other.run("document.querySelector('.dismiss').hidden")
        await other.run("document.querySelector('.dismiss').click()")
        await other.until("document.querySelector('.told').textContent.includes('may look')")
        assert len(await page.run(CARDS)) == 1
        hearing.cancel()
        await calls.aclose()
        await page.until("document.querySelector('.summary-text details')")
        await page.run("location.hash = '#review'")
        await page.until("document.querySelector('#records a')")
        await page.run("location.hash = document.querySelector('#records a').hash")
        await page.until(f"{REVIEWED}?.textContent.includes('{TEXT}')")
        await page.until("document.querySelector('#reviewed .vtt')?.href.startsWith('blob:')")
        await page.until(f"{PLAYER}?.duration > 0")
        await page.run(f"{PLAYER}.currentTime = {PLAYER}.duration")
        await page.until("document.querySelector('#reviewed .reply[aria-current]')")
        await page.run("document.querySelector('#reviewed .moment').click()")
        await page.until(f"{PLAYER}.currentTime < {PLAYER}.duration")
        assert await problems(page) == []
        for one in pages:
            assert one.console == [], "no error, and nothing that the policy forbids"
            assert OPERATOR not in await one.run("location.href")


async def test_a_session_that_is_gone_with_its_server_looks_like_it(tmp_path: Path) -> None:
    async with Chromium(tmp_path) as page, AsyncExitStack() as calls:
        await page.size(390, 844)
        async with desk(name="p" * 60) as there:
            await calls.enter_async_context(there.call("kitchen", speakers=("s" * 60,)))
            await page.open(f"{there.url}/console")
            await sign_in(page, there, OPERATOR)
            await page.until("document.querySelector('#sessions a')")
            await page.run("location.hash = document.querySelector('#sessions a').hash")
            await page.until("document.querySelector('.pane-title')?.textContent === 'kitchen'")
            await page.until(f"!{FORM}.elements[0].disabled")
            assert await page.run("document.documentElement.scrollWidth <= innerWidth")
        async with desk(port=there.port):
            await page.until("document.querySelector('.told').textContent.includes('no more')")
            assert await page.run(CONNECTED)
            assert await page.run(f"[...{FORM}.elements].every((field) => field.disabled)")
