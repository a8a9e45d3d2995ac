"""What goes to a line, and when; and what is known of what was heard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.audio.paced_stream import PacedStream
from interject.integrations.audio.speech_wire import Pace
from tests.fakes.clock import FakeClock
from tests.integrations.audio.wires import CLEAR, MARKED, TellingWire, Told

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 22_050
FRAME_S, MOST_AHEAD_S = MARKED.frame_s, MARKED.lead_s
WHOLE = Pace(8_000, frame_s=0.1, whole_frames=True)
UNFORGETTING = replace(WHOLE, clears=False)


def sound(seconds: float, rate_hz: int = RATE_HZ) -> bytes:
    return np.full(round(seconds * rate_hz), 5_000, "<i2").tobytes()


class Wire:
    """Takes whatever is due, as the clock goes on; plays it, and gives marks back."""

    def __init__(self, pace: Pace = MARKED, wire: TellingWire | None = None) -> None:
        self.clock = FakeClock()
        self.stream = PacedStream(wire or TellingWire(), pace)
        self.sent: list[tuple[float, Told]] = []

    def run(self, seconds: float) -> None:
        until = self.clock() + seconds
        while True:
            due_at = self.stream.due_at(self.clock())
            if due_at is None or due_at > until:
                self.clock.now_s = until
                return
            self.clock.now_s = due_at
            self.sent.append((due_at, self.stream.next_message(due_at)))

    @property
    def position(self) -> int:
        return self.stream.position_samples(self.clock())

    @property
    def frames(self) -> list[NDArray[np.int16]]:
        return [one for _, one in self.sent if not isinstance(one, str)]

    @property
    def marks(self) -> list[str]:
        return [one for _, one in self.sent if isinstance(one, str) and one != CLEAR]


def test_a_reply_goes_out_in_frames_of_twenty_milliseconds_no_further_ahead_than_allowed() -> None:
    wire = Wire()
    wire.stream.write(sound(2.0), RATE_HZ)
    wire.stream.finish()
    began = wire.clock()
    wire.run(5.0)
    assert {len(frame) for frame in wire.frames[:-1]} == {160}
    assert sum(map(len, wire.frames)) == 16_000
    sent = 0.0
    for at, message in wire.sent:
        if not isinstance(message, str):
            sent += FRAME_S
            assert sent - (at - began) <= MOST_AHEAD_S + 1e-9
    assert sent - FRAME_S - (wire.sent[-2][0] - began) > MOST_AHEAD_S - 2 * FRAME_S


def test_a_pause_earns_no_lead() -> None:
    wire = Wire()
    for _ in range(2):
        wire.stream.write(sound(1.0), RATE_HZ)
        wire.run(0.0)
        wire.run(10.0)
    bursts = [at for at, _ in wire.sent]
    first = [at for at in bursts if at == bursts[0]]
    assert sum(not isinstance(one, str) for at, one in wire.sent if at == bursts[0]) == 10
    assert len(first) <= 12


def test_a_mark_follows_every_hundred_milliseconds_and_the_end() -> None:
    wire = Wire()
    wire.stream.write(sound(0.25), RATE_HZ)
    wire.stream.finish()
    wire.run(1.0)
    kinds = ["mark" if isinstance(one, str) else "media" for _, one in wire.sent]
    assert kinds == ["media"] * 5 + ["mark"] + ["media"] * 5 + ["mark"] + ["media"] * 3 + ["mark"]
    assert wire.marks == ["0:1", "0:2", "0:3"]


def test_only_marks_say_what_was_heard() -> None:
    wire = Wire()
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(2.0)
    assert wire.position == 0
    assert wire.stream.mark_came_back("0:1")
    assert wire.position == RATE_HZ // 10
    assert not wire.stream.mark_came_back("0:1")
    assert wire.stream.mark_came_back("0:4")
    assert wire.position == RATE_HZ * 4 // 10
    for strange in ("", "0", "0:", ":1", "0:x", "1:5", "0:999", "0:²", "-1:5"):
        assert not wire.stream.mark_came_back(strange)
    assert wire.position == RATE_HZ * 4 // 10


def test_after_a_clear_the_marks_of_before_say_nothing() -> None:
    wire = Wire()
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.3)
    wire.stream.mark_came_back("0:2")
    wire.stream.clear(wire.clock())
    wire.run(0.5)
    assert wire.sent[-1][1] is CLEAR
    sent = len(wire.sent)
    assert not wire.stream.mark_came_back("0:3")
    assert wire.position == RATE_HZ * 2 // 10
    assert wire.stream.all_played(wire.clock())
    wire.stream.write(sound(0.1), RATE_HZ)
    wire.stream.finish()
    wire.run(0.5)
    assert wire.marks[-1].startswith("1:")
    assert len(wire.sent) == sent + 6
    assert wire.stream.mark_came_back(wire.marks[-1])
    assert wire.position == RATE_HZ * 3 // 10


def test_what_was_cleared_is_not_sent() -> None:
    wire = Wire()
    wire.stream.write(sound(5.0), RATE_HZ)
    wire.run(0.1)
    frames = len(wire.frames)
    wire.stream.clear(wire.clock())
    wire.run(10.0)
    assert len(wire.frames) == frames
    assert wire.stream.held_s == 0


def test_a_reply_after_a_clear_may_be_ahead_again() -> None:
    wire = Wire()
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.0)
    wire.stream.clear(wire.clock())
    frames = len(wire.frames)
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.0)
    assert len(wire.frames) == frames + 10


def test_a_mark_that_never_came_is_taken_as_played() -> None:
    wire = Wire()
    wire.stream.write(sound(0.1), RATE_HZ)
    wire.stream.finish()
    wire.run(1.0)
    assert (wire.stream.all_sent, wire.stream.all_played(wire.clock())) == (True, False)
    wire.stream.take_as_played()
    assert (wire.stream.all_sent, wire.stream.all_played(wire.clock())) == (True, True)
    assert wire.position == RATE_HZ // 10


def test_marks_that_never_come_back_are_not_kept_for_ever() -> None:
    wire = Wire()
    for _ in range(150):
        wire.stream.write(sound(1.0, 8_000), 8_000)
        wire.run(2.0)
    assert len(wire.marks) == 1_500
    assert not wire.stream.mark_came_back(wire.marks[0])
    assert wire.stream.mark_came_back(wire.marks[-1])


def test_a_line_that_loses_short_frames_gets_none() -> None:
    wire = Wire(WHOLE)
    wire.stream.write(sound(0.25), RATE_HZ)
    wire.stream.finish()
    wire.run(1.0)
    assert [len(frame) for frame in wire.frames] == [800, 800, 800]
    assert not wire.frames[-1][-300:].any()
    assert wire.position == round(0.25 * RATE_HZ)


def test_without_marks_what_was_sent_is_played_by_the_clock() -> None:
    wire = Wire(WHOLE)
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.0)
    assert (len(wire.frames), wire.position) == (2, 0)
    wire.run(0.05)
    assert wire.position == round(0.05 * RATE_HZ)
    wire.run(0.45)
    assert wire.position == round(0.5 * RATE_HZ)
    assert not wire.stream.all_played(wire.clock())
    wire.stream.finish()
    wire.run(1.0)
    assert wire.stream.all_played(wire.clock())
    assert wire.position == RATE_HZ


def test_where_nothing_can_be_taken_back_all_that_was_sent_counts() -> None:
    wire = Wire(UNFORGETTING)
    wire.stream.write(sound(5.0), RATE_HZ)
    wire.run(0.3)
    wire.stream.clear(wire.clock())
    frames = len(wire.frames)
    assert wire.position == round(frames * 0.1 * RATE_HZ)
    assert frames * 0.1 - 0.3 <= WHOLE.lead_s + 1e-9
    wire.run(5.0)
    assert len(wire.frames) == frames
    assert wire.position == round(frames * 0.1 * RATE_HZ)


def test_what_follows_waits_behind_what_could_not_be_taken_back() -> None:
    wire = Wire(UNFORGETTING)
    wire.stream.write(sound(5.0), RATE_HZ)
    wire.run(0.0)
    wire.stream.clear(wire.clock())
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.0)
    assert len(wire.frames) == 2
    wire.run(0.1)
    assert len(wire.frames) == 3


def test_the_position_never_goes_back() -> None:
    wire, seen = Wire(WHOLE), [0]
    for _ in range(5):
        wire.stream.write(sound(0.13), RATE_HZ)
        wire.stream.finish()
        for _ in range(12):
            wire.run(0.01)
            seen.append(wire.position)
    assert seen == sorted(seen)


class NumberingWire(TellingWire):
    """Counts what it makes, as a line whose messages are numbered."""

    def __init__(self) -> None:
        self.made = 0

    def clear(self) -> Told:
        self.made += 1
        return CLEAR


def test_a_clear_is_made_when_it_leaves_and_not_before() -> None:
    """Whatever is made meanwhile leaves first, and has the number before."""
    numbering = NumberingWire()
    wire = Wire(wire=numbering)
    wire.stream.write(sound(1.0), RATE_HZ)
    wire.run(0.1)
    wire.stream.clear(wire.clock())
    assert numbering.made == 0
    wire.run(0.1)
    assert numbering.made == 1


def test_a_line_that_asks_for_time_gets_no_speech_meanwhile_and_loses_none() -> None:
    wire = Wire()
    wire.stream.write(sound(2.0), RATE_HZ)
    wire.run(0.5)
    sent = len(wire.frames)
    wire.stream.hold_back(wire.clock() + 1.0)
    wire.run(0.99)
    assert len(wire.frames) == sent
    wire.stream.finish()
    wire.run(2.0)
    assert sum(map(len, wire.frames)) == 16_000


def test_a_line_that_says_when_it_began_to_play_is_not_taken_to_be_further() -> None:
    wire = Wire(WHOLE)
    wire.stream.write(sound(2.0), RATE_HZ)
    wire.run(0.3)
    wire.stream.playback_began(wire.clock())
    assert wire.position == 0
    wire.run(0.5)
    assert wire.position == round(0.5 * RATE_HZ)
    wire.stream.finish()
    wire.run(1.45)
    assert not wire.stream.all_played(wire.clock())
    wire.run(0.1)
    assert wire.stream.all_played(wire.clock())
    assert wire.position == 2 * RATE_HZ


def test_what_begins_in_the_middle_of_a_reply_says_nothing_of_its_begin() -> None:
    wire = Wire(WHOLE)
    wire.stream.write(sound(9.0), RATE_HZ)
    wire.run(5.0)
    wire.stream.playback_began(wire.clock())
    assert wire.position == 5 * RATE_HZ
