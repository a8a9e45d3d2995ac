"""What natural voices are asked to say, in an order of which any beginning is a fair sample."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.nano.isolated import isolated_anywhere
from interject.training.nano.language import replies, spoken_prompts
from interject.training.nano.near_miss import near_miss
from interject.training.nano.speech_bank import ISOLATED, NEAR_MISS, OWN, UNRELATED
from interject.training.nano.talk_grammar import unrelated

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = "request"
_ROUND = (
    REQUEST, ISOLATED, REQUEST, NEAR_MISS, REQUEST, REQUEST, UNRELATED, REQUEST, ISOLATED, REQUEST,
    NEAR_MISS, REQUEST, ISOLATED, REQUEST, UNRELATED, REQUEST, ISOLATED, REQUEST, NEAR_MISS,
    ISOLATED, OWN,
)  # fmt: skip
"""Half of it asks something. What the agent says may come back to it."""
_FOREIGN_SHARE = 0.15
ENDINGS = ("", ".", ".", "?", "?", "!")
_LANGUAGES = ("es", "fr-fr", "it", "pt-br")
"""Those of which Kokoro has speakers."""


@dataclass(frozen=True, slots=True)
class PlannedUtterance:
    """`language` is empty for English. `seed` draws who says it."""

    key: str
    text: str
    ending: str
    language: str
    seed: str


def training_plan(seed: int) -> Iterator[PlannedUtterance]:
    """Without an end: every wording once before any comes again, and so on."""
    number = 0
    asked = [(key, text) for text, key in spoken_prompts().items()]
    decks = {
        REQUEST: _dealt(asked, seed),
        OWN: _dealt([(OWN + reply, reply) for reply in sorted(set(replies()))], seed),
    }
    while True:
        for kind in _ROUND:
            key, text = next(decks[kind]) if kind in decks else (kind, "")
            yield _planned(key, text, f"{seed} {number}", _FOREIGN_SHARE)
            number += 1


def examination_plan(seed: int, talk: int = 100) -> list[PlannedUtterance]:
    """Every wording once, and `talk` utterances of each kind that asks nothing, none of them those
    of a training plan.
    """
    wanted = [(key, text) for text, key in spoken_prompts().items()]
    wanted += [(key, "") for key in (NEAR_MISS, UNRELATED, ISOLATED) for _ in range(talk)]
    random.Random(seed).shuffle(wanted)
    return [_planned(key, text, f"examination {seed} {n}") for n, (key, text) in enumerate(wanted)]


def _dealt(deck: list[tuple[str, str]], seed: int) -> Iterator[tuple[str, str]]:
    """All of it in any order, then again in another."""
    rng = random.Random(seed)
    while True:
        rng.shuffle(deck)
        yield from deck


def _planned(key: str, text: str, seed: str, foreign_share: float = 0.0) -> PlannedUtterance:
    rng, language = random.Random(seed), ""
    if key == ISOLATED:
        language, text = isolated_anywhere(rng, foreign_share, _LANGUAGES)
    elif not text:
        text = near_miss(rng) if key == NEAR_MISS else unrelated(rng)
    ending = "" if text.endswith(("?", "!", ".")) else rng.choice(ENDINGS)
    return PlannedUtterance(key, text, ending, language, seed)
