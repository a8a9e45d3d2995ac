"""A thousand messages that no client should send: each is read, left out, or ends the session."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interject.integrations.sockets.audiohook.codec import AudioHookCodec, AudioHookRole
from interject.integrations.sockets.simulator.audiohook_session import AudioHookSession
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import SendNow
from tests.integrations.sockets.rubbish import check_contained
from tests.integrations.sockets.spoilt import anything, nonsense, spoilt

KINDS = (
    "open", "close", "ping", "update", "paused", "resumed", "discarded", "dtmf", "error",
    "playback_started", "opened", "reconnect",
)  # fmt: skip
DURATIONS = st.sampled_from(["PT1S", "PT0.5S", "PT.5S", "P1D", "PTS", "PT1e9S", "PT٣S"]) | anything
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "organizationId": anything, "conversationId": anything,
        "participant": st.fixed_dictionaries({"id": anything}) | anything,
        "media": st.lists(st.fixed_dictionaries({}, optional={
            "type": st.just("audio") | anything, "format": st.just("PCMU") | anything,
            "channels": st.lists(st.sampled_from(["external", "internal"])) | anything,
            "rate": st.just(8_000) | anything,
        }), max_size=3) | anything,
        "start": DURATIONS, "discarded": DURATIONS, "retryAfter": DURATIONS,
        "code": anything, "digit": st.just("#") | anything, "reason": anything,
    },
)  # fmt: skip


@st.composite
def next_message(draw: st.DrawFn, session: AudioHookSession) -> str | bytes:
    """Mostly numbered as it should be, so that what it holds is looked at."""
    whole: dict[str, Any] = json.loads(session.text(draw(st.sampled_from(KINDS))))
    whole["parameters"] = draw(PARAMETERS)
    if draw(st.integers(0, 3)) == 0:
        session.seq -= 1
        return draw(nonsense | spoilt(st.just(whole)))
    return json.dumps(whole)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_thousand_bad_messages(data: st.DataObject) -> None:
    session = AudioHookSession()
    codec = AudioHookCodec(data.draw(st.sampled_from(AudioHookRole)))
    if data.draw(st.booleans()):
        answers = [event for event in codec.read(session.open()) if isinstance(event, SendNow)]
        session.take(answers[0].message)
    for _ in range(10):
        check_contained(codec, data.draw(next_message(session)))
    told = codec.closing(SocketEnding.REFUSED)
    assert told is None or json.loads(told)["type"] == "disconnect"
