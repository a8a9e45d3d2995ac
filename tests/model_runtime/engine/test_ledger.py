"""What a full slot forgets, and in what order."""

from __future__ import annotations

from itertools import accumulate, count

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.engine.ledger import Ledger, Span, SpanKind

PREFIX, SILENT, ANSWERED, TURN, REPLY = SpanKind


def ledger_of(*spans: tuple[SpanKind, int, int | None]) -> Ledger:
    """Spans of (kind, length, reply id); every position has an id of its own, from 0 up."""
    ledger, ids = Ledger(), count()
    for kind, length, reply_id in spans:
        own = [next(ids) for _ in range(length)]
        ledger.append(Span(kind, own, reply_id=reply_id))
    return ledger


def story(*kinds: SpanKind, length: int = 10) -> Ledger:
    """Spans of one length; each reply is one of its own."""
    replies = count()
    return ledger_of(*((k, length, next(replies) if k is REPLY else None) for k in kinds))


def left(ledger: Ledger) -> list[int]:
    """Which tenths of the story are left, by number."""
    return [span.ids[0] // 10 for span in ledger.spans]


def test_a_growing_reply_stays_one_span() -> None:
    ledger = ledger_of((PREFIX, 3, None), (REPLY, 2, 0), (REPLY, 1, 0), (REPLY, 4, 1))
    assert [(s.kind, s.length) for s in ledger.spans] == [(PREFIX, 3), (REPLY, 3), (REPLY, 4)]
    assert ledger.length == 10


def test_chunks_never_grow_together() -> None:
    assert len(story(SILENT, SILENT, ANSWERED, TURN, TURN).spans) == 5


def test_a_reply_is_shortened_until_it_is_forgotten() -> None:
    ledger = story(PREFIX, ANSWERED, REPLY, SILENT, ANSWERED, REPLY)
    assert ledger.shorten_reply(1, 3) == range(57, 60)
    assert ledger.length == 57
    ledger.evict(target=30, recent=15)
    first = ledger.length - 7
    assert ledger.shorten_reply(1, 100) == range(first, first + 7), "never more than there is"
    assert ledger.length == first
    assert not ledger.shorten_reply(0, 1)
    assert ledger.length == first == sum(span.length for span in ledger.spans)


def test_the_oldest_silent_chunks_go_first() -> None:
    ledger = story(PREFIX, SILENT, ANSWERED, REPLY, SILENT, SILENT, SILENT)
    assert ledger.evict(target=50, recent=10).tolist() == [
        *range(10),
        *range(20, 40),
        *range(50, 70),
    ]
    assert left(ledger) == [0, 2, 3, 5, 6]


def test_then_the_oldest_turns_go_with_their_replies() -> None:
    ledger = story(PREFIX, ANSWERED, REPLY, SILENT, TURN, REPLY, ANSWERED, REPLY)
    ledger.evict(target=50, recent=10)
    assert left(ledger) == [0, 4, 5, 6, 7]


def test_a_reply_that_answers_no_turn_goes_alone() -> None:
    ledger = story(PREFIX, SILENT, REPLY, SILENT, REPLY, SILENT)
    ledger.evict(target=30, recent=10)
    assert left(ledger) == [0, 4, 5]


def test_nothing_goes_when_all_is_prefix_or_recent() -> None:
    ledger = story(PREFIX, SILENT, SILENT)
    assert ledger.evict(target=30, recent=20).tolist() == list(range(30))
    assert left(ledger) == [0, 1, 2]


@pytest.mark.parametrize(
    ("recent", "stay"),
    [(0, [0, 1, 2]), (9, [0, 1, 2]), (10, [0, 4]), (19, [0, 4]), (20, [0, 3, 4])],
)
def test_the_newest_spans_stay_that_fit_whole(recent: int, stay: list[int]) -> None:
    ledger = story(PREFIX, ANSWERED, REPLY, SILENT, SILENT)
    ledger.evict(target=30, recent=recent)
    assert left(ledger) == stay


def test_a_question_leaves_before_its_answer() -> None:
    ledger = ledger_of((PREFIX, 5, None), (SILENT, 13, None), (TURN, 40, None), (REPLY, 40, 0))
    ledger.evict(target=50, recent=45)
    assert [span.kind for span in ledger.spans] == [PREFIX, REPLY]


@pytest.mark.parametrize("recent", [40, 100])
def test_the_target_comes_before_the_newest(recent: int) -> None:
    ledger = ledger_of((PREFIX, 20, None), (SILENT, 13, None), (REPLY, 40, 0), (TURN, 13, None))
    ledger.evict(target=50, recent=recent)
    assert [span.kind for span in ledger.spans] == [PREFIX, TURN]


def test_contents_are_what_was_fed() -> None:
    ledger = Ledger()
    sounds = [torch.full((2, 3), float(n)) for n in range(2)]
    ledger.append(Span(PREFIX, [7, 8]))
    ledger.append(Span(SILENT, [1, -1, -1, 2], sounds[0]))
    ledger.append(Span(ANSWERED, [1, -1, -1, 2], sounds[1]))
    ledger.append(Span(REPLY, [5], reply_id=0))
    feed = ledger.contents()
    assert feed.ids == (7, 8, 1, -1, -1, 2, 1, -1, -1, 2, 5)
    assert [e[0, 0].item() for e in feed.embeddings] == [0.0, 1.0]


kinds = st.sampled_from([SILENT, ANSWERED, TURN, REPLY])
stories = st.lists(st.tuples(kinds, st.integers(1, 30)), min_size=1, max_size=30)


@given(stories, st.integers(0, 400), st.integers(1, 200))
def test_any_story(spans: list[tuple[SpanKind, int]], target: int, recent: int) -> None:
    replies = count()
    ledger = ledger_of(
        (PREFIX, 5, None), *((k, n, next(replies) if k is REPLY else None) for k, n in spans)
    )
    before, ends = ledger.spans, list(accumulate(span.length for span in ledger.spans))
    length = ledger.length
    kept = ledger.evict(target=target, recent=recent).tolist()
    assert kept == sorted(set(kept))
    assert list(ledger.contents().ids) == kept
    assert set(range(5)) <= set(kept)
    assert ledger.length <= max(target, 5), "it is always reached, but for the prefix"
    gone = [span for span in before if span not in ledger.spans]
    if length <= target:
        assert gone == []
    newest = length - min(recent, target - 5)
    starts = [0, *ends]
    droppable = [
        span for span, start in zip(before[1:], starts[1:], strict=False) if start < newest
    ]
    assert all(span in droppable for span in gone)
    if any(span.kind is not SILENT for span in gone):
        assert all(span in gone for span in droppable if span.kind is SILENT)
