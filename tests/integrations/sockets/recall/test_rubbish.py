"""A thousand messages that Recall should not send: each is read, or left out."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from interject.integrations.sockets.recall.codec import RecallCodec
from interject.integrations.sockets.recall.messages import RecallEvent
from tests.integrations.sockets.recall.messages import ann, event
from tests.integrations.sockets.rubbish import check_contained
from tests.integrations.sockets.spoilt import anything, nonsense, sounds, spoilt

NAMES = st.sampled_from([*RecallEvent, "transcript.data", "participant_events.speech_on"])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "buffer": sounds,
        "participant": st.builds(ann, st.integers(), st.just("Ben") | anything) | anything,
        "data": st.fixed_dictionaries({"text": anything}) | anything,
        "timestamp": anything,
    },
)


@st.composite
def messages(draw: st.DrawFn) -> str | bytes:
    text = event(draw(NAMES), **draw(DATA))
    whole: dict[str, Any] = json.loads(text)
    return draw(nonsense | spoilt(st.just(whole))) if draw(st.integers(0, 3)) == 0 else text


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(messages(), min_size=10, max_size=10))
def test_a_thousand_bad_messages(messages: list[str | bytes]) -> None:
    codec = RecallCodec()
    for message in messages:
        check_contained(codec, message)
