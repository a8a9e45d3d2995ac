"""Comparing what was said with what was due."""

from __future__ import annotations

import re
import unicodedata

_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBERS = {word: number for number, word in enumerate(_SMALL)}
TENS = {word: 10 * number for number, word in enumerate(_TENS, 2)}
COMMON = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "been", "but", "by", "did", "do", "does", "for",
        "from", "had", "has", "have", "he", "her", "his", "i", "in", "is", "it", "its", "me", "my",
        "of", "on", "or", "our", "she", "so", "that", "the", "their", "them", "then", "there",
        "they", "this", "to", "was", "we", "were", "what", "when", "where", "which", "who", "will",
        "with", "you", "your",
    }
)  # fmt: skip
"""Words that say nothing about whether an answer is right."""
_WORD = re.compile(r"[\u3400-\u9fff\u3040-\u30ff]|[^\W_]+(?:'[^\W_]+)*")


def words(text: str) -> list[str]:
    """Lower case, without punctuation. A Chinese or Japanese letter is a word of its own."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def numbers(text: str) -> list[int]:
    """In digits or in English words up to ninety-nine, in order."""
    found: list[int] = []
    tens: int | None = None
    for word in words(text):
        if tens is not None and 1 <= NUMBERS.get(word, 0) <= 9:
            found[-1] = tens + NUMBERS[word]
            tens = None
            continue
        tens = TENS.get(word)
        if tens is not None:
            found.append(tens)
        elif word in NUMBERS:
            found.append(NUMBERS[word])
        elif word.isascii() and word.isdigit() and len(word) <= 18:
            found.append(int(word))
    return found


def same_words(said: str, due: str) -> bool:
    return words(said) == words(due)


def same_count(said: str, due: str) -> bool:
    """The same numbers, in whatever sentence."""
    return numbers(said) == numbers(due)


def knows(said: str, due: str) -> bool:
    """Whether an answer holds the numbers and half of the telling words of the reference."""
    told = set(words(said))
    telling = [word for word in words(due) if word not in COMMON]
    if not telling:
        return same_words(said, due)
    held = sum(word in told for word in telling)
    return 2 * held >= len(telling) and set(numbers(due)) <= set(numbers(said))
