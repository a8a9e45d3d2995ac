"""A telephone call whose model is in a worker behind Redis, that is killed."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmarks.servers import Fleet
from tests.live.twilio.calling import alarm_is_answered, greeted
from tests.live.twilio.phone_server import VOICE_URL, brief, serving

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]


async def test_a_worker_is_killed_in_mid_call_and_another_goes_on(tmp_path: Path) -> None:
    with Fleet() as fleet:
        first = await asyncio.to_thread(fleet.hire, slots=2)
        options = ("--runtime", fleet.url, "--profile", brief(tmp_path))
        with serving(tmp_path, *options) as server:
            async with server.connected() as twilio, twilio.phones(VOICE_URL) as call:
                await greeted(call)
                await asyncio.to_thread(fleet.hire, slots=2)
                first.kill()
                await asyncio.sleep(3.0)
                await alarm_is_answered(call)
                assert call.alerts == []
