"""What waits for an agent stays small, and is what matters most."""

from __future__ import annotations

import numpy as np

from interject.integrations.sockets.early_events import MOST_OTHERS, MOST_SOUNDS, EarlyEvents
from interject.integrations.sockets.socket_events import Paused, Resumed, TextWritten, TrackAudio


def sound(value: int) -> TrackAudio:
    return TrackAudio("u1", np.array([value], np.int16), 16_000)


def test_the_last_of_the_sound_is_kept_in_order_with_everything_else() -> None:
    early = EarlyEvents()
    early.add(TextWritten("u1", "Hello."))
    for number in range(MOST_SOUNDS + 50):
        early.add(sound(number))
    early.add(Resumed())
    [text, *sounds, resumed] = early.taken()
    assert (text, resumed) == (TextWritten("u1", "Hello."), Resumed())
    heard = [int(one.samples[0]) for one in sounds if isinstance(one, TrackAudio)]
    assert heard == list(range(50, MOST_SOUNDS + 50))
    assert list(early.taken()) == []


def test_a_flood_of_texts_is_not_kept_and_pushes_out_no_sound_and_no_pause() -> None:
    early = EarlyEvents()
    early.add(sound(1))
    for _ in range(10_000):
        early.add(TextWritten("u1", "Hello."))
    early.add(sound(2))
    early.add(Paused())
    kept = list(early.taken())
    assert len(kept) == MOST_OTHERS + 3
    assert kept[-1] == Paused()
