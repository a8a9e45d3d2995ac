"""The same two networks through each library that could run them: what the choice rests on.

`pip install sherpa-onnx piper-tts kokoro-onnx` first: they are no dependencies of ours. Each is
measured in a process of its own, as two copies of espeak-ng in one crash it.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.voices import SENTENCES, SHORT, tiny_whisper, word_errors
from interject.agent.voice.espeak_library import shared_library
from interject.agent.voice.installed import InstalledVoice, installed_voices
from interject.agent.voice.neural.network_file import StopSwitch
from interject.agent.voice.neural.phonemes import phonemes_of
from interject.agent.voice.neural.rendering import Manner
from interject.agent.voice.neural.speech_model import shared_model
from interject.training.speech.recogniser import WhisperRecogniser

SPEAKER = "af_heart"
NOTE = (
    f"A short sentence: {SHORT!r}, after one that is not counted. The same files and sentences as "
    "in the table above, at two threads where a library lets one choose. Words wrong: through "
    "Whisper tiny.en. Other programs ran beside it, so compare the CPU time."
)
Say = Callable[[str], tuple[NDArray[np.float32], int]]
"""Samples and rate of a text."""


def with_onnxruntime(voice: InstalledVoice) -> Say:
    model = shared_model(voice)
    manner = Manner(speaker=SPEAKER if voice.engine == "kokoro" else "")

    def say(text: str) -> tuple[NDArray[np.float32], int]:
        rendering = model.synthesise(text, manner, StopSwitch())
        samples = np.frombuffer(rendering.pcm, "<i2").astype(np.float32)
        return samples / np.float32(32_768), model.sample_rate_hz

    return say


def with_sherpa(voice: InstalledVoice) -> Say:
    """It takes phonemes since its version 2, which left espeak-ng out."""
    import sherpa_onnx as sherpa

    folder = Path(tempfile.mkdtemp())
    network = onnx.load(str(voice.network))
    _describe(network, voice)
    onnx.save(network, str(folder / "model.onnx"))
    symbols = "".join(f"{symbol} {number}\n" for symbol, number in _symbols(voice).items())
    (folder / "tokens.txt").write_text(symbols)
    paths: dict[str, str] = {
        "model": str(folder / "model.onnx"),
        "tokens": str(folder / "tokens.txt"),
    }
    if voice.engine == "piper":
        model = sherpa.OfflineTtsModelConfig(
            vits=sherpa.OfflineTtsVitsModelConfig(**paths), num_threads=2
        )
    else:
        styles = (voice.folder / "voices" / f"{SPEAKER}.bin").read_bytes()
        (folder / "voices.bin").write_bytes(styles)
        paths |= {"voices": str(folder / "voices.bin"), "lang": "en-us"}
        model = sherpa.OfflineTtsModelConfig(
            kokoro=sherpa.OfflineTtsKokoroModelConfig(**paths), num_threads=2
        )
    speech = sherpa.OfflineTts(sherpa.OfflineTtsConfig(model=model))
    phonemise = functools.partial(shared_library().phonemes, voice="en-us")

    def say(text: str) -> tuple[NDArray[np.float32], int]:
        config = sherpa.GenerationConfig()
        config.phoneme_codepoints = [[ord(p) for p in phonemes_of(text, phonemise).ipa]]
        sound = speech.generate(text, config)
        return np.array(sound.samples, np.float32), int(sound.sample_rate)

    return say


def with_piper_tts(voice: InstalledVoice) -> Say:
    from piper import PiperVoice

    loaded = PiperVoice.load(voice.network)

    def say(text: str) -> tuple[NDArray[np.float32], int]:
        pieces = [chunk.audio_float_array for chunk in loaded.synthesize(text)]
        return np.concatenate(pieces), int(loaded.config.sample_rate)

    return say


def with_kokoro_onnx(voice: InstalledVoice) -> Say:
    from kokoro_onnx import Kokoro

    styles = np.fromfile(voice.folder / "voices" / f"{SPEAKER}.bin", np.float32)
    path = Path(tempfile.mkdtemp()) / "voices.npz"
    named: dict[str, Any] = {SPEAKER: styles.reshape(-1, 1, 256)}
    np.savez(path, **named)
    loaded = Kokoro(str(voice.network), str(path))
    return lambda text: loaded.create(text, voice=SPEAKER, lang="en-us")


SUBJECTS: dict[str, tuple[Callable[[InstalledVoice], Say], tuple[str, ...], list[str]]] = {
    "onnxruntime 1.31": (
        with_onnxruntime,
        ("piper", "kokoro"),
        ["yes", "yes", "101", "MIT; espeak-ng's library as installed by the user"],
    ),
    "sherpa-onnx 2.0": (
        with_sherpa,
        ("piper", "kokoro"),
        ["no", "no", "42", "Apache-2.0; phonemes to be brought along"],
    ),
    "piper-tts 1.8": (
        with_piper_tts,
        ("piper",),
        ["yes", "no", "114", "GPL-3.0, espeak-ng in it"],
    ),
    "kokoro-onnx 0.6": (
        with_kokoro_onnx,
        ("kokoro",),
        ["yes", "no", "91", "MIT, with phonemizer and espeak-ng, which are GPL-3.0"],
    ),
}
"""How, for which engines; durations told, stopped in the middle, MB installed, licence."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    repeats = 2 if arguments.smoke else arguments.repeats
    rows = []
    for voice in installed_voices():
        for name, (_, engines, facts) in SUBJECTS.items():
            if voice.engine in engines:
                context = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    found = pool.submit(measure, name, voice, repeats).result()
                rows.append([voice.engine, name, *found, *facts])
    finish(
        Result(
            name="voice_libraries",
            title="Libraries for natural voices",
            command=this_command("voice_libraries"),
            hardware=describe(),
            columns=[
                "network", "library", "load, s", "short sentence, median (p95) ms", "its CPU, ms",
                "CPU s a second of sound", "words wrong", "durations told", "stops in the middle",
                "MB installed", "licence",
            ],
            rows=rows,
            notes=[NOTE],
        ),
        keep=not arguments.smoke,
    )  # fmt: skip


