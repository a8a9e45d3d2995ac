"""How soon and how fast each voice speaks, what it takes, and what a recogniser hears of it.

Natural voices are those of `interject voice list`; each is measured in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import os
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import jiwer
import numpy as np
import psutil

from benchmarks.hardware import describe
from benchmarks.result import Result, finish, percentile, this_command
from benchmarks.voice_packages import (
    PIPER_PACKAGE,
    WHISPER_PACKAGE,
    package_folder,
    voices_with_piper,
)
from interject.agent.resample import Resampler
from interject.agent.voice import choose_voice, open_voice
from interject.agent.voice.installed import FOLDER_VARIABLE, installed_voices
from interject.agent.voice.neural.network_file import Stopped, StopSwitch
from interject.agent.voice.neural.speaker import manner_for
from interject.agent.voice.neural.speech_model import shared_model
from interject.config import EspeakVoice, KokoroVoice, PiperVoice
from interject.config.lists import plain
from interject.model_runtime.protocol import SAMPLE_BYTES, Emotion
from interject.training.speech.recogniser import WhisperRecogniser

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from numpy.typing import NDArray

    from interject.agent.voice import SpokenChunk, Voice

SHORT = "The kettle is boiling."
SENTENCES = (
    "The kettle is boiling in the kitchen.",
    "Somebody at the door asks whether the meeting can be moved to Thursday afternoon.",
    "Please leave the house at once, and call for help.",
    "Your parcel arrives tomorrow morning before lunch.",
    "The dog is barking because there is a stranger in the garden.",
    "Please speak a little louder, I did not hear your last question.",
    "The train to the airport leaves from another platform today.",
    "I will remind you to take your medicine after dinner.",
    "There was a loud crash in the living room, is everybody safe?",
    "The customer wants to cancel the contract and asks for a refund.",
    "One moment, I am looking for the right document.",
    "Water is running in the bathroom, and nobody seems to be there.",
)
LONG = " ".join(SENTENCES[1].rstrip(".") for _ in range(3))
MIB = 2**20
COLUMNS = [
    "voice", "files, MB", "memory, MiB", "load, s", "first sound, median (p95) ms", "its CPU, ms",
    "real-time factor", "CPU s a second of sound", "stopped after, p95 ms", "words wrong",
]  # fmt: skip


@dataclass(frozen=True)
class Measured:
    load_s: float
    memory_mib: float
    first_ms: list[float]
    first_cpu_ms: float
    real_time: float
    cpu_time: float
    stop_ms: list[float]
    word_errors: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--whisper", type=Path, default=tiny_whisper(), help="of CTranslate2")
    parser.add_argument("--smoke", action="store_true", help="a quick run that is not kept")
    arguments = parser.parse_args()
    repeats = 2 if arguments.smoke else arguments.repeats
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for label, settings, size in voices(Path(scratch) / "voices"):
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                found = pool.submit(measure, settings, repeats, arguments.whisper).result()
            rows.append(row(label, size, found))
    finish(
        Result(
            name="voices",
            title="Voices",
            command=this_command("voices"),
            hardware=describe(),
            columns=COLUMNS,
            rows=rows,
            notes=notes(repeats),
            headlines={
                f"first sound of a short sentence, {found[0]}": f"median {found[4].split()[0]} ms"
                for found in rows
                if found[0].startswith("piper")
            },
        ),
        keep=not arguments.smoke,
    )


def notes(repeats: int) -> list[str]:
    how = (
        f"First sound: from the whole text of a short sentence ({SHORT!r}) to its first samples, "
        f"{repeats} times after one that is not counted; nothing is kept ready. Its CPU: of all "
        f"threads. Real-time factor: {len(SENTENCES)} sentences one after the other, computing "
        "time by the length of their sound. Memory: what the process gained by opening the voice "
        "and speaking. Stopped: from telling the network in the middle of a long clause until its "
        "thread was free. Words wrong: what Whisper tiny.en hears of the sentences."
    )
    which = (
        "Kokoro: an eight-bit export by kokoro-onnx, from packages of PyPI and npm, not the file "
        "that `interject voice fetch` takes. Each voice in a process of its own."
    )
    load = f"Other programs ran beside it; load average at the end: {os.getloadavg()[0]:.1f}."
    return [how, which, load]


def tiny_whisper() -> Path:
    package = package_folder(WHISPER_PACKAGE)
    return Path() if package is None else package / "model"


def voices(scratch: Path) -> list[tuple[str, EspeakVoice | PiperVoice | KokoroVoice, int]]:
    """Label, settings, bytes. Without one that is installed, a package has one."""
    found: list[tuple[str, EspeakVoice | PiperVoice | KokoroVoice, int]] = []
    found.append(("espeak-ng en-gb", EspeakVoice(), 0))
    if not installed_voices() and package_folder(PIPER_PACKAGE) is not None:
        os.environ[FOLDER_VARIABLE] = str(voices_with_piper(scratch))
    for voice in installed_voices():
        if voice.engine == "piper":
            piper = PiperVoice(engine="piper", model=voice.name, espeak=None, phrases=())
            found.append((f"piper {voice.name}", piper, voice.size_bytes))
        else:
            kokoro = KokoroVoice(engine="kokoro", model=voice.name, espeak=None, phrases=())
            found.append((f"kokoro {kokoro.name}", kokoro, voice.size_bytes))
    return found


def row(label: str, size_bytes: int, found: Measured) -> list[str]:
    first = found.first_ms
    return [
        label,
        f"{size_bytes / 1e6:.0f}" if size_bytes else "-",
        f"{found.memory_mib:.0f}",
        f"{found.load_s:.1f}",
        f"{percentile(first, 50):.0f} ({percentile(first, 95):.0f})",
        f"{found.first_cpu_ms:.0f}",
        f"{found.real_time:.2f}",
        f"{found.cpu_time:.2f}",
        f"{percentile(found.stop_ms, 95):.0f}" if found.stop_ms else "-",
        f"{found.word_errors:.1%}",
    ]


def measure(
    settings: EspeakVoice | PiperVoice | KokoroVoice, repeats: int, whisper: Path
) -> Measured:
    process = psutil.Process()
    before = process.memory_info().rss
    begun_s = time.perf_counter()
    voice = open_voice(settings)
    load_s = time.perf_counter() - begun_s
    first_ms, cpu_ms = asyncio.run(_latencies(voice, repeats))
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    sounds = [asyncio.run(_said(voice, sentence)) for sentence in SENTENCES]
    wall_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    sound_s = sum(len(sound) for sound in sounds) / voice.sample_rate_hz
    memory_mib = (process.memory_info().rss - before) / MIB
    stop_ms = _stops(settings, repeats)
    errors = word_errors(sounds, voice.sample_rate_hz, WhisperRecogniser(whisper))
    return Measured(
        load_s, memory_mib, first_ms, cpu_ms, wall_s / sound_s, cpu_s / sound_s, stop_ms, errors
    )


async def _latencies(voice: Voice, repeats: int) -> tuple[list[float], float]:
    """First sounds, and the CPU time of one."""
    await _first(voice)
    cpu_s = time.process_time()
    first_ms = [await _first(voice) for _ in range(repeats)]
    cpu_ms = 1e3 * (time.process_time() - cpu_s) / repeats
    return first_ms, cpu_ms


def _stops(settings: EspeakVoice | PiperVoice | KokoroVoice, repeats: int) -> list[float]:
    """How long a network goes on after it was told to stop; espeak-ng is not asked."""
    installed = choose_voice(settings).installed
    if installed is None or isinstance(settings, EspeakVoice):
        return []
    model, manner, stop_ms = shared_model(installed), manner_for(settings, Emotion.NORMAL), []
    for _ in range(repeats):
        stop, told_s = StopSwitch(), list[float]()

        def tell(stop: StopSwitch = stop, told_s: list[float] = told_s) -> None:
            told_s.append(time.perf_counter())
            stop.set()

        threading.Timer(0.03, tell).start()
        with contextlib.suppress(Stopped):
            model.synthesise(LONG, manner, stop)
        stop_ms.append(1e3 * (time.perf_counter() - told_s[0]))
    return stop_ms


async def _first(voice: Voice) -> float:
    begun_s = time.perf_counter()
    async with aclosing(_speech(voice, SHORT)) as speech:
        await anext(speech)
        return 1e3 * (time.perf_counter() - begun_s)


async def _said(voice: Voice, text: str) -> NDArray[np.int16]:
    pcm = b"".join([chunk.pcm async for chunk in _speech(voice, text)])
    assert len(pcm) % SAMPLE_BYTES == 0
    return np.frombuffer(pcm, "<i2")


def _speech(voice: Voice, text: str) -> AsyncGenerator[SpokenChunk, None]:
    return cast("AsyncGenerator[SpokenChunk, None]", voice.speak(_once(text), Emotion.NORMAL))


async def _once(text: str) -> AsyncIterator[str]:
    yield text


def word_errors(
    sounds: list[NDArray[np.int16]], rate_hz: int, recogniser: WhisperRecogniser
) -> float:
    heard = []
    for sound in sounds:
        resampler = Resampler(rate_hz)
        speech = np.concatenate([resampler.push(sound), resampler.finish()])
        heard.append(
            plain(recogniser.transcribe(np.pad(speech.astype(np.float32) / 32_768, 8_000)))
        )
    return float(jiwer.wer([plain(sentence) for sentence in SENTENCES], heard))


if __name__ == "__main__":
    main()
