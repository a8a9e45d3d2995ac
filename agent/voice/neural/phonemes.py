"""From a clause to the phonemes that a network reads, and back to where its words are.

espeak-ng says phonemes of a whole clause, where words run together ("of the" is one, "42" is two).
Which of them belong to a word is found by comparing them with those of each word alone.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from interject.agent.voice.words import WORD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Phonemise = Callable[[str], str]
    """IPA of a text, words apart by spaces, without marks."""

MARKS = re.compile(r"([.,!?;:]+)(?=\s|$)")
LANGUAGE_SWITCH = re.compile(r"\([^)]*\)")
SILENT = frozenset(" .,!?;:\N{MODIFIER LETTER VERTICAL LINE}\N{MODIFIER LETTER LOW VERTICAL LINE}")
"""What has no sound of its own: pauses and stress."""
SNAP_PHONEMES = 1


@dataclass(frozen=True, slots=True)
class WordPhonemes:
    """A word's characters in the clause, and its phonemes: the first, and the one after the last.

    `end_char` includes the space after it.
    """

    text: str = field(repr=False)
    first_char: int
    end_char: int
    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Phonemes:
    """`ipa` has the marks of the text; words are in order and do not overlap."""

    ipa: str = field(repr=False)
    words: tuple[WordPhonemes, ...]


def phonemes_of(text: str, phonemise: Phonemise) -> Phonemes:
    ipa, words = "", list[WordPhonemes]()
    at_char = 0
    for piece in MARKS.split(text):
        if MARKS.fullmatch(piece):
            ipa += piece[0]
        elif piece.strip():
            spoken = normalised(phonemise(piece))
            offset = len(ipa) + bool(ipa)
            ipa += " " * bool(ipa) + spoken
            words += _words(piece, at_char, spoken, offset, phonemise)
        at_char += len(piece)
    return Phonemes(ipa, _covering(words, text))


def normalised(ipa: str) -> str:
    """As networks were taught: marks apart from letters, no notes on the language."""
    return " ".join(unicodedata.normalize("NFD", LANGUAGE_SWITCH.sub("", ipa)).split())


def _words(
    piece: str, at_char: int, ipa: str, offset: int, phonemise: Phonemise
) -> list[WordPhonemes]:
    matches = list(WORD.finditer(piece))
    firsts = _firsts([m.group().strip() for m in matches], ipa, phonemise)
    return [
        WordPhonemes(
            m.group().strip(),
            at_char + m.start(),
            at_char + m.end(),
            offset + first,
            offset + max(first, _sounding_end(ipa, first, following)),
        )
        for m, first, following in zip(matches, firsts, [*firsts[1:], len(ipa)], strict=True)
    ]


def _firsts(words: Sequence[str], ipa: str, phonemise: Phonemise) -> list[int]:
    """Where the phonemes of each word begin."""
    groups = [m.start() for m in re.finditer(r"\S+", ipa)]
    if len(words) < 2:
        return [0] * len(words)
    alone = ["".join(_letters(normalised(phonemise(word)))) for word in words]
    letters = [at for at, letter in enumerate(ipa) if letter not in SILENT]
    if not letters:
        return [0] * len(words)
    edges = _mapped(alone, "".join(ipa[at] for at in letters))
    firsts = []
    for edge in edges:
        at = letters[min(edge, len(letters) - 1)]
        near = min(groups, key=lambda group: abs(group - at))
        firsts.append(near if abs(near - at) <= SNAP_PHONEMES else at)
    return [max(firsts[: i + 1]) for i in range(len(firsts))]


def _letters(ipa: str) -> list[str]:
    return [letter for letter in ipa if letter not in SILENT]


def _mapped(alone: Sequence[str], together: str) -> list[int]:
    """The place in `together` at which each of the words begins that were said alone."""
    joined = "".join(alone)
    places = [0] * (len(joined) + 1)
    matcher = SequenceMatcher(None, joined, together, autojunk=False)
    for _, first, end, to_first, to_end in matcher.get_opcodes():
        for at in range(first, end):
            places[at] = to_first + (at - first) * (to_end - to_first) // (end - first)
    places[-1] = len(together)
    begins, at = [], 0
    for word in alone:
        begins.append(places[at])
        at += len(word)
    return begins


def _sounding_end(ipa: str, first: int, following: int) -> int:
    end = following
    while end > first and ipa[end - 1] in SILENT:
        end -= 1
    return end


def _covering(words: Sequence[WordPhonemes], text: str) -> tuple[WordPhonemes, ...]:
    """Words cover the text without holes: marks belong to the word before them."""
    if not words:
        return ()
    starts = [0, *(word.first_char for word in words[1:])]
    ends = [*starts[1:], len(text)]
    return tuple(
        WordPhonemes(text[start:end].strip(), start, end, word.first, word.end)
        for word, start, end in zip(words, starts, ends, strict=True)
    )
