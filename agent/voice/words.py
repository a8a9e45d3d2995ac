"""From a clause and a few known times to a timing for every word of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.base import WordTiming

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.agent.voice.clauses import Clause

WORD = re.compile(r"\S+\s*")


def time_words(
    clause: Clause,
    *,
    start_sample: int,
    length_samples: int,
    anchors: Sequence[tuple[int, int]] = (),
) -> tuple[WordTiming, ...]:
    """Spread a clause's words over its sound.

    `anchors` are (character, sample) pairs inside the clause that an engine reported; between them
    time goes by characters. An engine may report fewer words than there are ("42" spoken as two,
    "of the" as one), so what counts as a word is decided here and not there.
    """
    matches = list(WORD.finditer(clause.text))
    if not matches:
        return ()
    chars, samples = _curve(len(clause.text), length_samples, anchors)
    starts = np.interp([m.start() for m in matches], chars, samples).astype(int).tolist()
    ends = [*starts[1:], length_samples]
    first = clause.start_char
    edges = [first + m.start() for m in matches]
    edges[0] = first
    edges.append(first + len(clause.text))
    return tuple(
        WordTiming(
            m.group().strip(), edges[i], edges[i + 1], start_sample + start, start_sample + end
        )
        for i, (m, start, end) in enumerate(zip(matches, starts, ends, strict=True))
    )


def _curve(
    length_chars: int, length_samples: int, anchors: Sequence[tuple[int, int]]
) -> tuple[list[int], list[int]]:
    """Known points in order, neither axis ever going back, the ends always there."""
    chars, samples = [0], [0]
    for char, sample in sorted(anchors):
        if chars[-1] < char < length_chars and samples[-1] <= sample <= length_samples:
            chars.append(char)
            samples.append(sample)
    return [*chars, length_chars], [*samples, length_samples]
