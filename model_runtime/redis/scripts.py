"""The Lua scripts. Sent as text each time: a Redis that was restarted knows none by its digest."""

from __future__ import annotations

from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, Word

_FOLDER = Path(__file__).parent / "lua"


class Script(Enum):
    """What must happen all at once or not at all."""

    OPEN = "open"
    BEAT = "beat"
    LOOK = "look"
    WRITE = "write"
    RELEASE = "release"
    RECLAIM = "reclaim"
    ACQUIT = "acquit"
    SIFT = "sift"
    INSPECT = "inspect"


_ALONE = (Script.WRITE, Script.ACQUIT, Script.SIFT, Script.INSPECT)
"""Those that need nothing of `fleet.lua`."""


async def run(client: Any, script: Script, keys: Sequence[str], *arguments: Word) -> Any:
    """Run a script on a client, or queue it in a pipeline."""
    call = client.eval(_text(script), len(keys), *keys, *arguments)
    return await call if hasattr(call, "__await__") else call


def queue(pipeline: Any, script: Script, keys: Sequence[str], *arguments: Word) -> None:
    """Put a script into a pipeline."""
    pipeline.eval(_text(script), len(keys), *keys, *arguments)


def call(script: Script, keys: Sequence[str], arguments: Sequence[Word]) -> Command:
    """A script as a command."""
    return "EVAL", _text(script), len(keys), *keys, *arguments


@cache
def _text(script: Script) -> str:
    return ("" if script in _ALONE else _code("fleet")) + _code(script.value)


def _code(name: str) -> str:
    """Without comments, and line for line: Redis takes a digest of all of it at each call."""
    lines = (line.strip() for line in (_FOLDER / f"{name}.lua").read_text("utf-8").splitlines())
    return "".join(f"{'' if line.startswith('--') else line}\n" for line in lines)
