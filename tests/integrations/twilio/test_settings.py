"""Every mistake in the settings is one line that says what to do, and shows no secret."""

from __future__ import annotations

from typing import Any

import pytest

from interject.config import load_profile
from interject.integrations.twilio.settings import TwilioSettings, TwilioSettingsFailure

ACCOUNT = "AC" + "0" * 32
GOOD: dict[str, Any] = {
    "account_sid": ACCOUNT,
    "auth_token": "first-secret",
    "public_url": "https://voice.example.com/",
}
ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": "first-secret",
    "INTERJECT_PUBLIC_URL": "https://voice.example.com",
}


def test_what_is_needed_is_little() -> None:
    settings = TwilioSettings.made(**GOOD)
    assert settings.public_url == "https://voice.example.com"
    assert settings.socket_url == "wss://voice.example.com"
    assert settings.secrets == ("first-secret",)


def test_the_environment_has_the_usual_names_and_our_own() -> None:
    more = {
        "TWILIO_AUTH_TOKEN_SECONDARY": "second-secret",
        "INTERJECT_TWILIO_HUMAN_NUMBER": "+442071838750",
        "INTERJECT_TWILIO_MACHINE": " leave_message ",
        "INTERJECT_TWILIO_MACHINE_MESSAGE": "Please call back.",
        "INTERJECT_TWILIO_COPILOT_THEN": "https://calls.example.com/next",
        "TWILIO_API_URL": "http://127.0.0.1:9000",
    }
    settings = TwilioSettings.from_environment(ENVIRONMENT | more)
    assert settings.secrets == ("first-secret", "second-secret")
    assert settings.human_number == "+442071838750"
    assert (settings.machine, settings.machine_message) == ("leave_message", "Please call back.")
    assert settings.copilot_then == "https://calls.example.com/next"
    assert settings.rest_url == "http://127.0.0.1:9000"
    assert not settings.insecure_dev


def test_what_is_given_comes_before_the_environment() -> None:
    settings = TwilioSettings.from_environment(
        ENVIRONMENT, public_url="https://other.example.com", human_number=None
    )
    assert settings.public_url == "https://other.example.com"
    assert settings.human_number is None


def test_secrets_are_not_shown() -> None:
    settings = TwilioSettings.made(**GOOD, secondary_auth_token="second-secret", shared_key="third")
    assert "secret" not in repr(settings)
    assert "third" not in repr(settings)


