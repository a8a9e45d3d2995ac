"""The Lua scripts. A Redis that was restarted knows none by its digest, so most are sent as text.

Redis takes a digest of that text at each call: one that is called often is called by its digest.
"""

from __future__ import annotations

import hashlib
import logging
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoPermissionError, NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.model_runtime.redis.connection import Command, RedisClient, Word

logger = logging.getLogger(__name__)

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
_REFUSED = (NoScriptError, NoPermissionError)


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


async def exchange_digests(client: RedisClient, calls: Sequence[Command]) -> list[Any]:
    """`RedisClient.exchange` of script calls, without their texts. Those that Redis does not know,
    or may not be called so by this user, are called again as they are: they have done nothing.
    """
    if client.digests_refused:
        return await client.exchange(calls)
    answers = await client.exchange(
        [("EVALSHA", _digest(str(text)), *rest) for _, text, *rest in calls]
    )
    refused = [n for n, answer in enumerate(answers) if isinstance(answer, _REFUSED)]
    if any(isinstance(answer, NoPermissionError) for answer in answers):
        client.digests_refused = True
        logger.warning("this user may not call EVALSHA: scripts are sent as text, which costs more")
    if refused:
        again = await client.exchange([calls[n] for n in refused])
        for n, answer in zip(refused, again, strict=True):
            answers[n] = answer
    return answers


@cache
def _digest(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@cache
def _text(script: Script) -> str:
    return ("" if script in _ALONE else _code("fleet")) + _code(script.value)


def _code(name: str) -> str:
    """Without comments, and line for line: Redis takes a digest of all of it at each call."""
    lines = (line.strip() for line in (_FOLDER / f"{name}.lua").read_text("utf-8").splitlines())
    return "".join(f"{'' if line.startswith('--') else line}\n" for line in lines)
