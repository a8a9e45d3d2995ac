"""Labels that come from the times of words: a transcript chunk by chunk, a translation in parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.training.streams.stream_source import DiscardedStream
from interject.training.streams.turn import response_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.training.soundflow.texts.text_set import TranslatedSegment
    from interject.training.streams.span import TimedWord


@dataclass(frozen=True, slots=True)
class Label:
    """What is heard, and what is answered in which chunk; None: nothing is."""

    start_s: float
    end_s: float
    user: str
    assistant: str
    chunk: int | None


def chunk_labels(words: Sequence[TimedWord], start_s: float, lag_s: float) -> list[Label]:
    """One a chunk in which a word has ended, with all words that have."""
    labels: list[Label] = []
    for word in words:
        chunk = response_chunk(word.end_s, decision_lag_s=lag_s)
        last = labels[-1] if labels else None
        if last and last.chunk == chunk:
            text = f"{last.user} {word.text}"
            labels[-1] = Label(last.start_s, word.end_s, text, text, chunk)
            continue
        begin_s = last.end_s if last else start_s
        labels.append(Label(begin_s, word.end_s, word.text, word.text, chunk))
    return labels


def segment_labels(
    words: Sequence[TimedWord], segments: Sequence[TranslatedSegment], start_s: float, lag_s: float
) -> list[Label]:
    """One a segment, where its last word has ended. Two that end in one chunk are answered at once.

    :raises DiscardedStream: when a voice timed other words than the segments have.
    """
    counts = [len(_words(segment.source)) for segment in segments]
    if sum(counts) != len(words):
        raise DiscardedStream("words of a voice do not match its text")
    labels: list[Label] = []
    done = 0
    for segment, count in zip(segments, counts, strict=True):
        done += count
        end_s = words[done - 1].end_s
        chunk = response_chunk(end_s, decision_lag_s=lag_s)
        last = labels[-1] if labels else None
        if last and last.chunk == chunk:
            labels[-1] = Label(
                last.start_s, end_s, f"{last.user} {segment.source}",
                f"{last.assistant} {segment.target}", chunk,
            )  # fmt: skip
            continue
        begin_s = last.end_s if last else start_s
        labels.append(Label(begin_s, end_s, segment.source, segment.target, chunk))
    return labels


def _words(text: str) -> list[str]:
    return [word for word in text.split() if any(letter.isalnum() for letter in word)]
