"""A real Piper voice: what a recogniser hears of it, when its words are, and how it is stopped."""

from __future__ import annotations

import json
import re
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.voice_packages import (
    PIPER_VOICE,
    WHISPER_PACKAGE,
    package_folder,
    voices_with_piper,
)
from interject.agent import AgentSession, CollectingOutput, Spoken, TimelineSink
from interject.agent.resample import Resampler
from interject.agent.voice import VoiceFailure, choose_voice, open_voice
from interject.agent.voice.installed import installed_voices
from interject.agent.voice.neural.network_file import NetworkFile, Stopped, StopSwitch
from interject.agent.voice.neural.piper import PiperNetwork
from interject.agent.voice.neural.rendering import Manner
from interject.agent.voice.neural.speech_model import SpeechModel, shared_model
from interject.config import AutoVoice, PiperVoice, Profile
from interject.model_runtime.protocol import FRAME_SAMPLES, Emotion
from interject.training.speech.recogniser import WhisperRecogniser
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.natural_voices import needs_piper, needs_whisper

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = needs_piper
TEXT = "Smoke alarm! Please leave the house at once, and call for help."
SAID = "The kettle is boiling in the kitchen. Please leave the house at once, and call for help."
WORD_TIME_S = 0.08
LONG = "somebody at the door asks whether the meeting can be moved to Thursday afternoon " * 3


@pytest.fixture
def voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = voices_with_piper(tmp_path / "voices")
    monkeypatch.setenv("INTERJECT_VOICES", str(folder))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> SpeechModel:
    (installed,) = installed_voices(voices_with_piper(tmp_path_factory.mktemp("voices")))
    return shared_model(installed)


async def words_of(text: str) -> AsyncIterator[str]:
    for word in text.split(" "):
        yield word + " "


@needs_whisper
async def test_a_recogniser_hears_the_words(voices: Path) -> None:
    package = package_folder(WHISPER_PACKAGE)
    assert package is not None
    voice = open_voice(PiperVoice(engine="piper", model=PIPER_VOICE, variation=0.0, phrases=()))
    resampler = Resampler(voice.sample_rate_hz)
    pieces = [
        resampler.push(np.frombuffer(chunk.pcm, "<i2"))
        async for chunk in voice.speak(words_of(SAID), Emotion.NORMAL)
    ]
    speech = np.concatenate([*pieces, resampler.finish()]).astype(np.float32) / 32_768
    heard = WhisperRecogniser(package / "model").transcribe(np.pad(speech, 8_000))
    assert re.findall(r"\w+", heard.lower()) == re.findall(r"\w+", SAID.lower())


async def test_the_default_profile_speaks_with_it_and_the_session_counts_its_words(
    voices: Path,
) -> None:
    voice = AutoVoice(engine="auto")
    assert choose_voice(voice).label == f"piper {PIPER_VOICE}"
    pieces: list[bytes] = []
    output = CollectingOutput()
    async with AgentSession(
        FakeRuntime({2: Scripted(TEXT, Emotion.URGENT)}),
        Profile(name="t", system_prompt=""),
        voice=open_voice(voice),
        sink=TimelineSink(lambda at, pcm, rate: pieces.append(pcm)),
        outputs=[output],
    ) as session:
        await session.push_audio(np.zeros(16 * FRAME_SAMPLES, np.int16), 0.0)
        await session.finish()
    (event,) = output.events
    assert isinstance(event, Spoken)
    assert event.heard_chars == len(TEXT)
    assert [word.text for word in session.heard_words()] == TEXT.split()
    samples = np.frombuffer(b"".join(pieces), "<i2")
    assert len(samples) > 2 * 22_050
    assert 3_000 < np.abs(samples.astype(int)).max() < 32_767 * 0.9


def test_words_stand_where_they_sound(model: SpeechModel) -> None:
    """Between words with pauses, where they begin and end can be seen in the sound."""
    text = "Monday, dinner, morning, ladders, evening, paper, summer."
    rendering = model.synthesise(text, Manner(variation=0.0), StopSwitch())
    sound = np.frombuffer(rendering.pcm, "<i2").astype(np.float64)
    hz = model.sample_rate_hz
    off = []
    for word, following in zip(rendering.words, rendering.words[1:], strict=False):
        first = (word.start_sample + word.end_sample) // 2
        end = (following.start_sample + following.end_sample) // 2
        quiet_from, quiet_to = longest_quiet(sound[first:end], hz)
        off += [word.end_sample - first - quiet_from, following.start_sample - first - quiet_to]
    assert len(off) == 12
    assert np.median(np.abs(off)) / hz < WORD_TIME_S / 2
    assert np.quantile(np.abs(off), 0.9) / hz < WORD_TIME_S


