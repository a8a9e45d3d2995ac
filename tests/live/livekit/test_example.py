"""The example as somebody runs it: a worker, a dispatch, a room, and a smoke alarm."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.livekit.jobs.access import Access
from interject.integrations.livekit.jobs.dispatching import dispatch
from tests.live.livekit.participants import person
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.live.livekit.server import LiveKitServer

ROOT = Path(__file__).parents[3]
KITCHEN = ROOT / "examples" / "kitchen.wav"
ALARM = slice(22 * 16_000, 28 * 16_000)
HEARD_LEVEL = 500

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@contextlib.contextmanager
def running_example(server: LiveKitServer, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process group of its own: LiveKit's worker starts job processes."""
    command = [sys.executable, str(ROOT / "examples" / "livekit_agent.py"), "dev", "--no-reload"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | server.environment,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
async def test_the_example_hears_an_alarm_and_says_so(
    livekit_server: LiveKitServer, tmp_path: Path
) -> None:
    with wave.open(str(KITCHEN), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
    access = Access(livekit_server.url, livekit_server.key, livekit_server.secret)
    log = tmp_path / "example.log"
    with running_example(livekit_server, log):
        await until(lambda: b"registered worker" in log.read_bytes(), "the worker")
        async with person(livekit_server, "kitchen", "ada") as ada:
            await dispatch(access, "kitchen", "interject")
            await until(lambda: ada.found("participant_joined"), "the agent")
            await ada.visitor.open_microphone()
            for _ in range(3):
                await ada.visitor.play(pcm[ALARM])
                if any(np.abs(piece).max() > HEARD_LEVEL for piece in ada.heard):
                    break
            await until(
                lambda: any(np.abs(piece).max() > HEARD_LEVEL for piece in ada.heard), "its voice"
            )
            await until(
                lambda: any("alarm" in str(e.fields) for e in ada.found("transcription")),
                "the words",
            )
