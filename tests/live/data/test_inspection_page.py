"""The page of a data set in a real Chromium, from a file, without any network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from interject.training.streams.ability import Ability
from tests.live.webrtc.chromium import Chromium
from tests.training.dataset.test_page import HOSTILE, page_of, with_text
from tests.training.dataset.worlds import noise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.live, pytest.mark.timeout(180)]


@pytest.mark.parametrize("width", [1_280, 400])
async def test_a_page_is_played_and_looked_through(tmp_path: Path, width: int) -> None:
    first = replace(with_text(HOSTILE), sound=noise(16_000 * 8))
    second = replace(first, stream_id="b", ability=Ability.PROACTIVE, sound=noise(20_000))
    path = tmp_path / "page.html"
    path.write_text(page_of(first, second, name=HOSTILE), encoding="utf-8")
    async with Chromium(tmp_path, size=f"{width},900") as page:
        await page.open(path.as_uri())
        await page.until("[...document.querySelectorAll('audio')].every((a) => a.readyState > 0)")
        assert await page.run("document.querySelector('audio').duration") == pytest.approx(8.0)
        assert await page.run("document.documentElement.scrollWidth <= innerWidth")
        assert await page.run("document.querySelectorAll('script, img, iframe').length") == 1

        await page.run("document.querySelector('audio').play()")
        await page.until("parseFloat(document.querySelector('.head').getAttribute('x1')) > 0")
        await page.run("document.querySelector('audio').pause()")
        await page.run(
            "(() => { const box = document.querySelector('.timeline').getBoundingClientRect();"
            " document.querySelector('.timeline').dispatchEvent(new MouseEvent('click',"
            " {clientX: box.left + box.width / 2, bubbles: true})); })()"
        )
        await page.until("Math.abs(document.querySelector('audio').currentTime - 4) < 0.1")

        await page.run("document.getElementById('ability').value = 'proactive'")
        await page.run("document.getElementById('ability').dispatchEvent(new Event('change'))")
        shown = "[...document.querySelectorAll('article')].map((card) => card.hidden)"
        assert await page.run(shown) == [True, False]
        assert page.console == []
