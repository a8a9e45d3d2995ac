"""What Twilio's socket says is read as it stands in Twilio's pages, and nothing else passes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.integrations.twilio.messages import (
    MAX_MESSAGE_CHARS,
    ConnectedMessage,
    DtmfMessage,
    MalformedMessage,
    MarkMessage,
    MediaMessage,
    StartMessage,
    StopMessage,
    clear_message,
    mark_message,
    media_message,
    read_message,
)

STREAM = "MZ0123456789abcdef0123456789abcdef"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
CALL = "CA0123456789abcdef0123456789abcdef"
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": STREAM,
    "start": {
        "accountSid": ACCOUNT,
        "streamSid": STREAM,
        "callSid": CALL,
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "secret"},
    },
}
MEDIA = {
    "event": "media",
    "sequenceNumber": "3",
    "streamSid": STREAM,
    "media": {"track": "inbound", "chunk": "2", "timestamp": "25", "payload": "//8A"},
}


def changed(message: dict[str, Any], **inner: object) -> str:
    """With other values in the part that is named like its event."""
    part = message["event"]
    return json.dumps(message | {part: message[part] | inner})


def test_a_parameter_that_is_no_text_is_made_text() -> None:
    """They are other people's too, and none of them refuses a call."""
    given = {"token": "secret", "desk": 7, "vip": True, "note": None, "tags": ["a"]}
    read = read_message(changed(START, customParameters=given))
    assert isinstance(read, StartMessage)
    assert read.start.parameters == {
        "token": "secret", "desk": "7", "vip": "true", "note": "null", "tags": '["a"]',
    }  # fmt: skip


def test_connected_is_read() -> None:
    text = '{"event":"connected","protocol":"Call","version":"1.0.0"}'
    assert isinstance(read_message(text), ConnectedMessage)


def test_start_says_whose_call_it_is_and_how_it_sounds() -> None:
    message = read_message(json.dumps(START))
    assert isinstance(message, StartMessage)
    details = message.start
    assert (message.stream_sid, details.call_sid, details.account_sid) == (STREAM, CALL, ACCOUNT)
    assert details.parameters == {"token": "secret"}
    assert (details.media_format.encoding, details.media_format.sample_rate) == (
        "audio/x-mulaw",
        8_000,
    )


def test_media_has_numbers_in_strings() -> None:
    message = read_message(json.dumps(MEDIA))
    assert isinstance(message, MediaMessage)
    assert (message.media.track, message.media.number, message.media.timestamp_ms) == (
        "inbound",
        2,
        25,
    )
    assert message.media.payload == b"\xff\xff\x00"


def test_numbers_may_be_numbers() -> None:
    message = read_message(changed(MEDIA, chunk=2, timestamp=25))
    assert isinstance(message, MediaMessage)
    assert (message.media.number, message.media.timestamp_ms) == (2, 25)


def test_keys_marks_and_the_end_are_read() -> None:
    dtmf = {"event": "dtmf", "streamSid": STREAM, "dtmf": {"track": "inbound_track", "digit": "#"}}
    mark = {"event": "mark", "streamSid": STREAM, "mark": {"name": "3:17"}}
    stop = {"event": "stop", "streamSid": STREAM, "stop": {"callSid": CALL}}
    pressed, played, over = (read_message(json.dumps(one)) for one in (dtmf, mark, stop))
    assert isinstance(pressed, DtmfMessage)
    assert pressed.dtmf.digit == "#"
    assert isinstance(played, MarkMessage)
    assert played.mark.name == "3:17"
    assert isinstance(over, StopMessage)


def test_an_event_of_another_kind_is_no_fault() -> None:
    assert read_message('{"event":"transcription","streamSid":"MZ1","more":[1]}') is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "{}",
        '{"event":null}',
        '{"event":["media"]}',
        '{"event":"media"}',
        "[" * 5_000,
        '{"event":' * 2_000,
        changed(MEDIA, payload="//8"),
        changed(MEDIA, payload="//8A\n"),
        changed(MEDIA, payload="_-8A"),
        changed(MEDIA, payload="ü"),
        changed(MEDIA, payload=None),
        changed(MEDIA, payload=["//8A"]),
        changed(MEDIA, chunk="-1"),
        changed(MEDIA, chunk="1e400"),
        changed(MEDIA, timestamp="soon"),
        changed(MEDIA, timestamp="9" * 5_000),
        changed(MEDIA, timestamp=None),
        changed(START, callSid="CA/../x"),
        changed(START, mediaFormat=None),
        json.dumps(MEDIA | {"streamSid": "x" * 65}),
        '{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"12"}}',
        '{"event":"mark","streamSid":"MZ1","mark":{"name":7}}',
    ],
)
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read_message(text)


def test_a_message_has_its_limit() -> None:
    fits = changed(MEDIA, payload="A" * 65_000)
    assert isinstance(read_message(fits), MediaMessage)
    with pytest.raises(MalformedMessage, match="too long"):
        read_message(changed(MEDIA, payload="A" * MAX_MESSAGE_CHARS))


def test_what_is_wrong_is_told_without_what_was_said() -> None:
    with pytest.raises(MalformedMessage) as caught:
        read_message(changed(MEDIA, payload="secret!"))
    assert "secret" not in str(caught.value)
    with pytest.raises(MalformedMessage) as caught:
        read_message('{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"4711"}}')
    assert "4711" not in str(caught.value)


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda some: some.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_message(text)
    except MalformedMessage:
        return


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop"]),
    st.dictionaries(st.sampled_from([*START["start"], *MEDIA["media"]]), JSON),
)
def test_any_content_is_read_or_refused(event: str, content: dict[str, Any]) -> None:
    try:
        read_message(json.dumps({"event": event, "streamSid": "MZ1", event: content}))
    except MalformedMessage:
        return


def test_what_goes_out_has_the_form_that_twilio_takes() -> None:
    media = json.loads(media_message(STREAM, b"\xff\x00").model_dump_json())
    assert media == {
        "event": "media",
        "streamSid": STREAM,
        "media": {"payload": base64.b64encode(b"\xff\x00").decode()},
    }
    mark = json.loads(mark_message(STREAM, "0:1").model_dump_json())
    assert mark == {"event": "mark", "streamSid": STREAM, "mark": {"name": "0:1"}}
    clear = json.loads(clear_message(STREAM).model_dump_json())
    assert clear == {"event": "clear", "streamSid": STREAM}
