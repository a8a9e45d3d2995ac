"""Streams, sources and item files for tests, made on the spot."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.agent.sound_file import as_flac
from interject.model_runtime.protocol import Emotion
from interject.training.dataset.manifest import BuildSettings
from interject.training.dataset.sounds_source import SoundsSettings, SoundsSource
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, SoundSource, StreamSpan, TimedWord
from interject.training.streams.stream import TrainingStream
from interject.training.streams.stream_source import DiscardedStream
from interject.training.streams.turn import StreamTurn

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHORT = SoundsSource(SoundsSettings(least_sounds=1, most_sounds=2, most_gap_s=1.0))


def settings(count: int, **changed: Any) -> BuildSettings:
    given = {"recipe": "test", "settings": {}, "seed": 1, "streams_per_shard": 4, **changed}
    return BuildSettings(count=count, **given)


def noise(samples: int, seed: int = 1) -> NDArray[np.float32]:
    """Such that 16 bits hold it exactly."""
    whole = np.random.default_rng(seed).integers(-8_000, 8_000, samples)
    return (whole / 32_768).astype(np.float32)


def rich_stream(stream_id: str = "a-1", samples: int = 20_000) -> TrainingStream:
    """One in which nothing is left at its default."""
    source = SoundSource("bell.wav", "CC-BY-4.0", "ab" * 32)
    words = (TimedWord("hello", 0.3), TimedWord("there", 0.5))
    return TrainingStream(
        stream_id,
        Ability.VOICE_CHAT,
        noise(samples),
        turns=(
            StreamTurn(0.0, 0.5, "hello there", "Hello.", Emotion.HAPPY, "chat", 1),
            StreamTurn(0.5, 1.0, "", "", Emotion.SAD, "street", reference_turn=0),
        ),
        spans=(
            StreamSpan(Layer.SPEECH, "speech", 0.1, 0.5, "hello there", words, "anna", source),
            StreamSpan(Layer.NOISE, "hiss", 0.0, 1.25),
        ),
        seed=7,
        system_prompt="Be kind.",
        skipped=("asr",),
        scene_type="Daily",
    )


@dataclass(frozen=True)
class TinySource:
    """A tenth of a second each: quick. `discard_every` says which numbers have no stream."""

    discard_every: int = 0

    def make(self, number: int, seed: int) -> TrainingStream:
        if self.discard_every and number % self.discard_every == 0:
            raise DiscardedStream("borderline")
        sound = noise(1_600, seed * 1_000 + number)
        return TrainingStream(f"t-{number}", Ability.PROACTIVE, sound, (), (), seed)


@dataclass(frozen=True)
class DeadlySource:
    """Kills its process at one number: always, or only the first time, which `mark` remembers."""

    number: int
    mark: str = ""

    def make(self, number: int, seed: int) -> TrainingStream:
        if number == self.number and not (self.mark and os.path.exists(self.mark)):
            if self.mark:
                open(self.mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return TinySource().make(number, seed)


def write_lines(path: Path, *items: dict[str, Any] | str | bytes) -> Path:
    """Whatever stands for an item, a line each."""
    lines = [
        item if isinstance(item, bytes)
        else (item if isinstance(item, str) else json.dumps(item)).encode()
        for item in items
    ]  # fmt: skip
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def write_sound(path: Path, samples: int = 9_600, seed: int = 1) -> NDArray[np.float32]:
    sound = noise(samples, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(as_flac(sound))
    return sound


def public(**changed: Any) -> dict[str, Any]:
    """An item as it is published, of one turn whose sound is a.flac."""
    turn = {
        "user": "how many", "assistant": "One.", "emotion": "happy", "scene_type": "Daily",
        "audio_path": "a.flac",
    }  # fmt: skip
    item = {"id": "x.1", "stream_scene_type": "voice_chat", "num_turns": 1, "turns": [turn]}
    for key, value in changed.items():
        (turn if key in turn else item)[key] = value
    return item
