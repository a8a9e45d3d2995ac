"""Which recordings fit a query."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.training.curation.annotated_sound import AnnotatedSound

SATURATION, LENGTH_WEIGHT = 1.2, 0.75
"""BM25's k1 and b, as they are usually set."""
TAG_WEIGHT = 2
"""A tag counts as often as two words of a caption."""
IGNORED = frozenset(
    (
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it",
        "its", "of", "on", "or", "recording", "sound", "some", "that", "the", "their", "then",
        "there", "this", "to", "was", "were", "while", "with",
    )
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_ENDINGS = ("ing", "ed", "es", "s")


def terms(text: str) -> list[str]:
    """Words without what is common, each without its ending ("barking" finds "barks")."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in IGNORED]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            bare = word.removesuffix(ending)
            return bare[:-1] if len(bare) > 3 and bare[-1] == bare[-2] != "l" else bare.rstrip("e")
    return word.rstrip("e") if len(word) > 3 else word


class SoundIndex:
    """BM25 over tags and captions."""

    def __init__(self, sounds: Sequence[AnnotatedSound]) -> None:
        self._sounds = sounds
        self._found_in: dict[str, list[tuple[int, int]]] = defaultdict(list)
        lengths = []
        for number, sound in enumerate(sounds):
            words = terms(sound.caption) + terms(" ".join(sound.tags)) * TAG_WEIGHT
            lengths.append(len(words))
            for word, count in Counter(words).items():
                self._found_in[word].append((number, count))
        mean = sum(lengths) / max(1, len(lengths)) or 1.0
        self._damping = [
            SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / mean) for length in lengths
        ]

    def search(
        self, query: str, top: int, *, without: Iterable[str] = ()
    ) -> list[tuple[AnnotatedSound, float]]:
        """The best with their scores; those that share no word are left out, as are files named."""
        scores: dict[int, float] = defaultdict(float)
        for word in sorted(set(terms(query))):
            places = self._found_in.get(word, ())
            rarity = math.log(1 + (len(self._sounds) - len(places) + 0.5) / (len(places) + 0.5))
            for number, count in places:
                scores[number] += (
                    rarity * count * (SATURATION + 1) / (count + self._damping[number])
                )
        left_out = set(without)
        best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
        wanted = [item for item in best if self._sounds[item[0]].file not in left_out]
        return [(self._sounds[number], score) for number, score in wanted[:top]]
