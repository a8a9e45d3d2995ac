"""The agent's voice as it comes back from a loudspeaker, on a clock of the test's own."""

from __future__ import annotations

import shutil
from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from benchmarks.livekit_echo import SENTENCES, all_spoken, measure
from benchmarks.voice_packages import PIPER_VOICE, voices_with_piper
from interject.config import EspeakVoice, PiperVoice
from interject.integrations.audio.echo import EchoCanceller
from interject.integrations.audio.own_voice import OwnVoice
from interject.integrations.livekit.room.voice_tap import VoiceTap
from interject.integrations.livekit.room.webrtc_echo import WebRtcEcho
from interject.model_runtime import open_runtime
from tests.fakes.clock import FakeClock
from tests.fakes.livekit_audio import FakeLoudspeaker
from tests.natural_voices import needs_piper

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 16_000
BLOCK = 320
ECHO_GAIN = 10 ** (-10 / 20)
ESPEAK = EspeakVoice()
PIPER = PiperVoice(engine="piper", model=PIPER_VOICE, espeak=None)


def speech(seconds: float, *, seed: int = 5) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Noise in syllables of a quarter of a second."""
    count = round(seconds * RATE_HZ)
    noise = np.random.default_rng(seed).normal(0.0, 5_000.0, count)
    loud = np.sin(2 * np.pi * 2.0 * np.arange(count) / RATE_HZ) > 0
    return np.clip(noise * loud, -32_768, 32_767).astype(np.int16)


def energy(samples: np.ndarray[tuple[int], np.dtype[np.int16]]) -> float:
    return float(np.mean(np.square(samples.astype(np.float64)))) + 1e-9


@pytest.mark.parametrize("delay_ms", [60, 250, 600, 1_200])
def test_an_echo_is_taken_out(delay_ms: int) -> None:
    clock = FakeClock()
    voice = OwnVoice(clock)
    canceller = EchoCanceller(voice, WebRtcEcho)
    said = speech(8.0)
    voice.say(said)
    delayed = np.concatenate([np.zeros(delay_ms * 16, np.int16), said])
    echo = (delayed * ECHO_GAIN).astype(np.int16)[: len(said)]
    left = [
        canceller.clean(echo[at : at + BLOCK], clock() + at / RATE_HZ)
        for at in range(0, len(echo), BLOCK)
    ]
    settled = slice(3 * RATE_HZ, None)
    lowered_db = 10 * np.log10(energy(echo[settled]) / energy(np.concatenate(left)[settled]))
    assert lowered_db > 20


async def test_the_tap_passes_on_what_it_notes() -> None:
    clock = FakeClock()
    voice = OwnVoice(clock)
    loudspeaker = FakeLoudspeaker()
    tap = VoiceTap(loudspeaker, voice)
    began = clock()
    frame = rtc.AudioFrame(speech(0.5).tobytes(), RATE_HZ, 1, RATE_HZ // 2)
    await tap.capture_frame(frame)
    tap.flush()
    assert loudspeaker.captured_s == pytest.approx(0.5)
    assert voice.at(began, RATE_HZ // 2).tolist() == speech(0.5).tolist()
    tap.clear_buffer()
    assert voice.heard_until_s == began


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("voice", [ESPEAK, pytest.param(PIPER, marks=needs_piper)])
async def test_nano_does_not_answer_its_own_voice(
    voice: EspeakVoice | PiperVoice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(voice, PiperVoice):
        monkeypatch.setenv("INTERJECT_VOICES", str(voices_with_piper(tmp_path)))
    sayings = await all_spoken(voice, SENTENCES[:3])
    async with aclosing(open_runtime("embedded:nano")) as runtime:
        outcome = await measure(runtime, sayings, cancelled=True)
    assert outcome.answers == 0
    assert outcome.left_db < -20