def longest_quiet(sound: NDArray[np.float64], hz: int) -> tuple[int, int]:
    window = np.ones(hz // 100) / (hz // 100)
    loud = np.sqrt(np.convolve(sound**2, window, "same")) > 800
    steps = np.diff(np.concatenate([[0], ~loud, [0]]).astype(int))
    begins, ends = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    longest = np.argmax(ends - begins)
    return int(begins[longest]), int(ends[longest])


def test_the_network_tells_durations_that_make_up_the_sound(model: SpeechModel) -> None:
    """Also where two words are run together, and a word takes all of its sound."""
    rendering = model.synthesise("It is in the 42nd box", Manner(), StopSwitch())
    spans = [word.end_sample - word.start_sample for word in rendering.words]
    assert max(spans) == spans[4]
    assert rendering.words[-1].end_sample <= rendering.samples
    assert rendering.samples == len(rendering.pcm) // 2


def test_it_is_stopped_in_the_middle_of_a_clause(model: SpeechModel) -> None:
    stop = StopSwitch()
    stopping = threading.Timer(0.05, stop.set)
    stopping.start()
    with pytest.raises(Stopped):
        model.synthesise(LONG * 4, Manner(), stop)
    assert model.synthesise("Yes.", Manner(), StopSwitch()).samples


def test_one_that_was_stopped_before_is_not_begun(model: SpeechModel) -> None:
    stop = StopSwitch()
    stop.set()
    with pytest.raises(Stopped):
        model.synthesise("Yes.", Manner(), stop)


def test_sessions_share_one_network(voices: Path) -> None:
    (installed,) = installed_voices()
    assert shared_model(installed) is shared_model(installed)


def test_without_variation_it_says_the_same_alike(model: SpeechModel) -> None:
    still = Manner(variation=0.0)
    one, other, slow = (
        model.synthesise("One moment.", manner, StopSwitch())
        for manner in (still, still, Manner(variation=0.0, speed=0.7))
    )
    assert one.samples == other.samples < slow.samples


def test_a_speaker_that_is_not_there_is_told(voices: Path) -> None:
    with pytest.raises(VoiceFailure, match="no speaker 'anna'"):
        open_voice(PiperVoice(engine="piper", model=PIPER_VOICE, name="anna"))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"phoneme_type": "pinyin"}'])
def test_a_voice_that_is_damaged_is_one_line(content: str, voices: Path) -> None:
    folder = voices / "broken"
    folder.mkdir()
    (folder / "broken.onnx").write_bytes(b"no network")
    (folder / "broken.onnx.json").write_text(content)
    with pytest.raises(VoiceFailure, match=r"no configuration|only espeak-ng's") as caught:
        open_voice(PiperVoice(engine="piper", model="broken"))
    assert "\n" not in str(caught.value)


def test_a_network_that_is_damaged_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no network" * 100)
    with pytest.raises(VoiceFailure, match="is no network") as caught:
        NetworkFile(tmp_path / "x.onnx")
    assert "\n" not in str(caught.value)


def test_a_network_that_tells_no_durations_still_times_words(tmp_path: Path) -> None:
    """By phonemes, each as long as the other: here four samples a symbol, and a pad for each."""
    save_piper_without_durations(tmp_path / "x.onnx")
    speech = PiperNetwork(tmp_path / "x.onnx").synthesise("ab, ba", Manner(), StopSwitch())
    assert len(speech.samples) == 4 * 15
    assert speech.begins.tolist() == [8, 16, 24, 32, 40, 48]
    assert (speech.ends - speech.begins).tolist() == [4] * 6


def save_piper_without_durations(path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    given = [
        helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
        helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
    ]
    sound = helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, "samples"])
    nodes = [
        helper.make_node("Cast", ["input"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Concat", ["cast"] * 4, ["output"], axis=1),
    ]
    graph = helper.make_graph(nodes, "tiny", given, [sound])
    opset = helper.make_opsetid("", 15)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), str(path))
    config = {
        "audio": {"sample_rate": 16_000},
        "espeak": {"voice": "en-us"},
        "phoneme_id_map": {letter: [at] for at, letter in enumerate("_^$ ,ab")},
    }
    path.with_name(path.name + ".json").write_text(json.dumps(config))
