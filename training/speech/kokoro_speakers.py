"""Who speaks natural speech: voices of Kokoro, and mixtures of two of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.voice.neural.kokoro import LANGUAGES

if TYPE_CHECKING:
    import random

    from interject.training.sounds.waves import Wave
    from interject.training.speech.kokoro_voice import KokoroModel

HELD_OUT = (
    "af_bella", "af_nova", "af_river", "am_adam", "am_eric", "am_puck", "bf_lily", "bm_george",
)  # fmt: skip
"""For tests only: never trained on, nor in any mixture that is."""
_PLAIN_SHARE, _ACCENT_SHARE = 0.45, 0.15
_LEAST_OF_A_MIXTURE = 0.3


@dataclass(frozen=True, slots=True)
class KokoroSpeaker:
    """`language` is whose phonemes it reads, by espeak-ng's name."""

    name: str
    language: str
    styles: Wave = field(repr=False)


class KokoroCast:
    """Draws speakers from voices that are heard in training, or from those that are held out.

    The same texts in a voice of another language sound like somebody with an accent.

    :raises SynthesisError: when a voice is not there.
    """

    def __init__(self, model: KokoroModel, *, held_out: bool) -> None:
        self._model, self._held_out = model, held_out
        names = [name for name in model.all_voices if (name in HELD_OUT) is held_out]
        self._english = [name for name in names if name in model.voices]
        self._others = [name for name in names if name not in model.voices]

    def draw(self, rng: random.Random) -> KokoroSpeaker:
        """One who speaks English."""
        name = rng.choice(self._english)
        language, choice = LANGUAGES[name[0]], rng.random()
        if self._held_out or choice < _PLAIN_SHARE:
            return KokoroSpeaker(name, language, self._model.styles(name))
        other = rng.choice(self._others + self._english)
        if choice < _PLAIN_SHARE + _ACCENT_SHARE and self._others:
            other = rng.choice(self._others)
            return KokoroSpeaker(other, language, self._model.styles(other))
        share = rng.uniform(_LEAST_OF_A_MIXTURE, 1 - _LEAST_OF_A_MIXTURE)
        mixed = share * self._model.styles(name) + (1 - share) * self._model.styles(other)
        return KokoroSpeaker(f"{name}+{other}", language, mixed)

    def draw_foreign(self, language: str, rng: random.Random) -> KokoroSpeaker | None:
        """One who speaks that language; None where nobody does."""
        names = [name for name in self._others if LANGUAGES.get(name[0]) == language]
        if not names:
            return None
        name = rng.choice(names)
        return KokoroSpeaker(name, language, self._model.styles(name))
