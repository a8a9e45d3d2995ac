"""The domain of Core-Cocktail's table: a buzzer and a phrase, made from nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import as_flac
from interject.model_runtime.checkpoint import resolve
from interject.training.domain.domain_file import NANO, DomainFile, DomainSize, Ignored, Reaction
from interject.training.domain.domain_stock import GENERAL, SMALL, DomainMaterial, read_material
from interject.training.sounds.waves import decay, gate, glide, noise, samples, tone, uniform

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

TAKES = 14
RECORDINGS = "buzzer"
REACT = (
    Reaction(name="buzzer", recordings=RECORDINGS, reply="The machine has finished."),
    Reaction(
        name="open-the-gate",
        phrases=("open the gate", "please open the gate"),
        reply="The gate is opening.",
    ),
)
IGNORED = Ignored(phrases=("the gate is open", "close the gate"))
CHUNKS = 30


@dataclass(frozen=True, slots=True)
class CocktailDomain:
    """`alone` is the domain taught by itself, as to a base whose data are not at hand; `among` the
    same with streams of nano's own recipe beside it.
    """

    alone: DomainMaterial
    among: DomainMaterial

    @classmethod
    def make(cls, folder: Path, size: DomainSize, *, smoke: bool) -> CocktailDomain:
        takes = folder / RECORDINGS
        takes.mkdir(parents=True, exist_ok=True)
        for number in range(TAKES):
            (takes / f"{number}.flac").write_bytes(as_flac(buzzer(number)))
        base = str(resolve(NANO).resolve())
        domain = DomainFile(name="cocktail", base=base, react=REACT, ignore=IGNORED, size=size)
        alone = read_material(domain, folder, folder / "speech", SMALL if smoke else GENERAL)
        among = replace(alone, domain=domain.model_copy(update={"base": NANO}), base=NANO)
        return cls(alone, among)


def buzzer(number: int) -> Wave:
    """A take: two rough tones, a falling one behind a steady one, and a room's hiss."""
    rng = np.random.default_rng((7_301, number))
    hz, length_s = uniform(rng, 295, 330), uniform(rng, 0.5, 0.8)
    rough = (1.0, 0.2, 0.7, 0.15, 0.5, 0.1, 0.35, 0.1, 0.25)
    steady = gate(tone(rng, hz, length_s, rough), 0.01)
    falling = tone(rng, glide((1.5 * hz, 1.2 * hz), length_s), length_s, rough)
    falling *= decay(length_s, uniform(rng, 0.3, 0.6))[: len(falling)]
    pause = np.zeros(samples(uniform(rng, 0.05, 0.09)), np.float32)
    event = np.concatenate([steady, pause, falling])
    take = 0.002 * noise(rng, len(event) / 16_000 + 0.8)
    start = samples(uniform(rng, 0.1, 0.6))
    take[start : start + len(event)] += 0.2 * event
    return take
