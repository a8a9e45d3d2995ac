"""What a bot of Attendee's says, and is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.integrations.sockets.attendee.codec import MOST_TRACKS, AttendeeCodec
from interject.integrations.sockets.attendee.roster import Roster
from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import (
    Discontinuity,
    Message,
    StreamOpened,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)
from tests.integrations.sockets.rubbish import (
    anything,
    check_contained,
    messages_of,
    numbers,
    sounds,
)

LOUD = np.full(160, 5_000, "<i2").tobytes()


def said(who: str | None = "u1", sound: bytes = LOUD, bot: str = "bot_1", **more: Any) -> str:
    data = {"chunk": base64.b64encode(sound).decode(), "sample_rate": 16_000, **more}
    kind = "mixed" if who is None else "per_participant"
    if who is not None:
        data["participant_uuid"] = who
    return json.dumps({"trigger": f"realtime_audio.{kind}", "bot_id": bot, "data": data})


def codec_of(*before: str, roster: Roster | None = None) -> AttendeeCodec:
    codec = AttendeeCodec(roster or Roster(), 16_000)
    for message in before:
        codec.read(message)
    return codec


def test_the_first_sound_opens_the_call_with_whoever_is_known() -> None:
    roster = Roster()
    roster.came("bot_1", "u1", "Ann")
    opened, audio = codec_of(roster=roster).read(said())
    assert opened == StreamOpened("bot_1", {"u1": "Ann"})
    assert isinstance(audio, TrackAudio)
    assert (audio.track_id, audio.rate_hz, len(audio.samples)) == ("u1", 16_000, 160)


def test_chunks_of_any_length_are_joined_even_within_a_sample() -> None:
    codec, sound = codec_of(said()), np.arange(100, dtype="<i2").tobytes()
    heard = [
        event.samples
        for piece in (sound[:33], sound[33:34], sound[34:])
        for event in codec.read(said(sound=piece))
        if isinstance(event, TrackAudio)
    ]
    assert np.concatenate(heard).tolist() == list(range(100))


def test_all_together_is_not_heard_again_where_each_is_heard() -> None:
    codec = codec_of(said(None))
    left, audio = codec.read(said("u1"))
    assert left == TrackLeft("meeting")
    assert isinstance(audio, TrackAudio)
    assert codec.read(said(None)) == []


def test_where_only_all_together_is_heard_they_are_one_track() -> None:
    _, audio = codec_of().read(said(None, sample_rate=24_000))
    assert isinstance(audio, TrackAudio)
    assert (audio.track_id, audio.rate_hz) == ("meeting", 24_000)


def test_numbers_tell_of_chunks_that_were_thrown_away() -> None:
    codec = codec_of(said(sequence=1), said("u2", sequence=7))
    hole, _ = codec.read(said(sequence=4))
    assert hole == Discontinuity("u1", 0.02)
    assert len(codec.read(said("u2", sequence=8))) == 1
    assert len(codec.read(said(sequence=1))) == 1, "it began anew"
    assert len(codec.read(said())) == 1, "an older version"


def test_a_name_with_the_sound_is_told_once() -> None:
    codec = codec_of(said())
    named, _ = codec.read(said(participant_name="Ann"))
    assert named == TrackNamed("u1", "Ann")
    assert len(codec.read(said(participant_name="Ann"))) == 1


def test_what_is_not_sound_is_left_out() -> None:
    codec = codec_of(said())
    assert codec.read('{"trigger":"realtime_video.per_participant","bot_id":"b","data":{}}') == []


@pytest.mark.parametrize(
    "message",
    [
        b"\x00", "", "{}", "null", said(bot="bot_2"), said(bot="no spaces"), said(sample_rate=1),
        said(chunk="!"), said(chunk=7), said("u" * 300), said(sample_rate="many"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_bad(message: Message) -> None:
    with pytest.raises(BadMessage):
        codec_of(said()).read(message)


def test_what_is_wrong_with_a_message_is_told_by_its_field_and_without_its_words() -> None:
    with pytest.raises(BadMessage) as bad:
        codec_of(said()).read(said(sample_rate=4_999))
    assert str(bad.value) == "data.sample_rate: it must be greater than or equal to 8000"


def test_of_many_participants_whoever_was_silent_for_longest_is_forgotten() -> None:
    """What is known of him is how his chunks are numbered."""
    numbered = [said(f"u{number}", sequence=1) for number in range(MOST_TRACKS)]
    codec = codec_of(*numbered, numbered[0], said("one more"))
    [hole, _] = codec.read(said("u0", sequence=3))
    assert isinstance(hole, Discontinuity)
    [heard] = codec.read(said("u1", sequence=3))
    assert isinstance(heard, TrackAudio)


def test_speech_goes_out_in_whole_tenths_with_no_more_than_two_of_them_ahead() -> None:
    codec = codec_of()
    told = json.loads(str(codec.speak(np.array([1, -1], np.int16))))
    assert told == {
        "trigger": "realtime_audio.bot_output",
        "data": {"chunk": base64.b64encode(b"\x01\x00\xff\xff").decode(), "sample_rate": 16_000},
    }
    pace = codec.pace
    assert (pace.frame_samples, pace.lead_s, pace.whole_frames) == (1_600, 0.2, True)
    assert not pace.clears
    assert codec.ready() is codec.closing(SocketEnding.AGENT_LEFT) is None


ATTENDEE_FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "trigger": st.sampled_from(["realtime_audio.mixed", "realtime_audio.per_participant"])
    | st.text(max_size=9)
    | anything,
    "bot_id": st.just("bot_1") | anything,
    "data": st.fixed_dictionaries(
        {},
        optional={
            "chunk": sounds,
            "sample_rate": st.just(16_000) | numbers,
            "participant_uuid": st.just("u1") | anything,
            "sequence": numbers,
            "participant_name": anything,
        },
    )
    | anything,
}


@settings(max_examples=100, deadline=None)
@given(message=messages_of(ATTENDEE_FIELDS, kind="trigger"))
def test_no_message_raises_anything_else(message: Message) -> None:
    check_contained(codec_of(said(sequence=1)), message)


@pytest.mark.rare
@settings(max_examples=1_000, deadline=None)
@given(message=messages_of(ATTENDEE_FIELDS, kind="trigger"))
def test_nor_does_one_of_a_thousand(message: Message) -> None:
    check_contained(codec_of(said(sequence=1)), message)
