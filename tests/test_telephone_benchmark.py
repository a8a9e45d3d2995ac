"""What the benchmark of the telephone makes of what it hears."""

from __future__ import annotations

import numpy as np

from benchmarks.livekit_events import Kind, RoomEvent
from benchmarks.telephone import COLUMNS, INTERJECT, Answered, Load, row

SAMPLES = np.zeros(160, np.int16)
QUESTION, SOUND = RoomEvent("who", Kind.QUESTION, SAMPLES), RoomEvent("bang", Kind.SOUND, SAMPLES)


def a_load(*answers: Answered) -> Load:
    return Load(INTERJECT, 2, media=0.5, model=0.2, phones=0.1, alerts=0, answers=list(answers))


def test_a_row_tells_questions_from_sounds_and_counts_who_was_not_answered() -> None:
    load = a_load(
        Answered(QUESTION, 400.0, 450.0), Answered(QUESTION, 600.0, 650.0),
        Answered(SOUND, None, None), Answered(SOUND, -20.0, 10.0),
    )  # fmt: skip
    assert row(load) == [
        "interject", "2", "2 of 2", "500", "590", "550", "1 of 2", "-20", "-20", "25.0%", "10.0%",
        "10%",
    ]  # fmt: skip
    assert len(row(load)) == len(COLUMNS)


def test_nothing_answered_is_no_figure() -> None:
    assert row(a_load(Answered(QUESTION, None, None)))[2:6] == ["0 of 1", "-", "-", "-"]
