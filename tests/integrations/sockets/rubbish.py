"""Messages that a codec may be given by whoever has got in, from nearly right to nonsense."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from interject.integrations.sockets.socket_codec import BadMessage
from interject.integrations.web.audio_socket import StreamRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message

SILENCE = base64.b64encode(bytes(640)).decode()
HUGE_CHARS = 60_000
"""Nearly what a server takes in one piece."""
STRANGE = ("", "[" * 20_000, "{}", "null", '{"type":', "\x00", "1e999", '"' * 9, "\ud800")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "-1", "1e9", "NaN", "9" * 5_000]),
    anything,
)
sounds = st.one_of(
    st.binary(max_size=400).map(lambda sound: base64.b64encode(sound).decode()),
    st.just(SILENCE),
    st.just("A" * HUGE_CHARS),
    st.just(f"{SILENCE[:-1]}\n"),
    st.text(max_size=60),
    anything,
)
PLAIN_EVENTS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(
        ["hello", "name", "text", "digit", "gap", "pause", "resume", "mark", "bye"]
    ) | anything,
    "track": st.just("caller") | anything,
    "name": st.text(max_size=80) | anything,
    "seconds": numbers,
    "text": anything,
    "digit": st.text(max_size=3) | anything,
    "rate_hz": numbers,
}  # fmt: skip


@st.composite
def messages_of(
    draw: st.DrawFn, fields: Mapping[str, st.SearchStrategy[Any]], *, kind: str
) -> Message:
    """`kind` is the field that most of them have."""
    shape = draw(st.integers(0, 9))
    if shape == 0:
        return draw(st.binary(max_size=400) | st.text(max_size=200))
    if shape == 1:
        return draw(st.sampled_from(STRANGE))
    optional = {name: field for name, field in fields.items() if name != kind}
    whole = draw(st.fixed_dictionaries({kind: fields[kind]}, optional=optional))
    if shape == 2:
        del whole[draw(st.sampled_from(sorted(whole)))]
    text = json.dumps(whole)
    return text[: draw(st.integers(0, len(text)))] if shape == 3 else text


def check_contained(codec: SocketCodec, message: Message) -> None:
    """It is events, or is said to be bad in words that fit into a close frame."""
    try:
        events = codec.read(message)
    except (BadMessage, StreamRefused) as refused:
        said = str(refused)
        assert said, "a reason"
        assert len(said.encode()) < 500
        return
    assert len(events) < 100
