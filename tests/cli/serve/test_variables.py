"""A setting that would do nothing is told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.serve.options import ServeOptions
from interject.cli.serve.variables import READ, check_names, warn_of_idle
from tests.cli.command_process import interject

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[3]
WRITTEN = re.compile(r"`(INTERJECT_[A-Z_]+)`")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("INTERJECT_API_TOKN", "INTERJECT_API_TOKEN"),
        ("INTERJECT_TURN_SECRT", "INTERJECT_TURN_SECRET"),
        ("INTERJECT_RUNTIM", "INTERJECT_RUNTIME"),
        ("INTERJECT_PUBLICURL", "INTERJECT_PUBLIC_URL"),
        ("INTERJECT_WEBHOOKS_SECRET", "INTERJECT_WEBHOOK_SECRET"),
    ],
)
def test_a_misspelt_variable_stops_the_start(name: str, meant: str) -> None:
    with pytest.raises(InputFailure) as refused:
        check_names({name: "something", "INTERJECT_API_TOKEN": "a-token-of-the-operator"})
    assert str(refused.value) == f"{name}: there is no such setting; did you mean {meant}?"


def test_a_server_whose_token_is_misspelt_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERJECT_API_TOKN", "a-token-of-the-operator")
    done = interject("serve", "--no-twilio")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "did you mean INTERJECT_API_TOKEN?" in done.stderr


def test_variables_of_the_project_s_other_programs_are_no_mistakes() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), ROOT / "docker-compose.yml"]
    written = {
        name
        for page in pages
        for name in re.findall(r"INTERJECT_[A-Z_]+[A-Z]", page.read_text("utf-8"))
    }
    assert len(written) > 20
    check_names(dict.fromkeys(written, "something") | {"INTERJECT_API_TOKN": " "})


def test_every_variable_of_the_page_s_settings_is_read() -> None:
    settings = (ROOT / "docs" / "serve.md").read_text("utf-8").partition("## Addresses")[0]
    rows = [line for line in settings.splitlines() if line.startswith("| `INTERJECT_")]
    named = {name for row in rows if (found := WRITTEN.match(row[2:])) for name in found.groups()}
    assert len(named) >= 7
    assert {name for name in named if "_TWILIO_" not in name} <= {*READ}


@pytest.mark.parametrize(
    ("options", "environment", "told"),
    [
        ({}, {"INTERJECT_TURN_SECRET": "north"}, [("INTERJECT_TURN_SECRET", "--turn")]),
        ({"turn": ("turn:a:1",)}, {"INTERJECT_TURN_SECRET": "north"}, []),
        ({}, {"INTERJECT_WEBHOOK_SECRET": "x"}, [("INTERJECT_WEBHOOK_SECRET", "--webhook")]),
        ({}, {"INTERJECT_WEBHOOK_SECRET": ""}, []),
        ({"webhook": "https://a/"}, {"INTERJECT_WEBHOOK_SECRET": "x"}, []),
        ({"max_calls": 99}, {}, [("--max-calls 99", "8 slots")]),
        ({"max_calls": 8}, {}, []),
        ({"max_calls": 99, "slots": "auto"}, {}, []),
        ({"max_calls": 99, "runtime": "redis://127.0.0.1:6379/0"}, {}, []),
    ],
)
def test_what_has_no_effect_is_a_warning(
    caplog: pytest.LogCaptureFixture,
    options: Mapping[str, object],
    environment: Mapping[str, str],
    told: list[tuple[str, str]],
) -> None:
    warn_of_idle(ServeOptions(**options), environment)  # type: ignore[arg-type]
    lines = [(vars(record)["setting"], vars(record)["reason"]) for record in caplog.records]
    assert [setting for setting, _ in lines] == [setting for setting, _ in told]
    assert all(part in reason for (_, reason), (_, part) in zip(lines, told, strict=True))
