"""What the benchmarks of LiveKit rooms make of what they hear."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from benchmarks.livekit_agents import CASCADE, INTERJECT
from benchmarks.livekit_events import Kind, RoomEvent, room_events, shuffled
from benchmarks.livekit_people import HUSH_S, LOUD, Voice
from benchmarks.livekit_rooms import Level, Use, a_room
from benchmarks.livekit_rooms import row as level_row
from benchmarks.livekit_voice import Parts, Run, parts_of, row
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

SECOND = np.zeros(SAMPLE_RATE_HZ, np.int16)


def an_event(kind: Kind = Kind.QUESTION) -> RoomEvent:
    return RoomEvent("who is there", kind, SECOND)


def a_block(loud_at: int | None = None) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    block = np.zeros(160, np.int16)
    if loud_at is not None:
        block[loud_at] = -LOUD - 1
    return block


def test_onset_is_the_first_loud_sample_after_a_hush() -> None:
    voice = Voice()
    voice.hear(a_block(), 10.0)
    voice.hear(a_block(80), 10.1)
    voice.hear(a_block(0), 10.1 + 0.9 * HUSH_S)
    voice.hear(a_block(16), 12.0)
    assert voice.onsets == pytest.approx([10.105, 12.001])
    assert voice.first_after(10.2) == pytest.approx(12.001)
    assert voice.first_after(13.0) is None
    assert not voice.is_quiet(12.1)
    assert voice.is_quiet(12.0 + HUSH_S)


def test_events_end_with_something_that_can_be_heard() -> None:
    events = room_events()
    assert Counter(event.kind for event in events) == {Kind.QUESTION: 6, Kind.SOUND: 4}
    for event in events:
        assert abs(int(event.samples[-1])) > LOUD / 4
        assert event.seconds > 0.3


def test_every_event_comes_equally_often() -> None:
    events = [RoomEvent(name, Kind.SOUND, SECOND) for name in "abc"]
    counted = Counter(event.name for event in shuffled(events, 9, seed=1))
    assert counted == {"a": 3, "b": 3, "c": 3}
    assert len(shuffled(events, 4, seed=1)) == 4


def test_time_of_an_answer_is_split_at_what_the_job_noted() -> None:
    run = Run(an_event(), ended_at=100.0, heard_at={INTERJECT: 100.9})
    unanswered = Run(an_event(), ended_at=120.0)
    notes = [
        {"what": "decided", "at": 90.0, "pushed_at": 89.9},
        {"what": "decided", "at": 100.5, "pushed_at": 100.4},
        {"what": "text", "at": 100.55},
        {"what": "sound", "at": 100.7},
        {"what": "played", "at": 100.71},
        {"what": "text", "at": 101.5},
    ]
    (parts,) = parts_of([run, unanswered], [json.dumps(note) for note in notes])
    found = (parts.chunk, parts.decode, parts.voice, parts.handing_on, parts.playout)
    assert isinstance(parts, Parts)
    assert found == pytest.approx((400, 150, 150, 10, 190))


def test_answer_without_all_notes_is_not_split() -> None:
    run = Run(an_event(), ended_at=100.0, heard_at={INTERJECT: 100.9})
    assert parts_of([run], ['{"what": "text", "at": 100.5}']) == []


def test_row_counts_who_answered() -> None:
    runs = [
        Run(an_event(), 10.0, {INTERJECT: 10.5, CASCADE: 11.0}),
        Run(an_event(Kind.SOUND), 20.0, {INTERJECT: 20.7}),
    ]
    assert row(INTERJECT, None, runs)[:4] == [INTERJECT, "2 in all", "2", "600"]
    assert row(CASCADE, Kind.QUESTION, runs)[:4] == [CASCADE, "1 questions", "1", "1000"]
    assert row(CASCADE, Kind.SOUND, runs) == [CASCADE, "1 sounds", "0", "-", "-", "-", "-"]


def a_level(rooms: int, jobs: float) -> Level:
    return Level(
        rooms=rooms,
        use=Use(jobs=jobs, model=0.1, worker=0.05, server=0.02 * rooms),
        people=0.1,
        job_mib=300.0,
        own_mib=30.0,
        model_mib=500.0,
        decided_share=1.0,
        queued_ms=[10.0, 20.0],
    )


def test_a_room_more_costs_what_the_levels_differ_by() -> None:
    agents, whole = a_room([a_level(1, 0.12), a_level(2, 0.22), a_level(4, 0.42)])
    assert agents == pytest.approx(0.10)
    assert whole == pytest.approx(0.12)
    assert a_room([a_level(2, 0.25)]) == pytest.approx((0.2, 0.22))


def test_level_is_shown_in_shares_of_a_core() -> None:
    assert level_row(a_level(2, 0.25)) == [
        "2", "25.0%", "10.0%", "5.0%", "4.0%", "20.0%", "22.0%", "10.0%", "100%", "15.0", "19.9",
        "300", "30", "500",
    ]  # fmt: skip
