"""Recall.ai message by message."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest

from interject.integrations.sockets.recall.codec import MOST_ATTENDANTS, RecallCodec
from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.sockets.socket_events import (
    SocketEvent,
    StreamOpened,
    TextWritten,
    TrackAudio,
    TrackLeft,
    TrackNamed,
)
from tests.integrations.sockets.recall.messages import BOT, ann, event, mixed, separate

TONE = (8_000 * np.sin(np.arange(320) / 3)).astype(np.int16)


def opened(*events: SocketEvent) -> list[SocketEvent]:
    return [StreamOpened(BOT), *events]


def named(events: list[SocketEvent]) -> list[SocketEvent]:
    return [one for one in events if not isinstance(one, TrackAudio)]


def heard(events: list[SocketEvent]) -> dict[str, np.ndarray[Any, np.dtype[np.int16]]]:
    return {one.track_id: one.samples for one in events if isinstance(one, TrackAudio)}


def test_the_first_message_of_any_kind_says_which_bot_it_is() -> None:
    codec = RecallCodec()
    assert codec.read(event("participant_events.speech_on", participant=ann())) == opened()
    assert codec.read(event("transcript.data", words=[])) == []
    assert codec.pace is None


def test_mixed_sound_is_the_meeting_s() -> None:
    codec = RecallCodec()
    events = list(codec.read(mixed(TONE)))
    assert named(events) == opened(TrackNamed("mixed", "meeting"))
    assert np.array_equal(heard(events)["mixed"], TONE)
    again = list(codec.read(mixed(TONE)))
    assert named(again) == []
    assert again[0] == TrackAudio("mixed", again[0].samples, 16_000)  # type: ignore[union-attr]


def test_everybody_is_a_track_with_his_name() -> None:
    codec = RecallCodec()
    assert named(list(codec.read(separate(TONE, ann())))) == opened(TrackNamed("16", "Ann"))
    assert named(list(codec.read(separate(TONE, ann(17, "Ben"))))) == [TrackNamed("17", "Ben")]
    assert named(list(codec.read(separate(TONE, ann())))) == []


def test_a_name_may_be_missing_come_late_and_change() -> None:
    codec = RecallCodec()
    assert named(list(codec.read(separate(TONE, ann(16, None))))) == opened(
        TrackNamed("16", "participant 16")
    )
    update = event("participant_events.update", participant=ann(16, "  Ann  "))
    assert codec.read(update) == [TrackNamed("16", "Ann")]
    assert named(list(codec.read(separate(TONE, ann(16, None))))) == []
    assert codec.read(update.replace("  Ann  ", "Anna")) == [TrackNamed("16", "Anna")]


def test_who_leaves_is_gone_and_may_come_back() -> None:
    codec = RecallCodec()
    codec.read(event("participant_events.join", participant=ann()))
    assert codec.read(event("participant_events.leave", participant=ann())) == [TrackLeft("16")]
    assert codec.read(event("participant_events.leave", participant=ann())) == []
    assert codec.read(event("participant_events.join", participant=ann())) == [
        TrackNamed("16", "Ann")
    ]


def test_nobody_is_heard_twice_where_a_bot_sends_both() -> None:
    codec = RecallCodec()
    codec.read(mixed(TONE))
    events = list(codec.read(separate(TONE, ann())))
    assert named(events) == [TrackLeft("mixed"), TrackNamed("16", "Ann")]
    assert codec.read(mixed(TONE)) == []
    assert heard(list(codec.read(separate(TONE, ann()))))


def test_a_piece_may_end_in_the_middle_of_a_sample() -> None:
    codec = RecallCodec()
    sound = TONE.tobytes()
    first = heard(list(codec.read(separate(sound[:101], ann()))))["16"]
    codec.read(separate(b"\x01", ann(17, "Ben")))
    rest = heard(list(codec.read(separate(sound[101:], ann()))))["16"]
    assert np.array_equal(np.concatenate((first, rest)), TONE)


def test_what_is_written_in_the_chat_is_its_writer_s() -> None:
    codec = RecallCodec()
    chat = event(
        "participant_events.chat_message",
        participant=ann(),
        data={"text": "interject, stop listening", "to": "everyone"},
    )
    assert codec.read(chat) == opened(
        TrackNamed("16", "Ann"), TextWritten("16", "interject, stop listening")
    )


def test_a_first_message_that_cannot_be_used_loses_no_opening() -> None:
    codec = RecallCodec()
    with pytest.raises(BadMessage):
        codec.read(event("audio_mixed_raw.data", buffer="!"))
    assert named(list(codec.read(mixed(TONE))))[0] == StreamOpened(BOT)


def test_another_bot_s_message_is_none_of_this_meeting_s() -> None:
    codec = RecallCodec()
    codec.read(mixed(TONE))
    with pytest.raises(BadMessage, match="another bot"):
        codec.read(mixed(TONE).replace(BOT, "other"))


@pytest.mark.parametrize(
    "message",
    [
        b"\x00\x01", "", "{", "null", "[]", '{"event":"audio_mixed_raw.data"}',
        event("audio_mixed_raw.data"),
        event("audio_mixed_raw.data", buffer=7),
        event("audio_mixed_raw.data", buffer="AAA"),
        event("audio_mixed_raw.data", buffer=base64.b64encode(b"ab").decode() + "\n"),
        event("audio_separate_raw.data", buffer="AAAA"),
        event("audio_separate_raw.data", buffer="AAAA", participant={"id": "16"}),
        event("participant_events.chat_message", participant=ann(), data=None),
        json.dumps(json.loads(mixed(TONE)) | {"event": 7}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_bad_and_nothing_else(message: str | bytes) -> None:
    with pytest.raises(BadMessage):
        RecallCodec().read(message)


def test_a_crowd_is_no_fault_of_the_messages_that_tell_of_it() -> None:
    codec = RecallCodec()
    for number in range(MOST_ATTENDANTS + 100):
        met = codec.read(event("participant_events.join", participant=ann(number)))
        assert TrackNamed(str(number), "Ann") in met
    assert codec.read(event("participant_events.leave", participant=ann(0))) == []
