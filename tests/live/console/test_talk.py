"""Talking from the console: a Chromium's microphone plays an alarm; nano's answer is heard."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from interject.config import load_profile
from interject.integrations.console.access import ConsoleAccess
from interject.integrations.console.console import Console
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.conversation.role import Role
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from interject.model_runtime import open_runtime
from tests.live.webrtc.chromium import Chromium
from tests.live.webrtc.conftest import cut_from_kitchen, loopback
from tests.live.webrtc.site import site

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["loopback"]

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

ABOUT = "document.querySelector('#talked .pane-about')"
ALARM_S = (21.0, 26.5)
HEARD = 0.05
"""Of full scale: speech, and not the noise of a codec."""
MEASURE = """
globalThis.peak = 0;
const voice = document.getElementById("voice");
const measure = () => {
  if (!voice.srcObject) return setTimeout(measure, 20);
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(voice.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    peak = Math.max(peak, ...samples.map(Math.abs));
  }, 20);
};
measure();
true
"""


@pytest.fixture
def alarm(tmp_path: Path) -> Path:
    return cut_from_kitchen(tmp_path / "alarm.wav", ALARM_S)


async def test_the_alarm_is_answered_aloud_and_seen_on_the_timeline(
    nano_url: str, alarm: Path, tmp_path: Path
) -> None:
    runtime = open_runtime(nano_url)
    profile = load_profile("default")
    quiet = profile.model_copy(
        update={"room": profile.room.model_copy(update={"announce": "none"})}
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    sessions = LiveSessions(CueScreens(Bearer()))
    origins = Origins([f"http://127.0.0.1:{port}"])
    console = Console(sessions, ConsoleAccess(Bearer(), Bearer()), origins, talk=True)
    place = site(
        Role(quiet, runtime), runtime, routers=[console.router], followers=[sessions], port=port
    )
    try:
        async with console, place as server, Chromium(tmp_path, alarm) as page:
            await page.open(f"{server.url}/console#talk")
            await page.until("document.getElementById('state').dataset.state === 'connected'")
            await page.run(MEASURE)
            await page.run("document.getElementById('call').click()")
            await page.until("document.querySelector('#talked .pane-title')")
            await page.until("document.querySelector('#talked .reply.urgent')")
            await page.until(f"peak > {HEARD}")
            await page.until("document.querySelector('#talked .reply .heard').textContent.trim()")
            await page.run("document.getElementById('written').value = 'stop listening'")
            await page.run("document.getElementById('write').requestSubmit()")
            await page.until(f"{ABOUT}.textContent.includes('not listening')")
            assert await page.run("document.querySelector('nav .calling') !== null")
            await page.run("document.getElementById('call').click()")
            await page.until("document.getElementById('call-label').textContent === 'Talk'")
            await page.until("document.querySelector('#talked .summary-text').textContent")
            assert page.console == []
            console.close()
    finally:
        await runtime.aclose()
