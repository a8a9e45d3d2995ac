"""Piper: a network for one language, with one speaker or many."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.neural.network_file import NetworkFile
from interject.agent.voice.neural.rendering import RawSpeech

if TYPE_CHECKING:
    from pathlib import Path

    from interject.agent.voice.neural.network_file import StopSwitch
    from interject.agent.voice.neural.rendering import Manner

BEGIN, END, PAD = "^", "$", "_"
HOP_SAMPLES = 256


@dataclass(frozen=True, slots=True)
class PiperConfig:
    """What the JSON beside the network says."""

    sample_rate_hz: int
    language: str
    ids: dict[str, list[int]]
    speakers: dict[str, int]
    noise: float
    length: float
    duration_noise: float
    hop_samples: int


def read_piper_config(path: Path) -> PiperConfig:
    """:raises VoiceFailure: when it is not one, or needs other phonemes than espeak-ng's."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind = content.get("phoneme_type", "espeak")
        if kind != "espeak":
            raise VoiceFailure(f"{path}: its phonemes are {kind!r}, and only espeak-ng's are known")
        inference = content.get("inference", {})
        config = PiperConfig(
            sample_rate_hz=int(content["audio"]["sample_rate"]),
            language=str(content["espeak"]["voice"]),
            ids={str(key): [int(i) for i in ids] for key, ids in content["phoneme_id_map"].items()},
            speakers={str(k): int(v) for k, v in content.get("speaker_id_map", {}).items()},
            noise=float(inference.get("noise_scale", 0.667)),
            length=float(inference.get("length_scale", 1.0)),
            duration_noise=float(inference.get("noise_w", 0.8)),
            hop_samples=int(content.get("hop_length", HOP_SAMPLES)),
        )
        return config if {BEGIN, END, PAD} <= config.ids.keys() else _refuse(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise VoiceFailure(f"{path}: is no configuration of a Piper voice") from error


def _refuse(path: Path) -> PiperConfig:
    raise VoiceFailure(f"{path}: is no configuration of a Piper voice")


class PiperNetwork:
    """:raises VoiceFailure: when a file or a library is missing or not what it must be."""

    def __init__(self, path: Path) -> None:
        self._config = read_piper_config(path.with_name(path.name + ".json"))
        self._file = NetworkFile(path)

    @property
    def sample_rate_hz(self) -> int:
        return self._config.sample_rate_hz

    def language_of(self, speaker: str) -> str:
        self._speaker(speaker)
        return self._config.language

    def synthesise(self, ipa: str, manner: Manner, stop: StopSwitch) -> RawSpeech:
        config = self._config
        ids, places = _symbols(ipa, config.ids)
        scales = [
            config.noise * manner.variation,
            config.length / manner.speed,
            config.duration_noise * manner.variation,
        ]
        inputs: dict[str, Any] = {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array(scales, np.float32),
        }
        if "sid" in self._file.input_names:
            inputs["sid"] = np.array([self._speaker(manner.speaker)], np.int64)
        samples, frames = self._file.run(inputs, stop)
        if frames is None or len(frames) != len(ids):
            frames = np.ones(len(ids), np.float32)
        edges = np.concatenate([[0], np.cumsum(frames)]) / frames.sum() * len(samples)
        edges = edges.astype(np.int64)
        return RawSpeech(samples, edges[places], edges[np.array(places) + 1])

    def _speaker(self, name: str) -> int:
        if not name:
            return 0
        speakers = self._config.speakers
        if name not in speakers:
            known = ", ".join(list(speakers)[:20]) or "one without a name"
            raise VoiceFailure(f"this Piper voice has no speaker {name!r}; it has {known}")
        return speakers[name]


def _symbols(ipa: str, ids: dict[str, list[int]]) -> tuple[list[int], list[int]]:
    """The network's symbols, and for each phoneme which of them is its own.

    A pad follows each symbol, in which the phoneme fades. A phoneme that the network
    does not know has the next one's place.
    """
    symbols, places = [*ids[BEGIN], *ids[PAD]], []
    for phoneme in ipa:
        places.append(len(symbols))
        if phoneme in ids:
            symbols += [*ids[phoneme], *ids[PAD]]
    return [*symbols, *ids[END]], places
