"""Which words of a question say what it is about."""

from __future__ import annotations

import re

from interject.agent.notes.numerals import in_digits
from interject.config.letters import folded

MOST_WORDS = 48
WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['\u2019][^\W\d_]+)?|[^\W_]+")
NEGATIONS = frozenset(WORD.findall("cannot never no nobody none nor not nothing without"))
FUNCTION_WORDS = frozenset(
    WORD.findall("""
    a about am an and any are as at be been being but by can could did do does doing done each for
    from had has have having he her here hers him his how i if in into is it its just long many may
    me might mine much must my of off on onto or our ours out over per she should so some such than
    that the their theirs them then there these they this those through to too under until up upon
    us very was we were what when where whether which while who whom whose why will with would you
    your yours
    i'm it's that's there's they're we're what's where's who's you're i'll we'll you'll i've we've
    please okay yes
    """)
)
"""Of English. In another language every word counts, so good matches have lower scores there."""


_SEAM = re.compile(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)")


def searchable(text: str) -> str:
    """As it is indexed and asked for: a word and a number that touch are two, as in "5kg"."""
    return _SEAM.sub(" ", folded(in_digits(text)))


def words(text: str) -> tuple[str, ...]:
    """All of them in small letters, each once, in their order."""
    found = WORD.findall(folded(text))
    return tuple(dict.fromkeys(word.replace("\u2019", "'") for word in found))


def telling_words(text: str) -> tuple[str, ...]:
    """Those that are not in every sentence."""
    return tuple(word for word in words(text) if word not in FUNCTION_WORDS)[:MOST_WORDS]


def is_negated(text: str) -> bool:
    return any(word in NEGATIONS or word.endswith("n't") for word in words(text))