def measure(name: str, voice: InstalledVoice, repeats: int) -> list[str]:
    begun_s = time.perf_counter()
    say = SUBJECTS[name][0](voice)
    load_s = time.perf_counter() - begun_s
    say(SHORT)
    times_ms, begun_cpu_s = [], time.process_time()
    for _ in range(repeats):
        begun_s = time.perf_counter()
        say(SHORT)
        times_ms.append(1e3 * (time.perf_counter() - begun_s))
    cpu_ms = 1e3 * (time.process_time() - begun_cpu_s) / repeats
    begun_cpu_s = time.process_time()
    sounds = [say(sentence) for sentence in SENTENCES]
    cpu_s = time.process_time() - begun_cpu_s
    rate_hz = sounds[0][1]
    pcm = [np.round(np.clip(sound, -1, 1) * 32_767).astype(np.int16) for sound, _ in sounds]
    errors = word_errors(pcm, rate_hz, WhisperRecogniser(tiny_whisper()))
    return [
        f"{load_s:.1f}",
        f"{percentile(times_ms, 50):.0f} ({percentile(times_ms, 95):.0f})",
        f"{cpu_ms:.0f}",
        f"{cpu_s / (sum(map(len, pcm)) / rate_hz):.2f}",
        f"{errors:.1%}",
    ]


def _describe(network: Any, voice: InstalledVoice) -> None:
    """What sherpa-onnx reads from a network's own notes."""
    known = {"language": "English", "voice": "en-us", "has_espeak": "1"}
    if voice.engine == "piper":
        config = json.loads(voice.network.with_name(voice.network.name + ".json").read_text())
        rate = str(config["audio"]["sample_rate"])
        known |= {"model_type": "vits", "comment": "piper", "n_speakers": "1", "sample_rate": rate}
    else:
        known |= {
            "model_type": "kokoro", "version": "2", "sample_rate": "24000", "n_speakers": "1",
            "style_dim": "510,1,256", "speaker_names": SPEAKER, "maintainer": "k2-fsa",
        }  # fmt: skip
    for key, value in known.items():
        network.metadata_props.add(key=key, value=value)


def _symbols(voice: InstalledVoice) -> dict[str, int]:
    if voice.engine == "piper":
        config = json.loads(voice.network.with_name(voice.network.name + ".json").read_text())
        return {symbol: ids[0] for symbol, ids in config["phoneme_id_map"].items()}
    from interject.agent.voice.neural.kokoro import read_vocabulary

    return read_vocabulary(voice.folder)


if __name__ == "__main__":
    main()
