"""Typed text with nothing to be seen in it is none."""

from __future__ import annotations

import pytest

from interject.model_runtime.protocol import readable

INVISIBLE = ["\0", "\x1b\x07", "\u200b\u200d", "\ufeff", "\u202e \u202c", "\ufe0f", " \n\t", ""]


@pytest.mark.parametrize("text", INVISIBLE)
def test_nothing_to_be_seen_is_no_text(text: str) -> None:
    assert readable(text) == ""


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("stop\0 it\x07", "stop it"),
        ("\x1b[31mred", "[31mred"),
        (" two\r\n\tlines ", " two\r\n\tlines "),
        ("\N{WOMAN}\u200d\N{ROCKET}", "\N{WOMAN}\u200d\N{ROCKET}"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        ("?", "?"),
        ("\U0003fffd", "\U0003fffd"),
    ],
)
def test_what_can_be_seen_stays(text: str, left: str) -> None:
    assert readable(text) == left
