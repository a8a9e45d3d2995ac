"""What is said wrongly of Genesys integrations is told in one line, and never the secret."""

from __future__ import annotations

import base64

import pytest

from interject.integrations.sockets.audiohook.settings import AudioHookSettings
from interject.integrations.sockets.platform_settings import PlatformSettingsFailure

KEY = "k" * 24
SECRET = base64.b64encode(b"s" * 32).decode()
GOOD = {"INTERJECT_AUDIOHOOK_API_KEY": KEY, "INTERJECT_AUDIOHOOK_CLIENT_SECRET": SECRET}


def test_a_key_and_its_secret_are_enough() -> None:
    settings = AudioHookSettings.from_environment(GOOD, insecure_dev=False)
    assert settings.keys == {KEY: b"s" * 32}
    assert settings.copilot is None
    assert SECRET not in repr(settings)
    assert KEY not in repr(settings)


def test_two_pairs_are_known_while_they_are_exchanged() -> None:
    other = {
        "INTERJECT_AUDIOHOOK_SECONDARY_API_KEY": "o" * 24,
        "INTERJECT_AUDIOHOOK_SECONDARY_CLIENT_SECRET": base64.b64encode(b"o" * 16).decode(),
        "INTERJECT_AUDIOHOOK_PROFILE": "call_center_copilot",
    }
    settings = AudioHookSettings.from_environment(GOOD | other, insecure_dev=False)
    assert settings.keys == {KEY: b"s" * 32, "o" * 24: b"o" * 16}
    assert settings.copilot is not None
    assert settings.copilot.name == "call_center_copilot"


def test_on_loopback_nothing_need_be_set() -> None:
    assert AudioHookSettings.from_environment({}, insecure_dev=True).keys == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"API_KEY": ""}, "set INTERJECT_AUDIOHOOK_API_KEY and INTERJECT_AUDIOHOOK_CLIENT_SECRET"),
        ({"CLIENT_SECRET": ""}, "set INTERJECT_AUDIOHOOK_API_KEY and INTERJECT_AUDIOHOOK_CLIENT"),
        ({"API_KEY": "short"}, "INTERJECT_AUDIOHOOK_API_KEY: 16 to 200 letters"),
        ({"API_KEY": "with a blank in it"}, "INTERJECT_AUDIOHOOK_API_KEY: 16 to 200 letters"),
        ({"CLIENT_SECRET": "hush!"}, "INTERJECT_AUDIOHOOK_CLIENT_SECRET: 16 bytes or more in base"),
        (
            {"CLIENT_SECRET": "aHVzaA=="},
            "INTERJECT_AUDIOHOOK_CLIENT_SECRET: 16 bytes or more in ba",
        ),
        ({"SECONDARY_API_KEY": "o" * 24}, "set both INTERJECT_AUDIOHOOK_SECONDARY_API_KEY and INT"),
        ({"PROFILE": "nobody"}, "INTERJECT_AUDIOHOOK_PROFILE: "),
        ({"PROFILE": "default"}, "INTERJECT_AUDIOHOOK_PROFILE: a copilot is never heard"),
        ({"CLIENT_SECRTE": "x"}, "did you mean INTERJECT_AUDIOHOOK_CLIENT_SECRET?"),
    ],
)
def test_what_is_wrong_is_one_line_without_the_secret(changed: dict[str, str], said: str) -> None:
    given = GOOD | {f"INTERJECT_AUDIOHOOK_{name}": value for name, value in changed.items()}
    with pytest.raises(PlatformSettingsFailure) as caught:
        AudioHookSettings.from_environment(given, insecure_dev=False)
    line = str(caught.value)
    assert said in line
    assert "\n" not in line
    assert not {SECRET, "hush!", "aHVzaA==", "with a blank in it"} & set(line.split())
