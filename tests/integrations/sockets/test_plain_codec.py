"""Our own protocol: what it says, and that nothing anybody says breaks it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from interject.integrations.sockets.plain.codec import PlainCodec
from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    DigitPressed,
    Discontinuity,
    MarkReached,
    Message,
    Paused,
    Resumed,
    StreamOpened,
    TextWritten,
    TrackAudio,
    TrackNamed,
)
from interject.integrations.web.audio_socket import StreamRefused
from tests.integrations.sockets.rubbish import PLAIN_EVENTS, check_contained, messages_of

HELLO = {"type": "hello", "call": "c1"}


def codec_of(**hello: Any) -> PlainCodec:
    codec = PlainCodec(lambda: "made-up")
    codec.read(json.dumps(HELLO | hello))
    return codec


def test_hello_opens_a_call_whose_tracks_are_named() -> None:
    codec = PlainCodec(lambda: "made-up")
    said = json.dumps({"type": "hello", "tracks": ["customer", "agent"]})
    names = {"customer": "customer", "agent": "agent"}
    assert codec.read(said) == [StreamOpened("made-up", names, terms=(True, False, False))]
    assert json.loads(codec.ready()) == {
        "type": "ready", "call": "made-up", "rate_hz": 16_000, "encoding": "pcm_s16le",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"\x00\x00", "sound comes before hello"),
        ("{", "it is no JSON"),
        ('{"type":"pause"}', "the first message is no hello"),
        ('{"type":"hello","rate_hz":44}', "rate_hz"),
        ('{"type":"hello","rate":16000}', "no field 'rate'; did you mean 'rate_hz'"),
        ('{"type":"hello","No, never!":1}', "a field is not known, only call, decisions, encoding"),
        (
            '{"type":"hello","call":"a b"}',
            "call of hello: it must be 1 to 64 letters, digits, _, . ",
        ),
        ('{"type":"hello","tracks":["1","2","3","4","5","6","7","8","9"]}', "at most 8 entries$"),
        ('{"type":"hallo"}', "its type must be one of hello, name"),
        ('{"type":"hello","tracks":["a","a"]}', "each track has a name of its own"),
        ('{"type":"hello","tracks":[]}', "tracks"),
        ('{"type":"hello","encoding":"opus"}', "encoding"),
        ('{"type":"hello","version":2}', "version"),
    ],
)
def test_who_begins_otherwise_is_told_what_is_wrong(said: Message, reason: str) -> None:
    with pytest.raises(StreamRefused, match=reason) as refused:
        PlainCodec().read(said)
    assert len(refused.value.reason.encode()) <= 123


def test_sound_of_several_tracks_is_told_apart() -> None:
    codec = codec_of(tracks=["customer", "agent"], rate_hz=8_000)
    samples = np.array([[1, -1], [2, -2], [3, -3]], "<i2")
    first, second = codec.read(samples.tobytes())
    assert isinstance(first, TrackAudio)
    assert isinstance(second, TrackAudio)
    assert (first.track_id, first.samples.tolist(), first.rate_hz) == ("customer", [1, 2, 3], 8_000)
    assert (second.track_id, second.samples.tolist()) == ("agent", [-1, -2, -3])


@pytest.mark.parametrize(
    ("said", "event"),
    [
        ({"type": "pause"}, Paused()),
        ({"type": "resume"}, Resumed()),
        ({"type": "gap", "seconds": 1.5}, Discontinuity(None, 1.5)),
        ({"type": "name", "track": "caller", "name": "Ann"}, TrackNamed("caller", "Ann")),
        ({"type": "text", "track": "caller", "text": "Hi."}, TextWritten("caller", "Hi.")),
        ({"type": "digit", "track": "caller", "digit": "5"}, DigitPressed("caller", "5")),
        ({"type": "mark", "name": "0:1"}, MarkReached("0:1")),
        ({"type": "bye"}, ClosedByPeer("bye")),
    ],
)
def test_each_message_is_an_event(said: dict[str, Any], event: object) -> None:
    assert codec_of().read(json.dumps(said)) == [event]


@pytest.mark.parametrize(
    "said",
    [
        "", "null", "[]", '{"type":"weather"}', '{"type":"gap","seconds":-1}',
        '{"type":"gap","seconds":NaN}', '{"type":"gap","seconds":"1"}',
        '{"type":"name","track":"nobody","name":"Ann"}', '{"type":"digit","digit":"nobody"}',
        '{"type":"pause","more":1}',
        json.dumps(HELLO),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_bad_and_quotes_nothing(said: str) -> None:
    with pytest.raises(BadMessage) as bad:
        codec_of().read(said)
    assert "nobody" not in str(bad.value)
    assert "^" not in str(bad.value)
    assert json.loads(codec_of().left_out(str(bad.value)))["detail"] == str(bad.value)


def test_speech_goes_out_as_hello_asked_for_it() -> None:
    samples = np.array([0, 1_000, -1_000], np.int16)
    assert codec_of().speak(samples) == samples.astype("<i2").tobytes()
    assert len(codec_of(encoding="mulaw", rate_hz=8_000).speak(samples)) == 3
    assert json.loads(codec_of().clear()) == {"type": "clear"}
    assert json.loads(codec_of().mark("0:1")) == {"type": "mark", "name": "0:1"}
    assert json.loads(codec_of().closing(SocketEnding.AGENT_LEFT)) == {
        "type": "bye", "reason": "agent_left",
    }  # fmt: skip


def test_who_takes_no_sound_has_no_pace() -> None:
    assert codec_of(speaks=False).pace is None
    unmarked, marked = codec_of().pace, codec_of(marks=True, rate_hz=8_000).pace
    assert unmarked is not None
    assert marked is not None
    assert (unmarked.frames_a_mark, marked.frames_a_mark, marked.rate_hz) == (0, 5, 8_000)


@settings(max_examples=100, deadline=None)
@given(message=messages_of(PLAIN_EVENTS, kind="type"))
def test_no_message_raises_anything_else(message: Message) -> None:
    check_contained(codec_of(), message)


@pytest.mark.rare
@settings(max_examples=1_000, deadline=None)
@given(message=messages_of(PLAIN_EVENTS, kind="type"))
def test_nor_does_one_of_a_thousand(message: Message) -> None:
    check_contained(codec_of(), message)
