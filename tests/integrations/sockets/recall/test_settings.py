"""What is said wrongly of a Recall.ai workspace is told in one line, and never the secret."""

from __future__ import annotations

import pytest

from interject.integrations.sockets.platform_settings import PlatformSettingsFailure
from interject.integrations.sockets.recall.settings import RecallSettings

TOKEN, SECRET = "t" * 24, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    "given",
    [
        {"INTERJECT_RECALL_TOKEN": TOKEN},
        {"INTERJECT_RECALL_SECRET": SECRET},
        {"INTERJECT_RECALL_TOKEN": TOKEN, "INTERJECT_RECALL_SECRET": SECRET},
    ],
)
def test_a_token_or_the_workspace_s_secret_is_enough(given: dict[str, str]) -> None:
    settings = RecallSettings.from_environment(given, insecure_dev=False)
    assert {settings.token, settings.secret} - {""} == set(given.values())
    assert not {TOKEN, SECRET} & set(repr(settings).split("'"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "set INTERJECT_RECALL_TOKEN"),
        ({"TOKEN": "short"}, "INTERJECT_RECALL_TOKEN: 16 to 128 letters"),
        ({"TOKEN": "t" * 20 + "&x=1"}, "INTERJECT_RECALL_TOKEN: 16 to 128 letters"),
        ({"SECRET": "whsec_hush"}, "INTERJECT_RECALL_SECRET: whsec_ and what follows"),
        ({"TOKN": TOKEN}, "did you mean INTERJECT_RECALL_TOKEN?"),
        ({"TOKEN": TOKEN, "API_KEY": "key"}, "set both INTERJECT_RECALL_API_KEY and INTERJECT_R"),
        ({"TOKEN": TOKEN, "URL": "us-west-2"}, "INTERJECT_RECALL_URL: it must be a URL like"),
    ],
)
def test_what_is_wrong_is_one_line_without_the_secret(given: dict[str, str], said: str) -> None:
    named = {f"INTERJECT_RECALL_{name}": value for name, value in given.items()}
    with pytest.raises(PlatformSettingsFailure) as caught:
        RecallSettings.from_environment(named, insecure_dev=False)
    assert said in str(caught.value)
    assert "whsec_hush" not in str(caught.value)
