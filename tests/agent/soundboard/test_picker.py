"""Which sounds a reply calls for, and for whom they are."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.tagged_runtime import TaggedReply
from interject.agent.floor import Verdict
from interject.agent.soundboard.play_cue import PlayCue
from interject.agent.soundboard.rules import SoundOutcome
from interject.model_runtime.protocol import Cause, Emotion, EndReason, FloorMode, ReplyStarted
from tests.agent.soundboard.boards import profile
from tests.fakes.clock import FakeClock


class Show:
    """A pipeline, and what its replies had played."""

    def __init__(self, *, aloud: bool = False, mode: str = "assist", **changes: Any) -> None:
        self.clock = FakeClock()
        self.present = ["host"]
        self.counted: list[tuple[str, SoundOutcome]] = []
        self._mode = FloorMode(mode)
        self._replies = 0
        self.cues = CuePipeline(
            profile(mode=mode, **changes),
            "call",
            lambda: self.present,
            clock=self.clock,
            aloud=lambda: aloud,
            on_sound=lambda kind, outcome: self.counted.append((kind, outcome)),
        )

    def replies(
        self,
        *sounds: str,
        emotion: Emotion = Emotion.NORMAL,
        end: EndReason = EndReason.COMPLETE,
        verdict: Verdict = Verdict.SHOW,
        after_s: float = 0.0,
    ) -> list[PlayCue]:
        self.clock.advance(after_s)
        self._replies += 1
        started = ReplyStarted("s", self._replies, 9, emotion, Cause.MODEL, self._mode)
        ended = TaggedReply("s", self._replies, end, "", 4, sounds=sounds)
        return [
            cue for cue in self.cues.replied(started, ended, verdict) if isinstance(cue, PlayCue)
        ]

    def names(self, *sounds: str, **changes: Any) -> list[str]:
        return [cue.sound or "(stop)" for cue in self.replies(*sounds, **changes)]


def test_a_sound_is_a_card_of_its_own_with_its_licence_and_whom_to_credit() -> None:
    show = Show(cue={"categories": {"play": {"priority": 800, "expires_s": 10}}})
    (cue,) = show.replies("ding")
    assert (cue.category, cue.priority, cue.text) == ("play", 800, "ding (CC0-1.0, a test)")
    assert (cue.action, cue.kind, cue.licence, cue.credit) == (
        "play",
        "effect",
        "CC0-1.0",
        "a test",
    )
    assert (cue.expires_at_s - cue.at_s, cue.identities, cue.aloud) == (10, ("host",), False)
    *_, summary = show.cues.finish()
    (record,) = summary.cues  # type: ignore[union-attr]
    assert (record.category, record.became) == ("play", "shown")


def test_it_is_played_aloud_where_door_profile_and_mode_all_allow_it() -> None:
    track = {"play": "track"}
    for aloud, board, mode in (
        (False, track, "speak"),
        (True, {}, "speak"),
        (True, track, "assist"),
    ):
        (cue,) = Show(aloud=aloud, soundboard=board, mode=mode).replies("ding")
        assert not cue.aloud
    (cue,) = Show(aloud=True, soundboard=track, mode="speak").replies("ding")
    assert cue.aloud
    assert cue.identities == ("host",)


def test_nobody_is_told_where_no_cues_are_shown() -> None:
    unseen: dict[str, Any] = {"outputs": ["posted"], "mode": "speak"}
    assert Show(**unseen).replies("ding") == []
    (cue,) = Show(aloud=True, soundboard={"play": "track"}, **unseen).replies("ding")
    assert (cue.aloud, cue.identities) == (True, ())


def test_the_same_sound_waits_and_a_session_has_only_so_many() -> None:
    show = Show(soundboard={"cooldown_s": 60, "most_a_session": 3})
    assert show.names("ding") == ["ding"]
    assert show.names("ding", after_s=59.9) == []
    assert show.names("hum") == ["hum"]
    assert show.names("ding", after_s=0.1) == ["ding"]
    assert show.names("rain") == []
    assert [outcome.value for _, outcome in show.counted] == [
        "played", "cooldown", "played", "played", "most_a_session",
    ]  # fmt: skip


def test_what_was_cut_or_suppressed_plays_nothing() -> None:
    show = Show()
    assert show.names("ding", end=EndReason.CANCELLED) == []
    assert show.names("ding", verdict=Verdict.SUPPRESS) == []


def test_music_stops_when_a_reply_says_so_and_only_where_there_is_some() -> None:
    show = Show()
    assert show.names("") == []
    assert show.names("hum", "ding") == ["hum", "ding"]
    assert show.names("") == ["(stop)"]
    assert show.names("") == []


def test_danger_is_told_without_music() -> None:
    show = Show()
    show.names("hum")
    assert show.names("rain", emotion=Emotion.URGENT) == ["(stop)"]


def test_whoever_wants_no_sounds_gets_none_for_the_rest_of_the_session() -> None:
    show = Show()
    show.names("hum")
    (stop,) = show.cues.forbid_sounds()
    assert isinstance(stop, PlayCue)
    assert (stop.action, stop.sound, stop.identities) == ("stop", "", ("host",))
    assert list(show.cues.forbid_sounds()) == []
    assert show.names("ding", after_s=3_600.0) == []
    assert show.counted[-1] == ("effect", SoundOutcome.FORBIDDEN)


def test_the_mood_of_replies_picks_the_bed() -> None:
    show = Show(soundboard={"mood": {"picks_beds": True, "window_s": 100, "stay_s": 30}})
    assert show.names() == ["hum"]
    assert show.names(emotion=Emotion.SAD, after_s=10) == []
    assert show.names(emotion=Emotion.SAD, after_s=10) == [], "two of three, but too soon"
    assert show.names(emotion=Emotion.SAD, after_s=10) == ["rain"]
    assert show.names(after_s=31) == [], "two of five do not lead"
    assert show.names(emotion=Emotion.HAPPY, after_s=200) == [], "no bed is for that mood"


@pytest.mark.parametrize("lead", [0.0, 0.6])
def test_a_mood_takes_over_when_it_leads_by_enough(lead: float) -> None:
    mood = {"picks_beds": True, "window_s": 3_600, "stay_s": 0, "lead": lead}
    show = Show(soundboard={"mood": mood})
    show.names()
    heard = [show.names(emotion=Emotion.SAD, after_s=1) for _ in range(4)]
    taken = [number for number, names in enumerate(heard) if names]
    assert taken == ([1] if lead == 0.0 else [3])


def test_a_profile_without_sounds_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    show = Show(soundboard={"sounds": {}})
    with caplog.at_level(logging.DEBUG):
        assert show.names("ding") == []
    assert not caplog.records
