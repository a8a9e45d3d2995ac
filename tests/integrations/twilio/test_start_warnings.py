"""What the log says when a server starts that does not do what its owner may think."""

from __future__ import annotations

from typing import Any

import pytest

from interject.config import Profile, load_profile, shipped_profiles
from interject.integrations.twilio.settings import TwilioSettings
from interject.integrations.twilio.start_warnings import warn

SILENT: dict[str, Any] = {"voice": {"engine": "none"}}
UNANSWERED, UNTOLD, OTHER_WORDS = "never answered", "not told so", "usual ones are said"


def said(caplog: pytest.LogCaptureFixture, profile: Profile, url: str = "") -> list[str]:
    settings = TwilioSettings.made(
        account_sid="AC" + "0" * 32,
        auth_token="secret",
        public_url=url or "https://voice.example.com",
    )
    warn(settings, profile, has_token=True)
    return [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, []),
        ({"mode": "assist"}, [UNANSWERED]),
        ({"mode": "observe", "outputs": ("cue",)}, [UNANSWERED]),
        ({"mode": "assist", "outputs": ("posted",)}, [UNANSWERED]),
        ({"mode": "observe", "outputs": ("posted",)}, []),
        ({"outputs": ()}, [UNANSWERED]),
        (SILENT, [UNANSWERED, UNTOLD]),
        ({**SILENT, "outputs": ("cue",), "room": {"announce": "none"}}, []),
        ({"room": {"announcement": "A machine listens."}}, [OTHER_WORDS]),
        ({"room": {"stop_notice": "It stopped."}}, [OTHER_WORDS]),
        ({"room": {"announcement": "Read.", "spoken_announcement": "Heard."}}, []),
    ],
)
def test_a_profile_that_does_not_suit_a_telephone_is_told_of(
    keys: dict[str, Any], expected: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    found = said(caplog, Profile(name="test", system_prompt="listen", **keys))
    assert len(found) == len(expected)
    assert all(part in line for part, line in zip(expected, found, strict=True))


@pytest.mark.parametrize("name", shipped_profiles())
def test_what_is_shipped_can_be_read_or_heard(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert not [line for line in said(caplog, load_profile(name)) if UNANSWERED in line]


@pytest.mark.parametrize(("port", "lines"), [("", 0), (":443", 0), (":8443", 1)])
def test_twilio_s_port_is_the_usual_one(
    port: str, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    found = said(caplog, load_profile("default"), f"https://voice.example.com{port}")
    assert len(found) == lines
