"""Voices: random ones of espeak-ng and flite for training, festival only for tests."""

from __future__ import annotations

import io
import re
import subprocess
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.training.speech.phones import phone_id
from interject.training.speech.utterance import Pcm, SynthesisError, Utterance, trimmed
from interject.training.speech.voice_transform import PLAIN, random_transform, transformed

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from interject.training.speech.espeak import Espeak

ENGLISH = ("en", "en-us", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd",
           "en-029", "en-us-nyc")  # fmt: skip
FOREIGN = ("de", "fr", "es", "it", "nl", "sv", "pl", "tr", "fi", "pt", "el", "hu", "ro", "id")
VARIANTS = (
    "", "", "", "Alex", "Alicia", "Andrea", "Andy", "Annie", "Denis", "Diogo", "Gene", "Gene2",
    "Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Michael", "Mike", "Nguyen", "adam",
    "anika", "announcer", "antonio", "aunty", "belinda", "benjamin", "boris", "caleb", "david",
    "ed", "edward", "f1", "f2", "f3", "f4", "f5", "grandma", "grandpa", "gustave", "iven", "iven2",
    "iven3", "iven4", "john", "kaukovalta", "klatt", "klatt2", "klatt3", "klatt4", "klatt5",
    "klatt6", "linda", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "marcelo", "max", "michel",
    "miguel", "norbert", "pablo", "paul", "pedro", "quincy", "rob", "robert", "sandro", "shelby",
    "steph", "steph2", "steph3", "travis", "victor", "zac",
)  # fmt: skip
FLITE_TRAINING = ("kal16", "awb", "rms")
_TRANSFORMED_ESPEAK = 0.6
FESTIVAL_HELD_OUT = ("ked_diphone", "cmu_us_slt_arctic_hts")


def speak_flite(text: str, voice: str, *, stretch: float = 1.0, pitch_hz: float = 0.0) -> Utterance:
    """:raises SynthesisError: when flite is missing or refuses."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        options = ["--setf", f"duration_stretch={stretch}"]
        if pitch_hz:
            options += ["--setf", f"int_f0_target_mean={pitch_hz}"]
        command = ["flite", "-voice", voice, *options, "-psdur", "-t", text, file.name]
        try:
            done = subprocess.run(  # Ctrl-C is for who asked it to speak.
                command, capture_output=True, check=True, text=True, process_group=0
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise SynthesisError(f"flite could not speak with {voice!r}: install flite") from error
        pcm, rate_hz = _read_wav(Path(file.name).read_bytes())
    track, start = [], 0.0
    for item in done.stdout.split():
        name, _, end = item.rpartition(":")
        track.append((start, phone_id(name)))
        start = float(end)
    return trimmed(text, f"flite-{voice}", pcm, rate_hz, track, _spread_words(text, track, start))


def speak_festival(sentences: Sequence[tuple[str, float]], voice: str) -> list[Utterance]:
    """Many (text, stretch) by one process. Never used in training.

    :raises SynthesisError: when festival or its voice is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        script = [f"(voice_{voice})"]
        for number, (text, stretch) in enumerate(sentences):
            words = re.sub(r"[^\w ,.?']", "", text)
            script += [
                f"(Parameter.set 'Duration_Stretch {stretch})",
                f'(set! u (utt.synth (Utterance Text "{words}")))',
                f'(utt.save.wave u "{folder}/{number}.wav" \'riff)',
            ]
        try:
            subprocess.run(["festival", "--pipe"], input="\n".join(script), check=True, text=True,
                           capture_output=True)  # fmt: skip
            waves = [
                _read_wav((Path(folder) / f"{n}.wav").read_bytes()) for n in range(len(sentences))
            ]
        except (OSError, subprocess.CalledProcessError) as error:
            raise SynthesisError(f"festival could not speak with {voice!r}: install it") from error
    return [
        trimmed(text, f"festival-{voice}", pcm, rate_hz, [], [])
        for (text, _), (pcm, rate_hz) in zip(sentences, waves, strict=True)
    ]


def random_espeak(
    espeak: Espeak, text: str, rng: random.Random, *, language: str = ""
) -> Utterance:
    """In some English, if no other language is named."""
    foreign = bool(language)
    language = language or rng.choice(ENGLISH)
    variant = rng.choice(VARIANTS)
    ending = rng.choice(("", "?", ".", "!"))
    transform = PLAIN
    if not foreign and rng.random() < _TRANSFORMED_ESPEAK:
        transform = random_transform(rng, pitch=_octaves(rng, 0.85, 1.2))
    said = espeak.speak(
        text + ending,
        f"{language}+{variant}" if variant else language,
        words_per_min=int(rng.triangular(110, 240, 165) / transform.pitch),
        pitch=rng.randint(10, 90),
        pitch_range=rng.randint(10, 90),
    )
    return transformed(said, transform, rng)


def agent_voice(espeak: Espeak, text: str, rng: random.Random) -> Utterance:
    """As Interject's own voices say it, in any emotion; one in four is some other voice."""
    if rng.random() < 0.25:
        return random_espeak(espeak, text, rng)
    return espeak.speak(
        text, rng.choice(ENGLISH[:2]), words_per_min=rng.randint(135, 235),
        pitch=rng.randint(35, 72), pitch_range=rng.randint(25, 80),
    )  # fmt: skip


def random_flite(text: str, rng: random.Random, count: int) -> list[Utterance]:
    """One rendering, transformed in `count` ways: flite is slow and has men's voices only."""
    pitch = _octaves(rng, 0.85, 1.2) if rng.random() < 0.5 else _octaves(rng, 1.2, 1.9)
    said = speak_flite(
        text + rng.choice(("", "?", ".")), rng.choice(FLITE_TRAINING),
        stretch=rng.uniform(0.75, 1.3) * pitch, pitch_hz=rng.uniform(75, 200),
    )  # fmt: skip
    return [transformed(said, random_transform(rng, pitch=pitch), rng) for _ in range(count)]


def _octaves(rng: random.Random, low: float, high: float) -> float:
    return float(low * (high / low) ** rng.random())


def _read_wav(data: bytes) -> tuple[Pcm, int]:
    with wave.open(io.BytesIO(data)) as reader:
        return np.frombuffer(
            reader.readframes(reader.getnframes()), np.int16
        ), reader.getframerate()


def _spread_words(
    text: str, track: list[tuple[float, int]], end_s: float
) -> list[tuple[str, float]]:
    words = re.findall(r"[a-z']+", text.lower())
    start_s = track[1][0] if len(track) > 1 else 0.0
    total = sum(len(word) + 1 for word in words)
    found, done = [], 0
    for word in words:
        done += len(word) + 1
        found.append((word, start_s + (end_s - start_s) * done / total))
    return found
