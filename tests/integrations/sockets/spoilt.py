"""Messages of a right shape of which something is spoilt, drawn quickly."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.integrations.sockets.rubbish import HUGE_CHARS, STRANGE

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

JUNK: list[Any] = [
    None, True, 0, -1, 7, 2**53 + 1, -(2**70), 1.5, float("nan"), float("inf"), "", "7", " ",
    "\x00", "\ud800", "٣", "ä" * 200, "A" * HUGE_CHARS, "PT1S", [], [None], [[]], ["external"], {},
    {"id": 1}, {"": {}}, {"a": [1, {"b": None}]},
]  # fmt: skip
anything = st.sampled_from(JUNK)
"""Small, so that a thousand messages are drawn in seconds."""
sounds = st.one_of(
    st.binary(max_size=400).map(lambda sound: base64.b64encode(sound).decode()),
    st.sampled_from(["!", "AAA", "AAAA\n", "AA==", "A" * HUGE_CHARS]),
    anything,
)
nonsense = st.one_of(
    st.binary(max_size=400),
    st.text(max_size=40),
    st.sampled_from(STRANGE),
    anything.map(json.dumps),
)


@st.composite
def spoilt(draw: st.DrawFn, whole: SearchStrategy[dict[str, Any]]) -> str:
    """A message of which something is missing, is another thing, or is cut off."""
    message = draw(whole)
    kind = draw(st.integers(0, 3))
    if kind == 1:
        del message[draw(st.sampled_from(sorted(message)))]
    elif kind == 2:
        message[draw(st.sampled_from(sorted(message)))] = draw(anything)
    text = json.dumps(message)
    return text[: draw(st.integers(0, len(text)))] if kind == 3 else text
