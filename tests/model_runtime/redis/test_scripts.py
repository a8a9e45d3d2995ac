"""The scripts and the modules beside them agree on numbers."""

from __future__ import annotations

import re
from hashlib import sha1
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from redis.exceptions import NoPermissionError, NoScriptError, ResponseError

from interject.model_runtime.redis import notifier, scripts
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient

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


class Forgetful:
    """Knows no script by its digest but the one that it was told of."""

    digests_refused = False

    def __init__(self, known: str, error: Exception) -> None:
        self.known, self.error = known, error
        self.asked: list[list[object]] = []

    async def exchange(self, commands: Sequence[Command]) -> list[object]:
        self.asked.append([list(command) for command in commands])
        return [
            self.error if name == "EVALSHA" and digest != self.known else [first]
            for name, digest, _, _, first in commands
        ]


@pytest.mark.parametrize("error", [NoScriptError("x"), NoPermissionError("x"), ResponseError("x")])
async def test_what_cannot_be_called_by_its_digest_is_called_as_a_text(error: Exception) -> None:
    redis = Forgetful(sha1(b"known").hexdigest(), error)
    calls: list[Command] = [("EVAL", "known", 1, "k", 1), ("EVAL", "forgotten", 1, "k", 2)]
    answers = await scripts.exchange_digests(cast("RedisClient", redis), calls)
    if type(error) is ResponseError:
        assert (answers, len(redis.asked)) == ([[1], error], 1)
    else:
        assert answers == [[1], [2]]
        assert redis.asked[1:] == [[["EVAL", "forgotten", 1, "k", 2]]]
