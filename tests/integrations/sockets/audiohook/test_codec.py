"""AudioHook message by message, against a client that reads as strictly as the platform's."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from interject.integrations.sockets.audiohook.codec import AudioHookCodec, AudioHookRole
from interject.integrations.sockets.simulator.audiohook_session import (
    CONNECTOR_OFFERS,
    AudioHookSession,
    offers,
)
from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    DigitPressed,
    Discontinuity,
    HoldBack,
    Paused,
    PlaybackBegan,
    Resumed,
    SendNow,
    SocketEvent,
    StreamOpened,
    TrackAudio,
)
from interject.integrations.twilio.simulator.mulaw import decode
from interject.integrations.web.audio_socket import StreamRefused

TONE = (8_000 * np.sin(np.arange(1_600) / 3)).astype(np.int16)
QUIET = np.zeros(1_600, np.int16)
UNHEARD = {"type": "audio", "format": "L16", "channels": ["external"], "rate": 8_000}


class Wire:
    """A codec and a client, and nothing between them."""

    def __init__(
        self,
        role: AudioHookRole = AudioHookRole.MONITOR,
        session: AudioHookSession | None = None,
        **known: str,
    ) -> None:
        self.client = session or AudioHookSession()
        self.codec = AudioHookCodec(role, **known)
        self.told: list[dict[str, Any]] = []

    def say(self, message: str | bytes) -> list[SocketEvent]:
        """What is left for a door, once answers have gone out."""
        events = list(self.codec.read(message))
        for event in events:
            if isinstance(event, SendNow):
                self.told.append(self.client.take(event.message))
        return [event for event in events if not isinstance(event, SendNow)]

    def hear(self, message: str | bytes | None) -> dict[str, Any]:
        assert message is not None
        return self.client.take(message)


def opened(wire: Wire | None = None) -> Wire:
    wire = wire or Wire()
    wire.say(wire.client.open())
    return wire


def test_a_session_opens_with_both_channels_and_the_conversation_s_id() -> None:
    wire = Wire()
    events = wire.say(wire.client.open(language="en-US", customConfig={"a": 1}, unheardOf=[]))
    assert events == [
        StreamOpened(wire.client.conversation_id, {"external": "customer", "internal": "agent"})
    ]
    [answer] = wire.told
    assert answer["type"] == "opened"
    assert (answer["seq"], answer["clientseq"]) == (1, 1)
    assert answer["parameters"]["media"] == [wire.client.media[0]]
    assert wire.codec.pace is None, "a monitor takes no sound"


@pytest.mark.parametrize(
    ("offered", "channels"),
    [
        (offers(("external",)), ["external"]),
        (offers(("internal",), ("external",)), ["internal"]),
        (offers(("internal",), ("internal", "external")), ["internal", "external"]),
        ([UNHEARD, *offers(("external",))], ["external"]),
        ([{"type": "video", "codecs": ["H264"]}, *offers(("external",))], ["external"]),
    ],
)
def test_one_of_the_offers_is_taken_as_it_stands(
    offered: list[dict[str, Any]], channels: list[str]
) -> None:
    wire = opened(Wire(session=AudioHookSession(media=offered)))
    assert wire.told[0]["parameters"]["media"][0]["channels"] == channels
    heard = wire.say(wire.client.sound(*[TONE] * len(channels)))
    assert [event.track_id for event in heard if isinstance(event, TrackAudio)] == channels


def test_who_asks_for_languages_is_told_that_there_are_none_to_choose() -> None:
    wire = Wire()
    wire.say(wire.client.open(supportedLanguages=True))
    assert wire.told[0]["parameters"]["supportedLanguages"] == []


def test_the_two_channels_are_the_customer_s_and_the_agent_s() -> None:
    wire = opened()
    events = wire.say(wire.client.sound(TONE, QUIET))
    heard = {event.track_id: event for event in events if isinstance(event, TrackAudio)}
    assert [event.rate_hz for event in heard.values()] == [8_000, 8_000]
    assert np.abs(heard["external"].samples.astype(int) - TONE).max() < 300
    assert not heard["internal"].samples.any()


def test_inverted_channels_are_told_apart_all_the_same() -> None:
    wire = opened(Wire(session=AudioHookSession(media=offers(("internal", "external")))))
    heard = wire.say(wire.client.sound(TONE, QUIET))
    loud = {
        event.track_id for event in heard if isinstance(event, TrackAudio) and event.samples.any()
    }
    assert loud == {"internal"}


@pytest.mark.parametrize("samples", [1, 160, 801])
def test_a_message_may_be_of_any_length(samples: int) -> None:
    wire = opened()
    events = wire.say(wire.client.sound(TONE[:samples], QUIET[:samples]))
    assert [len(event.samples) for event in events if isinstance(event, TrackAudio)] == [
        samples
    ] * 2


def test_half_a_sample_of_two_channels_is_left_out_and_swaps_nobody() -> None:
    wire = opened()
    with pytest.raises(BadMessage, match="whole samples"):
        wire.say(b"\x12" * 3)
    heard = wire.say(wire.client.sound(TONE, QUIET))
    loud = {
        event.track_id for event in heard if isinstance(event, TrackAudio) and event.samples.any()
    }
    assert loud == {"external"}


def test_a_probe_is_answered_like_a_call_and_opens_none() -> None:
    wire = Wire(session=AudioHookSession.probe())
    [event] = wire.say(wire.client.open())
    assert isinstance(event, StreamOpened)
    assert event.probe
    assert wire.say(wire.client.text("close", reason="end")) == [ClosedByPeer("end")]
    assert [told["type"] for told in wire.told] == ["opened", "closed"]


def test_nothing_is_heard_of_a_pause() -> None:
    wire = opened()
    assert wire.say(wire.client.text("paused")) == [Paused()]
    assert wire.say(wire.client.sound(TONE, QUIET)) == [], "it may be on its way, or sent all along"
    assert wire.say(wire.client.text("paused")) == [], "asked again, as a secure pause is"
    assert wire.say(wire.client.text("resumed", start="PT1S", discarded="PT0.2S")) == [Resumed()]
    assert wire.say(wire.client.text("resumed", start="PT1S", discarded="PT0.2S")) == []
    assert wire.say(wire.client.sound(TONE, QUIET))


def test_a_hole_is_told_with_its_length() -> None:
    wire = opened()
    told = wire.client.text("discarded", start="PT1.2S", discarded="PT0.35S")
    assert wire.say(told) == [Discontinuity(None, 0.35)]


def test_pings_are_answered_with_their_number() -> None:
    wire = opened()
    for _ in range(3):
        assert wire.say(wire.client.text("ping", rtt="PT0.01S")) == []
    assert [told["type"] for told in wire.told] == ["opened", "pong", "pong", "pong"]
    assert [told["clientseq"] for told in wire.told] == [1, 2, 3, 4]


def test_an_update_is_acknowledged_and_an_error_is_not_answered(
    caplog: pytest.LogCaptureFixture,
) -> None:
    wire = opened()
    wire.say(wire.client.text("update", language="de-DE"))
    wire.say(wire.client.text("error", code=408, message="what was said", retryAfter="PT2S"))
    assert [told["type"] for told in wire.told] == ["opened", "updated"]
    [record] = caplog.records
    assert vars(record)["error_code"] == 408
    assert "what was said" not in caplog.text


@pytest.mark.parametrize(
    ("asked", "held_s"),
    [({}, 1.0), ({"retryAfter": "PT2.5S"}, 2.5), ({"retryAfter": "PT900S"}, 30.0)],
)
def test_a_platform_that_is_sent_too_much_is_given_time(
    asked: dict[str, str], held_s: float
) -> None:
    wire = opened()
    told = wire.client.text("error", code=429, message="rate limit", **asked)
    assert wire.say(told) == [HoldBack(held_s)]


def test_a_message_of_an_unknown_kind_is_counted_and_passed_over() -> None:
    wire = opened()
    assert wire.say(wire.client.text("playback_completed")) == []
    assert wire.say(wire.client.text("invented", anything=1)) == []
    wire.say(wire.client.text("ping"))
    assert wire.told[-1]["clientseq"] == 4


def test_a_close_is_answered_once() -> None:
    wire = opened()
    assert wire.say(wire.client.text("close", reason="end")) == [ClosedByPeer("end")]
    assert wire.told[-1]["type"] == "closed"
    assert wire.codec.closing(SocketEnding.AGENT_LEFT) is None
    assert wire.say(wire.client.sound(TONE, QUIET)) == []
    with pytest.raises(BadMessage):
        wire.say(wire.client.text("close", reason="end"))


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        (SocketEnding.AGENT_LEFT, "completed"),
        (SocketEnding.NO_AGENT, "error"),
        (SocketEnding.AGENT_LOST, "error"),
        (SocketEnding.UNAUTHORIZED, "unauthorized"),
    ],
)
def test_an_ending_of_ours_is_a_wish_that_the_client_grants(
    ending: SocketEnding, reason: str
) -> None:
    wire = opened()
    told = wire.hear(wire.codec.closing(ending))
    assert (told["type"], told["parameters"]["reason"]) == ("disconnect", reason)
    assert wire.codec.closing(ending) is None, "once"
    assert wire.say(wire.client.sound(TONE, QUIET)) == [], "nothing more is heard"
    assert wire.say(wire.client.text("close", reason="disconnect")) == [ClosedByPeer("disconnect")]
    assert wire.told[-1]["type"] == "closed"


def test_a_stranger_is_told_so_in_its_own_words_before_anything_is_opened() -> None:
    wire = Wire(session_id="30b0e395-84d3-4570-ac13-9a62d8f514c0")
    wire.client.session_id = "30b0e395-84d3-4570-ac13-9a62d8f514c0"
    told = wire.hear(wire.codec.closing(SocketEnding.UNAUTHORIZED))
    assert told["parameters"]["reason"] == "unauthorized"
    assert wire.say(wire.client.open()) == [], "it was on its way"
    assert wire.told == []
    assert wire.say(wire.client.text("close", reason="disconnect")) == [ClosedByPeer("disconnect")]


def test_another_organisation_than_was_signed_is_not_let_in() -> None:
    wire = Wire(organization_id="d7934305-0972-4844-938e-9060eef73d05")
    with pytest.raises(StreamRefused, match="organisation"):
        wire.say(wire.client.open())
    told = wire.hear(wire.codec.closing(SocketEnding.REFUSED))
    assert told["parameters"]["reason"] == "unauthorized"


def test_media_that_cannot_be_heard_are_refused_with_the_reason() -> None:
    wire = Wire(session=AudioHookSession(media=[UNHEARD]))
    with pytest.raises(StreamRefused, match="PCMU"):
        wire.say(wire.client.open())
    told = wire.hear(wire.codec.closing(SocketEnding.REFUSED))
    assert told["parameters"] == {
        "reason": "error",
        "info": "no media of PCMU and 8000 Hz are offered",
    }


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"seq": 3}, "seq"),
        ({"seq": 1}, "seq"),
        ({"serverseq": 2}, "serverseq"),
        ({"id": "d7934305-0972-4844-938e-9060eef73d05"}, "id"),
    ],
)
def test_a_message_that_cannot_follow_ends_the_session(changed: dict[str, Any], why: str) -> None:
    wire = opened()
    ping = json.loads(wire.client.text("ping"))
    with pytest.raises(StreamRefused, match=why):
        wire.codec.read(json.dumps(ping | changed))
    told = wire.hear(wire.codec.closing(SocketEnding.REFUSED))
    assert told["parameters"]["reason"] == "error"
    assert why in told["parameters"]["info"]


def test_a_session_of_another_id_than_its_header_s_is_refused() -> None:
    wire = Wire(session_id="30b0e395-84d3-4570-ac13-9a62d8f514c0")
    with pytest.raises(StreamRefused, match="id"):
        wire.say(wire.client.open())


@pytest.mark.parametrize(
    "parameters",
    [{"media": "all"}, {"conversationId": "none"}, {"participant": None}, {"media": [{}]}],
)
def test_an_open_that_cannot_be_read_is_answered_at_once(parameters: dict[str, Any]) -> None:
    """The platform would wait for five seconds, and an administrator would read of a time-out."""
    wire = Wire()
    message = json.loads(wire.client.open())
    message["parameters"] |= parameters
    with pytest.raises(StreamRefused, match="open cannot be read"):
        wire.codec.read(json.dumps(message))


@pytest.mark.parametrize(
    "message",
    [
        "", "{", "null", "[]", "{}", '{"version":"1"}', "\x00", "1e999", "[" * 10_000,
        json.dumps(json.loads(AudioHookSession().text("ping")) | {"seq": "1"}),
        json.dumps(json.loads(AudioHookSession().text("ping")) | {"position": "1.2"}),
        json.dumps(json.loads(AudioHookSession().text("ping")) | {"id": "{" + "0" * 34 + "}"}),
        json.dumps(json.loads(AudioHookSession().text("ping")) | {"parameters": []}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_bad_and_nothing_else(message: str) -> None:
    with pytest.raises(BadMessage):
        AudioHookCodec(AudioHookRole.MONITOR).read(message)


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("discarded", {"start": "PT1S"}),
        ("discarded", {"start": "PT1S", "discarded": "-PT1S"}),
        ("discarded", {"start": "PT1S", "discarded": "PT1E9S"}),
        ("dtmf", {"digit": "12"}),
        ("dtmf", {"digit": 1}),
        ("close", {}),
        ("error", {"code": "408"}),
        ("open", {}),
    ],
)
def test_bad_parameters_leave_the_session_as_it_is(kind: str, parameters: dict[str, Any]) -> None:
    wire = opened()
    with pytest.raises(BadMessage):
        wire.say(wire.client.text(kind, **parameters))
    wire.say(wire.client.text("ping"))
    assert wire.told[-1]["type"] == "pong"


def test_one_that_cannot_be_read_takes_a_number_and_no_later_one_is_wrong_for_it() -> None:
    wire = opened()
    broken = json.loads(wire.client.text("ping"))
    for spoilt in ({"position": "PT1M2S"}, {"parameters": None}):
        with pytest.raises(BadMessage):
            wire.codec.read(json.dumps(broken | spoilt))
    wire.say(wire.client.text("ping"))
    wire.say(wire.client.text("ping"))
    assert [told["type"] for told in wire.told] == ["opened", "pong", "pong"]
    wire.client.seq += 1
    with pytest.raises(StreamRefused, match="seq"):
        wire.codec.read(wire.client.text("ping"))


def test_sound_before_the_session_is_open_is_bad() -> None:
    with pytest.raises(BadMessage, match="before the session is open"):
        AudioHookCodec(AudioHookRole.MONITOR).read(b"\xff" * 400)


def test_a_connector_hears_a_caller_and_takes_sound_in_packets_of_200_ms() -> None:
    session = AudioHookSession(media=CONNECTOR_OFFERS, may_play=True)
    wire = Wire(AudioHookRole.CONNECTOR, session)
    [event] = wire.say(session.open(inputVariables={"name": "Ann"}))
    assert event == StreamOpened(f"{session.conversation_id}-bot", {"external": "caller"})
    pace = wire.codec.pace
    assert pace is not None
    assert (pace.rate_hz, pace.frame_samples) == (8_000, 1_600)
    said = decode(wire.hear(wire.codec.speak(TONE))["sound"])
    assert np.abs(said.astype(int) - TONE).max() < 300
    assert wire.say(session.text("playback_started")) == [PlaybackBegan()]
    assert wire.say(session.text("dtmf", digit="#")) == [DigitPressed("external", "#")]
    told = wire.hear(wire.codec.clear())
    assert told["parameters"] == {"entities": [{"type": "barge_in", "data": {}}]}


def test_people_s_own_wish_pauses_the_platform() -> None:
    wire = opened()
    assert wire.hear(wire.codec.listening(wanted=False))["type"] == "pause"
    wire.say(wire.client.text("paused"))
    assert wire.hear(wire.codec.listening(wanted=True))["type"] == "resume"


def test_a_session_that_is_over_is_told_nothing() -> None:
    wire = Wire()
    assert wire.codec.listening(wanted=False) is None, "it is not open yet"
    opened(wire)
    wire.say(wire.client.text("close", reason="end"))
    assert wire.codec.listening(wanted=False) is None
