"""Messages that a media socket may be sent by whoever has got in, from nearly right to nonsense."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import strategies as st

Message = str | bytes

SILENCE = base64.b64encode(b"\xff" * 160).decode()
HUGE_CHARS = 60_000
"""Nearly what a server takes in one piece."""
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
numbers = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.integers(-5, 10**7),
    st.floats(),
    st.sampled_from(["", "-1", "1e9", "NaN", "٣", "0x10", " 7", "9" * 5_000]),
    anything,
)
payloads = st.one_of(
    st.binary(max_size=400).map(lambda sound: base64.b64encode(sound).decode()),
    st.just(SILENCE),
    st.text(max_size=60),
    st.just("A" * HUGE_CHARS),
    st.just(f"{SILENCE[:-1]}\n"),
    anything,
)
media = st.fixed_dictionaries(
    {},
    optional={
        "track": st.sampled_from(["inbound", "outbound", "both", ""]) | anything,
        "chunk": numbers,
        "timestamp": numbers,
        "payload": payloads,
    },
)
events = st.sampled_from(["connected", "start", "media", "dtmf", "mark", "stop", "clear"])
names = events | st.text(max_size=12) | anything
bodies = st.one_of(
    media,
    st.fixed_dictionaries({}, optional={"name": st.text(max_size=200) | anything}),
    st.fixed_dictionaries({}, optional={"track": anything, "digit": st.text(max_size=3)}),
    anything,
)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """The stream's own SID is put where STREAM stands."""
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return draw(st.binary(max_size=400) | st.text(max_size=200))
    if kind == 1:
        return draw(st.sampled_from(["", "[" * 20_000, "{}", "null", '{"event":', "\x00", "1e999"]))
    event = draw(names)
    whole: dict[str, Any] = {"event": event, "streamSid": draw(st.just("STREAM") | anything)}
    if draw(st.booleans()):
        whole["sequenceNumber"] = draw(numbers)
    whole[event if isinstance(event, str) else "media"] = draw(bodies)
    if kind == 2:
        del whole[draw(st.sampled_from(sorted(whole)))]
    text = json.dumps(whole)
    return text[: draw(st.integers(0, len(text)))] if kind == 3 else text
