"""The model that ships, in a real `AgentSession`: a WAV in, an event log out."""

from __future__ import annotations

import shutil
import wave
from pathlib import Path

import numpy as np
import pytest

from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import Emotion
from tests.integrations.livekit.stage import stage
from tests.waiting import until

KITCHEN = Path(__file__).parent.parent.parent.parent / "examples" / "kitchen.wav"
QUESTION_ENDS_S, ALARM_BEGINS_S = 11.3, 22.8


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
@pytest.mark.timeout(400)
async def test_the_kitchen_is_answered_in_a_session() -> None:
    with wave.open(str(KITCHEN), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
    runtime = open_runtime("local:nano")
    try:
        async with stage(runtime) as here:
            await here.hear(pcm)
            await until(lambda: len(here.decisions) == 77)
            await until(lambda: len(here.messages()) == len(here.started) >= 2)
            times_s = [0.4 * (started.seq + 1) for started, _ in here.started]
            assert QUESTION_ENDS_S <= times_s[0] <= QUESTION_ENDS_S + 0.8
            assert here.messages()[0].text_content == "The capital of France is Paris."
            urgent_s = [
                at_s
                for at_s, (started, _) in zip(times_s, here.started, strict=True)
                if started.emotion is Emotion.URGENT
            ]
            assert [at_s for at_s in urgent_s if ALARM_BEGINS_S < at_s < ALARM_BEGINS_S + 4.0]
            assert here.speaker.interrupted == [False] * len(here.started)
    finally:
        await runtime.aclose()
