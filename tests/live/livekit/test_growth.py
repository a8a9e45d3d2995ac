"""A minute in a room: nothing piles up. `make soak` stays for an hour."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.local.process import ServerProcess
from tests.live.livekit.resource_growth import stay

if TYPE_CHECKING:
    from tests.live.livekit.server import LiveKitServer

pytestmark = [
    pytest.mark.live,
    pytest.mark.rare,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here"),
]

SECONDS = 60.0
SETTLED = 4
"""The first looks, 5 s apart: voices, codecs and threads come into being."""
MOST_GROWTH_MB = 48.0
"""Far above what allocators keep in passing, and far below what a leak of sound would take from
all the buffers on its way."""


async def test_a_minute_leaves_no_trace(shared_livekit: LiveKitServer) -> None:
    with ServerProcess("nano", slots=2) as model:
        looks = await stay(
            shared_livekit, model.url, lambda: model.pid, seconds=SECONDS, every_s=5.0
        )
    before, after = looks[SETTLED], looks[-1]
    assert after.missed == 0
    assert after.dropped_blocks == 0
    assert after.decided - before.decided >= 0.8 * (after.at_s - before.at_s) / 0.4
    assert after.replies > 0
    assert after.history <= 2 * after.replies + 2
    most_tasks = max(look.tasks for look in looks[: SETTLED + 1])
    assert min(look.tasks for look in looks[-3:]) <= most_tasks
    assert after.agent_mb - before.agent_mb < MOST_GROWTH_MB
    assert after.model_mb - before.model_mb < MOST_GROWTH_MB
