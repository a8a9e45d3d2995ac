"""Pictures of the console for the pages: `python -m benchmarks.console_pictures`.

Light, dark and on a telephone's screen: a real Chromium looks at a server with staged calls.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.chromium import Chromium
from benchmarks.console_server import SHOWN
from benchmarks.result import PICTURES
from benchmarks.webrtc import Child

PLAYED_S = 75.0
SETTLED_S = 2.5
COLOURS = 256


@dataclass(frozen=True)
class Picture:
    """`label` is of the session that is shown; without one nothing is chosen. `asks`: the agent
    asks something. `ready` is JavaScript: before it is true there is nothing to see.
    """

    name: str
    width: int
    height: int
    dark: bool = False
    label: str = ""
    address: str = "#watch"
    asks: bool = False
    ready: str = "true"


PLAYED = """
(() => {
  const found = document.querySelector("#records a");
  if (found && location.hash === "#review") location.hash = found.hash;
  const sound = document.querySelector("#reviewed audio");
  if (sound?.duration > 40 && sound.currentTime < 39) sound.currentTime = 40;
  return sound?.currentTime > 39;
})()"""
"""The one kept call is opened, and heard from its fortieth second on."""
WIDE = (1440, 960)
NARROW = (390, 844)
TAKEN = (
    Picture("console", *WIDE, label="twilio"),
    Picture("console_dark", *WIDE, dark=True, label="attendee"),
    Picture("console_narrow", *NARROW, label="twilio"),
    Picture("console_narrow_list", *NARROW, dark=True),
    Picture("console_talk", *WIDE, address="#talk"),
    Picture("console_review", *WIDE, address="#review", ready=f"({PLAYED})"),
    Picture("console_asks", *WIDE, label="twilio", asks=True),
)


async def take(url: str, folder: Path, played_s: float) -> None:
    with tempfile.TemporaryDirectory() as profile:
        async with Chromium(Path(profile)) as page:
            await page.size(*WIDE)
            await page.open(f"{url}/console")
            await page.until("document.getElementById('state').dataset.state === 'connected'")
            await asyncio.sleep(played_s)
            for picture in TAKEN:
                await page.looks(dark=picture.dark)
                await page.size(
                    picture.width, picture.height, scale=2 if picture.width < 500 else 1
                )
                await page.run(f"location.hash = '{picture.address}'")
                if picture.asks:
                    await page.run("fetch('/ask').catch(() => null); true")
                await page.until(picture.ready)
                if picture.label:
                    await page.run(f"location.hash = {link(picture.label)}")
                await asyncio.sleep(SETTLED_S)
                save(await page.picture(), folder / f"{picture.name}.png")
            assert page.console == [], page.console


def save(shot: bytes, path: Path) -> None:
    """In as few bytes as a page of few colours needs."""
    with Image.open(io.BytesIO(shot)) as image:
        few = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def link(door: str) -> str:
    """The address of the first session that came by a door, as JavaScript."""
    rows = "[...document.querySelectorAll('#sessions a')]"
    return f"{rows}.find((row) => row.textContent.includes('{door}')).hash"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES)
    parser.add_argument("--played", type=float, default=PLAYED_S, help="seconds of the calls")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as records:
        server = Child("console_server", str(len(SHOWN)), "--records", records)
        try:
            asyncio.run(take(f"http://127.0.0.1:{server.ready()}", asked.to, asked.played))
        finally:
            server.end()


if __name__ == "__main__":
    main()
