"""The scripts and the modules beside them agree on numbers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from interject.model_runtime.redis import notifier, scripts
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.remote import wire

LUA = Path(scripts.__file__).parent / "lua"


def text(script: Script) -> str:
    return (LUA / f"{script.value}.lua").read_text("utf-8")


@pytest.mark.parametrize("script", [Script.OPEN, Script.WRITE, Script.RECLAIM, Script.SIFT])
def test_entries_have_the_version_of_the_protocol(script: Script) -> None:
    assert set(re.findall(r"'v', '(\w+)'", text(script))) == {wire.VERSION.decode()}


@pytest.mark.parametrize("script", [Script.OPEN, Script.WRITE])
def test_notices_are_as_long_as_the_module_says(script: Script) -> None:
    longest = re.findall(r"XADD', notices, 'MAXLEN', '~', (\d+)", text(script))
    assert longest == [str(notifier.LONGEST)]


def test_every_script_has_a_file_and_every_file_is_used() -> None:
    shared = {"fleet"}
    assert {path.stem for path in LUA.glob("*.lua")} == {script.value for script in Script} | shared