def test_insecure_needs_no_account() -> None:
    settings = TwilioSettings.made(public_url="http://127.0.0.1:8080", insecure_dev=True)
    assert settings.socket_url == "ws://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"account_sid": ""}, "set TWILIO_ACCOUNT_SID, which the first page of Twilio's console"),
        ({"auth_token": ""}, "set TWILIO_AUTH_TOKEN, which"),
        ({"account_sid": "", "auth_token": ""}, "set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, wh"),
        ({"account_sid": "first-secret"}, "TWILIO_ACCOUNT_SID: it must be AC and 32"),
        ({"public_url": None}, "--public-url (INTERJECT_PUBLIC_URL): "),
        ({"public_url": "http://voice.example.com"}, "(INTERJECT_PUBLIC_URL): it must begin with"),
        ({"public_url": "voice.example.com"}, "(INTERJECT_PUBLIC_URL): it must be a URL like"),
        ({"public_url": "https://"}, "(INTERJECT_PUBLIC_URL): it must be a URL like"),
        ({"public_url": "https://me:secret@voice.example.com"}, "no query, fragment or user name"),
        ({"public_url": "https://voice.example.com?x=1"}, "no query"),
        ({"public_url": "https://[::1"}, "--public-url (INTERJECT_PUBLIC_URL): "),
        ({"public_url": "https://voice.example.com:port"}, "--public-url (INTERJECT_PUBLIC_URL): "),
        ({"rest_url": "ftp://x"}, "TWILIO_API_URL: it must be a URL like"),
        ({"human_number": "0207 1838750"}, "INTERJECT_TWILIO_HUMAN_NUMBER: it must be a number"),
        ({"caller_id": "us"}, "INTERJECT_TWILIO_CALLER_ID: it must be a number"),
        ({"copilot_then": "ftp://x"}, "INTERJECT_TWILIO_COPILOT_THEN: it must be a number like"),
        (
            {"copilot_then": "https://voice.example.com/twilio/copilot"},
            "INTERJECT_TWILIO_COPILOT_THEN: it is a webhook of this server, so calls would go",
        ),
        ({"copilot_inbound": "boss"}, "INTERJECT_TWILIO_COPILOT_INBOUND: it must be customer or a"),
        ({"machine": "talk"}, "INTERJECT_TWILIO_MACHINE: it must be hang_up or leave_message"),
        ({"machine": "leave_message"}, "so set INTERJECT_TWILIO_MACHINE_MESSAGE to the sentence"),
        ({"machine_message": "Call us."}, "INTERJECT_TWILIO_MACHINE is leave_message alone: set t"),
        (
            {"copilot_profile": load_profile("default")},
            "INTERJECT_TWILIO_COPILOT_PROFILE: a copilot is never heard, so its profile needs outp",
        ),
        ({"machine_message": ""}, "INTERJECT_TWILIO_MACHINE_MESSAGE: it must be a sentence of 1"),
        ({"language": "english"}, "INTERJECT_TWILIO_LANGUAGE: it must be a language like en-GB"),
        ({"failed_sentence": "x" * 501}, "INTERJECT_TWILIO_FAILED_SENTENCE: it must be a sentence"),
        ({"busy_sentence": ""}, "INTERJECT_TWILIO_BUSY_SENTENCE: it must be a sentence"),
        (
            {"busy_sentence": "Busy\0"},
            "INTERJECT_TWILIO_BUSY_SENTENCE: it holds a character that Tw",
        ),
        ({"human_number": "sip:a\x01@b"}, "INTERJECT_TWILIO_HUMAN_NUMBER: it holds a character th"),
        ({"copilot_then": "https://a/\x1b"}, "INTERJECT_TWILIO_COPILOT_THEN: it holds a character"),
        ({"colour": "red"}, "no setting colour"),
    ],
)
def test_a_mistake_is_one_line(change: dict[str, Any], says: str) -> None:
    with pytest.raises(TwilioSettingsFailure) as caught:
        TwilioSettings.made(**(GOOD | change))
    text = str(caught.value)
    assert says in text
    assert "\n" not in text
    assert "first-secret" not in text


def test_a_copilot_s_profile_is_named() -> None:
    name = "INTERJECT_TWILIO_COPILOT_PROFILE"
    settings = TwilioSettings.from_environment(ENVIRONMENT | {name: "call_center_copilot"})
    assert settings.copilot_profile is not None
    assert settings.copilot_profile.mode == "assist"
    with pytest.raises(TwilioSettingsFailure, match=f"{name}: no profile is called 'nobody'"):
        TwilioSettings.from_environment(ENVIRONMENT | {name: "nobody"})


def test_a_missing_public_url_is_told_by_its_option_and_its_variable() -> None:
    says = r"^set --public-url \(INTERJECT_PUBLIC_URL\) to where Twilio reaches this server, for ex"
    with pytest.raises(TwilioSettingsFailure, match=says):
        TwilioSettings.from_environment({**ENVIRONMENT, "INTERJECT_PUBLIC_URL": ""})


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("INTERJECT_TWILIO_COPILOT_THAN", "did you mean INTERJECT_TWILIO_COPILOT_THEN?"),
        ("INTERJECT_TWILIO_HUMAN", "did you mean INTERJECT_TWILIO_HUMAN_NUMBER?"),
        ("INTERJECT_TWILIO_INSECURE_DEV", "say --insecure-dev"),
        ("INTERJECT_TWILIO_X", "docs/twilio.md lists them"),
    ],
)
def test_a_variable_that_is_written_wrongly_is_not_left_out_in_silence(
    name: str, says: str
) -> None:
    with pytest.raises(TwilioSettingsFailure) as caught:
        TwilioSettings.from_environment({**ENVIRONMENT, name: "first-secret"})
    assert str(caught.value) == f"{name}: there is no such setting; {says}"
    assert TwilioSettings.from_environment({**ENVIRONMENT, name: " "}).copilot_then is None
