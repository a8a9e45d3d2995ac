"""docs/twilio.md says what the code does: its table of settings, its addresses, its answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.twilio.door import TwilioDoor
from interject.integrations.twilio.settings import (
    OPTIONS,
    STANDARD_NAMES,
    TwilioSettings,
    named,
    variable,
    variables,
)
from interject.integrations.twilio.twiml import MEDIA_PATH
from tests.cli.command_process import interject
from tests.fakes.runtime import FakeRuntime

PAGE = (Path(__file__).parents[3] / "docs" / "twilio.md").read_text(encoding="utf-8")
SHOWN: dict[str, str] = {
    "copilot_then": "the human number",
    "copilot_profile": "that of `--profile` where its replies can be read, "
    "else `call_center_copilot`",
    "rest_url": "Twilio's",
    "insecure_dev": "no",
}
"""Defaults that are no value of the field."""


def rows() -> list[list[str]]:
    section = PAGE.partition("\n## Settings\n")[2].partition("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("|")
    ]
    return cells[2:]


def setting_of(row: list[str]) -> str:
    options = {option: name for name, option in OPTIONS.items()}
    name = row[0].strip("`")
    return variables()[name] if name else options[row[1].strip("`")]


def test_the_table_has_every_setting_once() -> None:
    found = [setting_of(row) for row in rows()]
    assert sorted(found) == sorted(TwilioSettings.model_fields)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0] or row[1])
def test_a_row_says_how_it_is_set_and_what_it_is_without(row: list[str]) -> None:
    name = setting_of(row)
    assert row[1].strip("`") == OPTIONS.get(name, "")
    assert bool(row[0]) == (name != "insecure_dev")
    default: Any = TwilioSettings.model_fields[name].default
    usual = "none" if not isinstance(default, str) or not default else default
    assert row[2].strip("`") == SHOWN.get(name, usual).strip("`")
    assert row[3]


def test_every_variable_that_the_page_names_is_one() -> None:
    named_there = set(re.findall(r"\bINTERJECT_TWILIO_[A-Z_]+[A-Z]\b|\bTWILIO_[A-Z_]+\b", PAGE))
    assert named_there == {
        variable(name)
        for name in TwilioSettings.model_fields.keys() - {"public_url", "insecure_dev"}
    }
    assert STANDARD_NAMES.keys() <= TwilioSettings.model_fields.keys()
    assert named("public_url") == "--public-url (INTERJECT_PUBLIC_URL)"


async def test_every_address_that_the_page_names_is_there() -> None:
    runtime, role = FakeRuntime(), Profile(name="test", system_prompt="listen")
    settings = TwilioSettings.made(public_url="http://127.0.0.1:1", insecure_dev=True)
    door = TwilioDoor(Switchboard(Role(role, runtime=runtime), runtime), settings)
    app = FastAPI()
    app.include_router(door.router)
    served = {re.sub(r"\{\w+\}", "SID", path) for path in (*app.openapi()["paths"], MEDIA_PATH)}
    found = set(re.findall(r"(?<![\w.])(?:https://voice\.example\.com)?(/twilio/[\w./-]+)", PAGE))
    found = {re.sub(r"/CA[\w.]+", "/SID", path) for path in found}
    assert found == served


@pytest.mark.parametrize("command", [("serve",), ("twilio", "simulate")])
def test_every_option_that_the_page_gives_a_command_is_one(command: tuple[str, ...]) -> None:
    wanted = " ".join(command)
    lines = [line for line in PAGE.splitlines() if f"interject {wanted} " in line]
    options = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}
    assert options
    shown = interject(*command, "--help").stdout
    assert {option for option in options if option not in shown} == set()
