"""What goes over the wire, byte for byte, and what is refused."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.protocol import (
    Closed,
    CloseReason,
    Decision,
    Emotion,
    FloorMode,
    Frame,
    Gap,
    GapReason,
    ReplyDelta,
    Sampling,
    SessionOptions,
    Speaker,
)
from interject.model_runtime.redis.keys import Keys, session_name
from interject.model_runtime.remote import options_codec, wire

if TYPE_CHECKING:
    from interject.model_runtime.remote.wire import Input, Output

PCM = bytes(range(256)) * 50
GOLDEN_FRAME = {
    b"v": b"2",
    b"k": b"frame",
    b"s": b"\x07\x01\x00\x00",
    b"t": b"\x00\x00\x00\x00\x00\x00\xf8\x3f",
    b"f": b"\x00\x00\x00\x00",
    b"p": PCM,
    b"a": b"\x01\x02" * 40,
    b"w": b'[{"identity":"Zo\xc3\xab","level_dbfs":-20.5}]',
}
FRAME = Frame(263, 1.5, PCM, b"\x01\x02" * 40, (Speaker("Zoë", -20.5),))

GOLDEN: list[tuple[Input | Output, bytes, bytes]] = [
    (wire.Say("Hé", Emotion.URGENT), b"say", b'{"text":"H\xc3\xa9","emotion":"urgent"}'),
    (wire.TextTurn("x", False), b"text_turn", b'{"text":"x","answer":false}'),
    (wire.AnswerNow(), b"answer_now", b"{}"),
    (wire.Cancel(3, 12), b"cancel", b'{"reply_id":3,"heard_chars":12}'),
    (wire.Heard(3, 9), b"heard", b'{"reply_id":3,"chars":9}'),
    (wire.Update(0.25, None), b"update", b'{"threshold":0.25,"mode":null}'),
    (wire.Finish(), b"finish", b"{}"),
    (wire.Close(), b"close", b'{"reason":"client"}'),
    (wire.Opened(), b"opened", b'{"error":""}'),
    (wire.Answer("1-5", "no"), b"answer", b'{"entry":"1-5","error":"no"}'),
    (
        Decision(
            "a", 7, 2.8, -1.25, 0.5, 0.852, True, FloorMode.SPEAK, 0.01, (Speaker("b", -3.0),)
        ),
        b"decision",
        (
            b'{"session_id":"a","seq":7,"captured_at":2.8,"silent_logit":-1.25,"respond_logit":0.5,'
            b'"p_respond":0.852,"respond":true,"mode":"speak","queued_s":0.01,'
            b'"speakers":[{"identity":"b","level_dbfs":-3.0}]}'
        ),
    ),
    (
        ReplyDelta("a", 0, (5, 6), "ok"),
        b"reply_delta",
        b'{"session_id":"a","reply_id":0,"token_ids":[5,6],"text":"ok"}',
    ),
    (
        Gap("a", 4, 2, GapReason.MISSING),
        b"gap",
        b'{"session_id":"a","first_seq":4,"count":2,"reason":"missing"}',
    ),
    (
        Closed("a", CloseReason.CLIENT),
        b"closed",
        b'{"session_id":"a","reason":"client","detail":""}',
    ),
]


def test_a_frame_is_these_bytes() -> None:
    assert wire.encode(FRAME) == GOLDEN_FRAME
    assert wire.decode_input(GOLDEN_FRAME) == FRAME


def test_the_last_frame_has_its_flag_and_no_look_ahead() -> None:
    fields = wire.encode(Frame(0, 0.0, PCM))
    assert fields[b"f"] == struct.pack("<I", wire.FLAG_LAST)
    assert b"a" not in fields
    assert b"w" not in fields


@pytest.mark.parametrize(("item", "kind", "data"), GOLDEN)
def test_everything_else_is_json(item: Input | Output, kind: bytes, data: bytes) -> None:
    fields = {b"v": b"2", b"k": kind, b"d": data}
    assert wire.encode(item) == fields
    decode = wire.decode_input if isinstance(item, wire.CONTROLS) else wire.decode_output
    assert decode(fields) == item


def test_unknown_fields_and_keys_are_ignored() -> None:
    assert wire.decode_input(GOLDEN_FRAME | {b"later": b"x"}) == FRAME
    fields = {b"v": b"2", b"k": b"cancel", b"d": b'{"reply_id":1,"heard_chars":2,"why":"x"}'}
    assert wire.decode_input(fields) == wire.Cancel(1, 2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({b"v": b"1"}, "protocol version 1: this side speaks 2 only"),
        ({b"v": b"\xff" * 10_000}, "protocol version "),
        ({b"k": b"nonsense"}, "unknown kind nonsense"),
        ({b"k": b"decision", b"d": b"{}"}, "decision: session_id: Field required"),
        ({b"p": b"\0" * 100}, "frame: p has 100 bytes, not 12800"),
        ({b"p": b"\0" * 1_000_000}, "frame: p has 1000000 bytes, not 12800"),
        ({b"a": b"\0" * 3}, "a look-ahead holds 80 bytes or none, not 3"),
        ({b"s": b"\0"}, "frame: s must have 4 bytes and t 8"),
        ({b"t": struct.pack("<d", math.nan)}, "frame: t is no time"),
        ({b"t": struct.pack("<d", -math.inf)}, "frame: t is no time"),
        ({b"w": b"[1]"}, "frame: w holds no list of speakers"),
        ({b"w": b"[" * 70_000}, "frame: w has 70000 bytes, at most 65536"),
        ({b"k": b"say", b"d": b"{"}, "say: d: Invalid JSON"),
        ({b"k": b"say", b"d": b" " * 70_000}, "say has 70000 bytes, at most 65536"),
        ({b"k": b"update", b"d": b'{"mode":"shout"}'}, "update: mode: Input should be"),
        (
            {b"k": b"update", b"d": b'{"threshold":NaN}'},
            "update: threshold is nan; it must be from 0 to 1",
        ),
    ],
)
def test_what_cannot_be_read_is_refused(changes: dict[bytes, bytes], message: str) -> None:
    with pytest.raises(wire.WireError) as caught:
        wire.decode_input(GOLDEN_FRAME | changes)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_silent_speaker_has_a_level_that_json_can_say() -> None:
    frame = replace(FRAME, speakers=(Speaker("ann", -math.inf), Speaker("bob", -20.0)))
    read = wire.decode_input(wire.encode(frame))
    assert isinstance(read, Frame)
    assert read.speakers == (Speaker("ann", -200.0), Speaker("bob", -20.0))


def test_a_missing_version_is_refused_and_a_control_is_no_event() -> None:
    with pytest.raises(wire.WireError, match="protocol version none"):
        wire.decode_input({b"k": b"finish"})
    with pytest.raises(wire.WireError, match="finish is no output"):
        wire.decode_output({b"v": b"2", b"k": b"finish", b"d": b"{}"})
    with pytest.raises(wire.WireError, match="opened is no input"):
        wire.decode_input({b"v": b"2", b"k": b"opened", b"d": b"{}"})


@given(
    st.dictionaries(st.sampled_from([b"v", b"k", b"d", b"s", b"t", b"p", b"a", b"w"]), st.binary())
)
def test_garbage_is_refused_and_nothing_worse(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_input(fields | {b"x": b""})


def test_options_survive() -> None:
    options = SessionOptions("a", "Be brief.", (1, 2), 0.3, FloorMode.ASSIST, 9, Sampling(0.7, 5))
    assert options_codec.decode_options(options_codec.encode_options(options)) == options
    with pytest.raises(wire.WireError, match="options: session_id: Field required"):
        options_codec.decode_options(b"{}")


def test_key_names_share_a_hash_tag_and_hide_the_session_id() -> None:
    name = session_name("acme", "+49 170 1234567", secret="s")
    assert name == "acme.69f9dd92e2f3daeb408038f9b811d451"
    assert Keys("7").input(name) == "interject:2:{7}:in:" + name
    assert name != session_name("acme", "+49 170 1234567", secret="t")
