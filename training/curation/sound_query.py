"""What to look for, for one event of a scene."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from interject.config.strict import StrictModel

LEAST_WORDS, MOST_WORDS = 4, 12
MOST_SENTENCES = 2
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")


def _words(query: str) -> str:
    count = len(query.split())
    if not LEAST_WORDS <= count <= MOST_WORDS:
        raise ValueError(f"has {count} words; it must have {LEAST_WORDS} to {MOST_WORDS}")
    return " ".join(query.split())


def _sentences(caption: str) -> str:
    count = max(1, len(_SENTENCE_END.findall(caption)))
    if count > MOST_SENTENCES:
        raise ValueError(f"has {count} sentences; it must have 1 or {MOST_SENTENCES}")
    return " ".join(caption.split())


def _tag(tag: str) -> str:
    return " ".join(tag.lower().split())


Query = Annotated[str, Field(max_length=200), AfterValidator(_words)]
Caption = Annotated[
    str, Field(min_length=1, max_length=400, pattern=r"\S"), AfterValidator(_sentences)
]
Tag = Annotated[str, Field(min_length=1, max_length=60, pattern=r"\S"), AfterValidator(_tag)]


class SoundQuery(StrictModel):
    """`fallback_caption` describes the sound to whoever has to make it: material, surface,
    intensity. A recording with one of `accept_tags` is the right thing.
    """

    query: Query
    fallback_caption: Caption
    accept_tags: Annotated[tuple[Tag, ...], Field(min_length=1, max_length=20)]
