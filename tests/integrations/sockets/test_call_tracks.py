"""Who is on a call, and what of each the agent hears."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from interject.integrations.conversation.consent import Consent, Scope
from interject.integrations.sockets.call_tracks import (
    MOST_CHANGES_AT_ONCE,
    MOST_TRACKS,
    CallTracks,
)
from interject.integrations.sockets.socket_events import (
    DigitPressed,
    Discontinuity,
    Paused,
    Resumed,
    TextWritten,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)


class NotingAgent:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.consent = Consent(may_control=lambda _: False)
        self.people: list[str] = []
        self.heard: dict[str, list[tuple[int, int]]] = {}
        self.rested: list[str] = []
        self.written: list[tuple[str, str]] = []
        self.wishes: list[tuple[str, str]] = []

    def came(self, identity: str) -> None:
        if identity not in self.people:
            self.people.append(identity)

    def left(self, identity: str) -> None:
        self.people.remove(identity)

    def hear(self, identity: str, samples: np.ndarray[Any, Any], missing: int = 0) -> None:
        assert identity in self.people
        self.heard.setdefault(identity, []).append((len(samples), missing))

    def rest(self, identity: str) -> None:
        self.rested.append(identity)

    def write(self, identity: str, text: str, *, wishes_only: bool) -> None:
        (self.wishes if wishes_only else self.written).append((identity, text))

    digit = write

    def seconds_of(self, identity: str) -> float:
        return sum(samples for samples, _ in self.heard.get(identity, [])) / 16_000


def tracks_of(**identities: str) -> tuple[NotingAgent, CallTracks]:
    agent: Any = NotingAgent()
    return agent, CallTracks(agent, identities)


def sound(track: str, seconds: float = 0.02, rate_hz: int = 16_000) -> TrackAudio:
    return TrackAudio(track, np.full(round(seconds * rate_hz), 5_000, np.int16), rate_hz)


def test_who_is_only_heard_is_called_by_his_track() -> None:
    agent, tracks = tracks_of()
    tracks.take(sound("u1"))
    assert agent.people == ["u1"]
    assert agent.heard == {"u1": [(320, 0)]}


@pytest.mark.parametrize("rate_hz", [8_000, 24_000, 32_000, 48_000])
def test_any_rate_is_heard_at_the_model_s(rate_hz: int) -> None:
    agent, tracks = tracks_of(u1="Ann")
    for _ in range(50):
        tracks.take(sound("u1", 0.02, rate_hz))
    assert 0.99 <= agent.seconds_of("Ann") <= 1.0


def test_a_rate_may_change_and_nothing_is_lost() -> None:
    agent, tracks = tracks_of(u1="Ann")
    for rate_hz in (8_000, 48_000, 16_000, 8_000) * 10:
        tracks.take(sound("u1", 0.1, rate_hz))
    assert abs(agent.seconds_of("Ann") - 4.0) < 0.05


def test_a_name_that_comes_late_is_another_identity_of_the_same_person() -> None:
    agent, tracks = tracks_of()
    tracks.take(sound("u1"))
    tracks.take(TrackNamed("u1", "Ann"))
    tracks.take(sound("u1"))
    tracks.take(TrackNamed("u1", "Ann"))
    assert agent.people == ["Ann"]
    assert agent.heard == {"u1": [(320, 0)], "Ann": [(320, 0)]}


def test_who_withdrew_is_not_heard_under_his_new_name() -> None:
    agent, tracks = tracks_of()
    tracks.take(sound("u1"))
    agent.consent.stop("u1", Scope.ME)
    tracks.take(TrackNamed("u1", "Ann"))
    assert "Ann" in agent.consent.withdrawn


def test_two_people_of_one_name_are_two() -> None:
    agent, tracks = tracks_of()
    for track in ("u1", "u2", "u3"):
        tracks.take(TrackNamed(track, "Ann"))
    assert agent.people == ["Ann", "Ann (2)", "Ann (3)"]
    tracks.take(TrackNamed("u2", "Ann"))
    assert agent.people == ["Ann", "Ann (2)", "Ann (3)"]
    tracks.take(TrackLeft("u1"))
    tracks.take(TrackNamed("u4", "Ann"))
    assert agent.people == ["Ann (2)", "Ann (3)", "Ann"]


def test_who_left_and_whoever_never_came_are_gone() -> None:
    agent, tracks = tracks_of(u1="Ann")
    tracks.take(TrackLeft("u1"))
    tracks.take(TrackLeft("u9"))
    assert agent.people == []


def test_what_was_thrown_away_is_missing_before_what_follows() -> None:
    agent, tracks = tracks_of(u1="Ann", u2="Bob")
    tracks.take(Discontinuity("u1", 0.5))
    tracks.take(Discontinuity(None, 0.25))
    tracks.take(sound("u1"))
    tracks.take(sound("u2"))
    tracks.take(sound("u1"))
    assert agent.heard == {"Ann": [(320, 12_000), (320, 0)], "Bob": [(320, 4_000)]}
    assert tracks.missing_s == 0.75


def test_nothing_of_a_pause_is_heard_then_or_later() -> None:
    agent, tracks = tracks_of(u1="Ann")
    tracks.take(sound("u1", 0.1, 8_000))
    before = agent.seconds_of("Ann")
    tracks.take(Paused())
    after = agent.seconds_of("Ann")
    assert before <= after <= 0.1
    for _ in range(10):
        tracks.take(sound("u1", 0.1, 8_000))
        tracks.take(sound("u2", 0.1, 8_000))
    assert agent.seconds_of("Ann") == after
    assert agent.rested == ["Ann"]
    tracks.take(Resumed())
    tracks.take(sound("u1", 0.1, 8_000))
    assert 0.19 <= agent.seconds_of("Ann") <= 0.2
    assert "u2" not in agent.heard


def test_whoever_was_quiet_for_longest_makes_room_and_is_back_when_he_is_heard() -> None:
    agent, tracks = tracks_of(u0="Ann")
    for number in range(1, MOST_TRACKS):
        tracks.take(sound(f"u{number}"))
    tracks.take(sound("u2"))
    tracks.take(sound("one more"))
    assert len(agent.people) == MOST_TRACKS
    assert "Ann" not in agent.people
    assert agent.heard["one more"] == [(320, 0)]
    tracks.take(sound("u0"))
    assert agent.heard["Ann"] == [(320, 0)]
    assert "u1" not in agent.people
    assert "u2" in agent.people


def test_a_crowd_that_only_listens_keeps_nobody_from_being_heard_by_name() -> None:
    agent, tracks = tracks_of(**{f"u{number}": f"P{number}" for number in range(500)})
    tracks.take(sound("u400"))
    assert agent.heard == {"P400": [(320, 0)]}
    assert len(agent.people) == MOST_TRACKS


def test_a_crowd_that_talks_at_once_changes_who_is_heard_only_so_often() -> None:
    agent, tracks = tracks_of()
    for number in range(1_000):
        tracks.take(sound(f"u{number}"))
    assert len(agent.people) == MOST_TRACKS
    assert len(agent.heard) <= MOST_TRACKS + MOST_CHANGES_AT_ONCE + 2


def test_who_withdrew_makes_room_for_nobody() -> None:
    """Another one of his name may be there when he comes back."""
    agent, tracks = tracks_of(u0="Ann")
    agent.consent.stop("Ann", Scope.ME)
    for number in range(1, MOST_TRACKS + 5):
        tracks.take(sound(f"u{number}"))
    assert "Ann" in agent.people


def test_what_is_written_and_pressed_has_its_writer_and_a_limit() -> None:
    agent, tracks = tracks_of(u1="Ann")
    tracks.take(TextWritten("u1", "Hello."))
    tracks.take(DigitPressed("u1", "5"))
    assert agent.written == [("Ann", "Hello."), ("Ann", "5")]
    for _ in range(500):
        tracks.take(TextWritten("u1", "Hello."))
    assert len(agent.written) < 100


def test_in_a_pause_wishes_alone_are_taken_from_what_is_written_and_pressed() -> None:
    agent, tracks = tracks_of(u1="Ann")
    tracks.take(Paused())
    tracks.take(DigitPressed("u1", "4"))
    tracks.take(TextWritten("u1", "My number is 4444."))
    assert agent.written == []
    assert agent.wishes == [("Ann", "4"), ("Ann", "My number is 4444.")]
    tracks.take(Resumed())
    tracks.take(DigitPressed("u1", "5"))
    assert agent.written == [("Ann", "5")]


def test_who_floods_a_call_keeps_nobody_else_from_stopping_it() -> None:
    agent, tracks = tracks_of(u1="Ann", u2="Bob")
    for _ in range(500):
        tracks.take(TextWritten("u1", "Hello."))
    tracks.take(TextWritten("u2", "stop listening"))
    assert agent.wishes[-1] == ("Bob", "stop listening")
