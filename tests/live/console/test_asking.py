"""In real Chromiums: the agent asks, an operator says yes, and what the tool found is said."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.integrations.console.desk import OPERATOR, VIEWER
from tests.integrations.console.test_wishes import called, shop
from tests.live.console.test_page import AXE, CONNECTED, problems, sign_in
from tests.live.webrtc.chromium import Chromium, need

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["called"]

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ALERT = "document.getElementById('asked')"
WISH = "document.querySelector('#wishes .wish')"


async def test_an_operator_says_yes_and_a_viewer_cannot(called: list[Any], tmp_path: Path) -> None:
    need(AXE.exists(), "axe-core is not there: run scripts/pipecat_client.sh")
    folders = [tmp_path / "operator", tmp_path / "viewer"]
    for folder in folders:
        folder.mkdir()
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(shop())
        page, viewer = [await stack.enter_async_context(Chromium(folder)) for folder in folders]
        for one, token, name in ((page, OPERATOR, "Ada"), (viewer, VIEWER, "")):
            await one.open(f"{world.there.url}/console")
            await one.until("!document.getElementById('sign-in').hidden")
            await sign_in(one, world.there, token, name)
            await one.until(CONNECTED)
        await page.run("location.hash = '#review'")
        await world.asks()
        for one in (page, viewer):
            await one.until(f"{WISH}?.textContent.includes('The agent wants to call refund')")
            assert "amount5" in await one.run(f"{WISH}.textContent")
            assert "••• 67 led to it" in await one.run(f"{WISH}.textContent")
        await page.until(f"{ALERT}.textContent.includes('refund(amount=5)')")
        assert await problems(page) == []
        assert await viewer.run(f"{WISH}.querySelectorAll('button').length") == 0
        assert called == []
        await page.run(f"{WISH}.querySelector('.allow').focus()")
        await page.enter()
        for one in (page, viewer):
            await one.until(f"{WISH}.textContent.includes('refund: Ada said yes')")
        await world.ends()
        assert called == [("refund", 5)]
        assert "[1] done" in world.told
        said = "[...document.querySelectorAll('#watched .reply')].map((one) => one.textContent)"
        await viewer.until(f"{said}.some((text) => text.includes('Thank you.'))")
        await viewer.until(f"{said}.some((text) => text.includes('refund(amount=5): Ada said'))")
        for one in (page, viewer):
            assert one.console == []
