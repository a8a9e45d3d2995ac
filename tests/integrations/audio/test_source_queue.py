"""A source that was late is in time again, and nothing that somebody said is lost for it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.audio.source_queue import (
    BLOCK_SAMPLES,
    MOST_HELD_SAMPLES,
    PAUSE_DBFS,
    SourceCounts,
    SourceQueue,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

PATIENCE_S, PATIENCE = 0.1, 1_600
WINDOW = 50
LOUD = 8_000


def tone(samples: int, level: int = LOUD) -> NDArray[np.int16]:
    return np.full(samples, level, np.int16)


class Talk:
    """A queue from which a block is taken every 20 ms, or when it is there, or 100 ms later."""

    def __init__(self) -> None:
        self.counts = SourceCounts()
        self.may_move = True
        self.queue = SourceQueue("ann", PATIENCE_S, self.counts, lambda: self.may_move)
        self.taken: list[NDArray[np.int16]] = []
        self._due = 0

    def say(self, blocks: int, level: int = LOUD, *, late: int = 0) -> None:
        for _ in range(blocks):
            self.queue.push(tone(BLOCK_SAMPLES, level))
            self.pass_time(late=late)

    def pass_time(self, blocks: int = 1, *, late: int = 0) -> None:
        for _ in range(blocks):
            self._due += 1
            while self._due and (self.queue.complete or self._late >= PATIENCE):
                self.take(late=max(late, self._late))
                self._due -= 1

    @property
    def _late(self) -> int:
        return (self._due - 1) * BLOCK_SAMPLES

    def take(self, blocks: int = 1, *, late: int = 0) -> None:
        self.taken += [self.queue.take(late) for _ in range(blocks)]


def waiting(talk: Talk) -> int:
    parts = itertools.takewhile(len, (talk.queue.take(0) for _ in itertools.count()))
    return sum(len(part) for part in parts)


def test_a_burst_stays_while_somebody_speaks_and_goes_when_nobody_does() -> None:
    talk = Talk()
    talk.queue.push(tone(1_600))
    talk.say(2 * WINDOW)
    assert talk.counts == SourceCounts()
    talk.say(20, level=0)
    assert talk.counts == SourceCounts(trimmed=2_240)
    talk.say(10 * WINDOW)
    assert talk.counts == SourceCounts(trimmed=2_240)
    assert waiting(talk) == 0


def test_nothing_moves_while_an_echo_is_expected() -> None:
    talk = Talk()
    talk.queue.push(tone(1_600))
    talk.say(2 * WINDOW)
    talk.may_move = False
    talk.say(20, level=0)
    assert talk.counts == SourceCounts()
    talk.may_move = True
    talk.say(20, level=0)
    assert talk.counts == SourceCounts(trimmed=2_240)


@pytest.mark.parametrize("level", [LOUD, 200])
def test_who_never_pauses_is_hurried_and_loses_no_word(level: int) -> None:
    """A burst of 0.1 s in noise: nothing happens for ten seconds, then speech is a bit faster."""
    talk = Talk()
    talk.queue.push(tone(1_600, level))
    talk.say(9 * WINDOW, level)
    assert talk.counts == SourceCounts()
    talk.say(20 * WINDOW, level)
    assert talk.counts == SourceCounts(hurried=talk.counts.hurried)
    assert 1_440 <= talk.counts.hurried <= 2_400


def test_a_long_delay_is_hurried_at_once() -> None:
    talk = Talk()
    talk.queue.push(tone(5_000))
    talk.say(3 * WINDOW)
    assert 0.02 < talk.counts.hurried / (2 * WINDOW * BLOCK_SAMPLES) < 0.11
    assert talk.counts == SourceCounts(hurried=talk.counts.hurried)


def test_a_pause_grows_where_sound_nearly_misses_its_block() -> None:
    """As of a slow sender, who would be cut up by silence otherwise."""
    talk = Talk()
    talk.say(WINDOW, late=1_300)
    assert talk.counts == SourceCounts()
    talk.say(10, late=1_300)
    talk.say(1, level=0, late=1_300)
    assert talk.counts == SourceCounts(stretched=660)


def test_silence_that_stood_in_for_lost_sound_is_part_of_the_hole() -> None:
    talk = Talk()
    talk.say(10)
    talk.take(4, late=1_600)
    assert talk.counts.padded == 4 * BLOCK_SAMPLES
    talk.queue.push(tone(BLOCK_SAMPLES), missing=5 * BLOCK_SAMPLES)
    assert waiting(talk) == 2 * BLOCK_SAMPLES


@pytest.mark.parametrize("seconds", [0.5, 60.0])
def test_a_pause_of_any_length_is_silent_once(seconds: float) -> None:
    talk = Talk()
    talk.say(10)
    blocks = round(50 * seconds)
    talk.take(blocks - 2)
    talk.queue.push(tone(BLOCK_SAMPLES), missing=blocks * BLOCK_SAMPLES)
    assert waiting(talk) == 3 * BLOCK_SAMPLES


def test_a_time_stamp_that_jumps_is_no_hole() -> None:
    talk = Talk()
    talk.say(10)
    talk.queue.push(tone(BLOCK_SAMPLES), missing=16_000 * 3_600)
    assert waiting(talk) == BLOCK_SAMPLES


def test_who_is_late_is_waited_for_block_by_block_and_who_is_away_is_not() -> None:
    talk = Talk()
    talk.say(1)
    waited_for = []
    for _ in range(6):
        waited_for.append(not talk.queue.complete)
        talk.take(late=1_600)
    assert waited_for == [True] * 5 + [False]
    assert talk.counts.padded == 5 * BLOCK_SAMPLES


def test_what_cannot_be_held_is_cut_and_counted() -> None:
    talk = Talk()
    talk.queue.push(tone(5 * 16_000))
    assert talk.counts.cut == 5 * 16_000 - MOST_HELD_SAMPLES
    assert waiting(talk) == MOST_HELD_SAMPLES


@given(
    st.lists(
        st.tuples(
            st.integers(0, 1_000), st.integers(0, 4_000), st.booleans(), st.integers(0, 1_600)
        ),
        max_size=300,
    )
)
def test_each_sample_is_heard_or_counted(steps: list[tuple[int, int, bool, int]]) -> None:
    """And what is loud is heard, but for what does not fit or is hurried."""
    talk = Talk()
    pushed = loud = holes = 0
    for samples, missing, quiet, late in steps:
        level = 0 if quiet else LOUD
        talk.queue.push(tone(samples, level), missing)
        pushed += samples
        loud += 0 if quiet else samples
        holes += missing
        talk.take(late=late)
    heard = np.concatenate([*talk.taken, tone(0)])
    counts = talk.counts
    left = waiting(talk)
    assert len(heard) + left + counts.cut + counts.hurried <= pushed + holes + counts.stretched
    assert len(heard) + left + counts.cut + counts.hurried + counts.trimmed >= pushed
    assert int((heard > 0).sum()) + left + counts.cut + counts.hurried >= loud


def test_what_is_left_out_is_far_below_speech() -> None:
    assert PAUSE_DBFS == -50
