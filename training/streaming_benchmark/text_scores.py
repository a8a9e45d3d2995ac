"""Word errors of what was transcribed, BLEU of what was translated: over whole streams."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from interject.training.sound_benchmark.bootstrap import CONFIDENCE, Estimate, estimate_of_rows
from interject.training.streaming_benchmark.words import words
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from interject.training.streaming_benchmark.played_stream import PlayedStream

BLEU_RESAMPLES = 300
CHINESE = ("\u3400", "\u9fff")


@dataclass(frozen=True, slots=True)
class TextScores:
    """None in an estimate: the data set has no such streams. BLEU is from 0 to 100."""

    word_error_rate: Estimate
    reference_words: int
    bleu: Estimate
    translated_streams: int


def score_texts(streams: Sequence[PlayedStream], *, seed: int) -> TextScores:
    """What was said at the wrong moment is text all the same, and in order.

    :raises ModuleNotFoundError: when jiwer or sacrebleu is missing and needed.
    """
    spoken = [s for s in streams if s.ability is Ability.REAL_TIME_ASR and s.due]
    rows = word_error_rows(spoken)
    translated = [s for s in streams if s.ability is Ability.TRANSLATION and s.due]
    return TextScores(
        word_error_rate=estimate_of_rows(rows, lambda s: s[:, 0] / s[:, 1], seed=seed),
        reference_words=int(rows[:, 1].sum()),
        bleu=_bleu(translated, seed),
        translated_streams=len(translated),
    )


def word_error_rows(streams: Sequence[PlayedStream]) -> NDArray[np.float64]:
    """[streams, 2]: wrong words, and how many there should be.

    :raises ModuleNotFoundError: when jiwer is missing and there is a stream.
    """
    return np.array([_errors(stream) for stream in streams], np.float64).reshape(-1, 2)


def bleu_change(pairs: Sequence[tuple[PlayedStream, PlayedStream]], *, seed: int) -> Estimate:
    """How much higher the second runs of the same streams are, from -100 to 100.

    :raises ModuleNotFoundError: when sacrebleu is missing and there is a stream.
    """
    if not pairs:
        return Estimate(None, None, None)
    before, after = (_Corpus([pair[side] for pair in pairs]) for side in (0, 1))
    return _drawn_again(lambda some: after.bleu(some) - before.bleu(some), len(pairs), seed)


def due_text(stream: PlayedStream) -> str:
    return " ".join(due.text for due in stream.due)


def heard_text(stream: PlayedStream) -> str:
    return " ".join(heard.text for heard in stream.heard)


def _errors(stream: PlayedStream) -> tuple[int, int]:
    """Wrong words, and how many there should be."""
    import jiwer

    due = words(due_text(stream))
    if not due:
        return len(words(heard_text(stream))), 0
    found = jiwer.process_words(" ".join(due), " ".join(words(heard_text(stream))))
    return found.substitutions + found.deletions + found.insertions, len(due)


class _Corpus:
    """What was due and what was said in translated streams; there is at least one."""

    def __init__(self, streams: Sequence[PlayedStream]) -> None:
        from sacrebleu.metrics.bleu import BLEU

        self._due, self._heard = [due_text(s) for s in streams], [heard_text(s) for s in streams]
        self._metric = BLEU(tokenize="zh" if _is_chinese("".join(self._due)) else "13a")

    def bleu(self, chosen: Sequence[int]) -> float:
        """From 0 to 100, of some of the streams."""
        heard, due = ([texts[i] for i in chosen] for texts in (self._heard, self._due))
        return float(self._metric.corpus_score(heard, [due]).score)


def _bleu(streams: Sequence[PlayedStream], seed: int) -> Estimate:
    if not streams:
        return Estimate(None, None, None)
    return _drawn_again(_Corpus(streams).bleu, len(streams), seed)


def _drawn_again(score: Callable[[Sequence[int]], float], count: int, seed: int) -> Estimate:
    """A score of a whole corpus is no ratio of sums, so that it is worked out for each draw."""
    rng = np.random.default_rng(seed)
    drawn = [score(rng.integers(count, size=count).tolist()) for _ in range(BLEU_RESAMPLES)]
    edge = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [edge, 1 - edge])
    return Estimate(score(range(count)), float(low), float(high))


def _is_chinese(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return 2 * sum(CHINESE[0] <= letter <= CHINESE[1] for letter in letters) > len(letters)
