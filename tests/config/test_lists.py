"""Phrases are the same whatever keyboard wrote them."""

from __future__ import annotations

import unicodedata

import pytest

from interject.config.lists import plain


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (unicodedata.normalize("NFD", "Höre auf zuzuhören!"), "höre auf zuzuhören"),
        (
            "\uff33\uff34\uff2f\uff30\u3000\uff4c\uff49\uff53\uff54\uff45\uff4e\uff49\uff4e\uff47",
            "stop listening",
        ),
        ("STOP LİSTENİNG", "stop listening"),
        ("stop listen\u00ading\ufe0f", "stop listening"),
        ("nicht an die STRASSE", "nicht an die Straße"),
    ],
)
def test_case_accents_and_widths_make_no_other_phrase(written: str, meant: str) -> None:
    assert plain(written) == plain(meant)


def test_an_accent_makes_another_word() -> None:
    assert plain("schon") != plain("schön")
