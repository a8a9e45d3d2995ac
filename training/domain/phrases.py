"""What is said: a domain's phrases in many voices, and what is nearly one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.config.lists import plain
from interject.training.nano.near_miss import quoted
from interject.training.nano.speech_plan import ENDINGS, PlannedUtterance
from interject.training.nano.talk_grammar import unrelated
from interject.training.speech.voices import random_espeak, random_flite

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from interject.training.nano.natural_voices import KokoroReader
    from interject.training.speech.espeak import Espeak
    from interject.training.speech.utterance import Utterance

FLITE_SHARE, NATURAL_SHARE, _TRANSFORMS = 0.2, 0.5, 3


@dataclass(frozen=True, slots=True)
class PhraseSpeakers:
    """Who says a domain's phrases. `natural` is somebody else each time; None: nobody."""

    espeak: Espeak
    natural: KokoroReader | None = None

    def say(self, text: str, count: int, rng: random.Random) -> Iterator[Utterance]:
        """In `count` voices: half of them natural where there are such; of the others one in five
        is flite's.

        :raises SynthesisError: when a synthesiser is missing.
        """
        natural = 0
        if self.natural is not None:
            natural = sum(rng.random() < NATURAL_SHARE for _ in range(count))
            for _ in range(natural):
                seed = str(rng.random())
                yield self.natural.say(PlannedUtterance("", text, rng.choice(ENDINGS), "", seed))
        by_flite = round((count - natural) * FLITE_SHARE / _TRANSFORMS)
        for _ in range(by_flite):
            yield from random_flite(text, rng, _TRANSFORMS)
        for _ in range(count - natural - by_flite * _TRANSFORMS):
            yield random_espeak(self.espeak, text, rng)


def near_phrase(wordings: Sequence[str], rng: random.Random) -> str:
    """A wording that is quoted, broken off, or has another word in one place."""
    wording = plain(rng.choice(list(wordings)))
    if rng.random() < 0.3:
        return quoted(rng, wording)
    text = _altered(wording.split(), rng)
    return unrelated(rng) if any(_within(plain(known), text) for known in wordings) else text


def _altered(words: list[str], rng: random.Random) -> str:
    other = rng.choice(unrelated(rng).split())
    if len(words) == 1:
        return f"{other} {rng.choice(unrelated(rng).split())}"
    if rng.random() < 0.5:
        return " ".join(words[: rng.randrange(1, len(words))])
    at = rng.randrange(len(words))
    return " ".join([*words[:at], other, *words[at + 1 :]])


def _within(wording: str, text: str) -> bool:
    return f" {wording} " in f" {text} "
