"""The console's page in a real Chromium, beside many sessions that go on."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.chromium import Chromium
from benchmarks.console_pictures import link
from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.webrtc import Child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SESSIONS = 50
SECONDS = 30.0
CARDS = 100
CARD_EVERY_S = 0.2
SIZE = (1_440, 960)
METHOD = (
    "Real calls in one process (mixer, agent, cues, history), with a model that decides at once "
    "and without a voice; a headless Chromium without a graphics card shows one session and the "
    "list of all. Everything on the same machine."
)
FRAMES = """
globalThis.frames = [];
let last = performance.now();
const frame = (now) => { frames.push(now - last); last = now; requestAnimationFrame(frame); };
requestAnimationFrame(frame);
true
"""
SEEN = """
globalThis.seen = new Map();
const list = document.querySelector(".cards");
const before = new Set([...list.children].map(({ dataset }) => dataset.time));
new MutationObserver((changes) => {
  const cards = changes.flatMap(({ addedNodes }) => [...addedNodes]);
  requestAnimationFrame(() => {
    for (const { dataset: { time } } of cards)
      if (!before.has(time) && !seen.has(time)) seen.set(time, Date.now() / 1000 - time);
  });
}).observe(list, { childList: true });
true
"""
"""The list is arranged anew with each card: what counts is when one is there for the first time."""


@dataclass(frozen=True)
class PageLoad:
    """What a page that watches one of `sessions` showed, and cost."""

    sessions: int
    seconds: float
    unwatched_cpu: float
    watched_cpu: float
    frames_ms: list[float] = field(repr=False)
    heap_before_mb: float
    heap_after_mb: float
    cards_s: list[float] = field(repr=False)

    @property
    def frames_a_s(self) -> float:
        return len(self.frames_ms) / (sum(self.frames_ms) / 1_000)


@asynccontextmanager
async def serving(sessions: int, *options: str) -> AsyncIterator[httpx.AsyncClient]:
    child = await asyncio.to_thread(Child, "console_server", str(sessions), *options)
    url = f"http://127.0.0.1:{await asyncio.to_thread(child.ready)}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            yield http
    finally:
        await asyncio.to_thread(child.end)


async def measure(sessions: int, seconds: float, cards: int) -> PageLoad:
    async with serving(sessions) as http:
        await all_live(http, sessions)
        unwatched = await cpu_share(http, seconds / 2)
        with tempfile.TemporaryDirectory() as profile:
            async with Chromium(Path(profile)) as page:
                return await watched(http, page, sessions, seconds, cards, unwatched)


async def watched(
    http: httpx.AsyncClient,
    page: Chromium,
    sessions: int,
    seconds: float,
    cards: int,
    unwatched: float,
) -> PageLoad:
    await page.size(*SIZE)
    await page.open(str(http.base_url.join("/console")))
    await page.until(f"document.querySelectorAll('#sessions a').length === {sessions}")
    await page.run(f"location.hash = {link('twilio')}")
    await page.until("document.querySelector('.figures')?.textContent")
    before = await heap_mb(page)
    await page.run(FRAMES)
    share = await cpu_share(http, seconds)
    frames = await page.run("frames")
    after = await heap_mb(page)
    session = (await page.run("location.hash")).partition("/")[2]
    await page.run(SEEN)
    for number in range(cards):
        command = {"do": "say", "text": f"Card {number}"}
        (
            await http.post(f"/api/console/sessions/{session}/commands", json=command)
        ).raise_for_status()
        await asyncio.sleep(CARD_EVERY_S)
    await page.until(f"seen.size >= {cards}")
    return PageLoad(
        sessions,
        seconds,
        unwatched,
        share,
        frames,
        before,
        after,
        await page.run("[...seen.values()]"),
    )


async def all_live(http: httpx.AsyncClient, sessions: int) -> None:
    """A call is there once its model and its voice are."""
    while True:
        states = (await http.get("/api/console/sessions")).json()
        if sum(state["stage"] == "live" for state in states) == sessions:
            return
        await asyncio.sleep(0.2)


async def cpu_share(http: httpx.AsyncClient, seconds: float) -> float:
    """Of one core, of the server."""
    before, began_at = (await http.get("/cpu")).json(), time.monotonic()
    await asyncio.sleep(seconds)
    used: float = (await http.get("/cpu")).json() - before
    return used / (time.monotonic() - began_at)


async def heap_mb(page: Chromium) -> float:
    """What is left once the rubbish is gone."""
    await page.call("HeapProfiler.collectGarbage")
    usage = await page.call("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 1e6


def result(load: PageLoad) -> Result:
    worst = percentile(load.frames_ms, 99)
    cost = 100 * (load.watched_cpu - load.unwatched_cpu)
    cards_ms = [1_000 * one for one in load.cards_s]
    rows = [
        ["frames a second", f"{load.frames_a_s:.0f}"],
        ["longest frame (p99)", f"{worst:.0f} ms"],
        [
            "page's memory, first and last",
            f"{load.heap_before_mb:.1f} and {load.heap_after_mb:.1f} MB",
        ],
        ["server's CPU, nobody looks", f"{100 * load.unwatched_cpu:.0f} % of a core"],
        ["more for a page that watches one session", f"{cost:.1f} % of a core"],
        ["card made to card on the screen, p50", f"{percentile(cards_ms, 50):.0f} ms"],
        ["card made to card on the screen, p99", f"{percentile(cards_ms, 99):.0f} ms"],
    ]
    return Result(
        name="console",
        title="The console",
        command=this_command("console"),
        hardware=describe(),
        columns=[f"{load.sessions} sessions, {load.seconds:.0f} s", "measured"],
        rows=rows,
        notes=[METHOD],
        headlines={
            f"console: frames a second beside {load.sessions} sessions": f"{load.frames_a_s:.0f}",
            "console: card made to card on the screen, p99": f"{percentile(cards_ms, 99):.0f} ms",
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="600 shows what stays")
    parser.add_argument("--cards", type=int, default=CARDS)
    parser.add_argument("--smoke", action="store_true", help="two sessions, and keep nothing")
    asked = parser.parse_args()
    sessions, seconds, cards = asked.sessions, asked.seconds, asked.cards
    if asked.smoke:
        sessions, seconds, cards = 2, 2.0, 3
    load = asyncio.run(measure(sessions, seconds, cards))
    finish(result(load), keep=not asked.smoke)


if __name__ == "__main__":
    main()
