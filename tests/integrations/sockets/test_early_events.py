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


def test_of_each_of_many_tracks_the_last_two_seconds_are_kept() -> None:
    early = EarlyEvents()
    for number in range(150):
        for track in range(8):
            piece = np.full(320, number, np.int16)
            early.add(TrackAudio(f"u{track}", piece, 16_000))
    kept = [one for one in early.taken() if isinstance(one, TrackAudio)]
    for track in range(8):
        heard = [int(one.samples[0]) for one in kept if one.track_id == f"u{track}"]
        assert heard == list(range(50, 150))


def test_one_long_piece_is_kept_whole() -> None:
    early = EarlyEvents()
    long = TrackAudio("u1", np.zeros(80_000, np.int16), 16_000)
    early.add(sound(1))
    early.add(long)
    assert list(early.taken()) == [long]


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
