"""Runs `interject webhook list` and `interject webhook resend`."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.process.counting import number_of
from interject.cli.process.failures import (
    EXIT_BAD_INPUT,
    InputFailure,
    complain,
    printable,
    reason,
)
from interject.cli.process.webhook_target import read_secret, read_url

if TYPE_CHECKING:
    from typing import TextIO

    from interject.integrations.web.dead_letters import DeadLetter, DeadLetters
    from interject.integrations.web.webhook_signature import WebhookSecret


def show_letters(file: str, out: TextIO | None = None) -> None:
    """:raises InputFailure: when it cannot be read."""
    out = sys.stdout if out is None else out
    letters = _read(_letters(file))
    for letter in letters:
        data = letter.event.get("data")
        call = data.get("call") if isinstance(data, dict) else None
        row = (letter.time, letter.id, letter.event.get("type"), call, letter.reason)
        out.write(printable("  ".join(str(field) for field in row)) + "\n")
    out.write(f"{number_of(len(letters), 'event')} not taken\n")


def resend_letters(file: str, url: str) -> int:
    """The exit code: of those that are not taken the first says why, and the rest wait.

    :raises InputFailure: when the file or the URL cannot be used.
    """
    target, secret = read_url("--to", url), read_secret(os.environ)
    found = _letters(file)
    letters = _read(found)
    taken, refusal = asyncio.run(_send(letters, target, secret))
    found.keep(letters[taken:])
    sys.stdout.write(f"{taken} of {len(letters)} were taken\n")
    if refusal is None:
        return 0
    complain(f"{printable(letters[taken].id)}: {refusal}; it and those behind it stay in the file")
    return EXIT_BAD_INPUT


async def _send(
    letters: tuple[DeadLetter, ...], url: str, secret: WebhookSecret | None
) -> tuple[int, str | None]:
    """How many were taken, one after another, and why the next one was not."""
    from interject.integrations.web.webhook import RetryBackoff, WebhookOutput

    async with WebhookOutput(url, secret, backoff=RetryBackoff(pauses_s=(1.0,))) as output:
        for taken, letter in enumerate(letters):
            if (refusal := await output.resend(letter)) is not None:
                return taken, refusal
    return len(letters), None


def _letters(file: str) -> DeadLetters:
    from interject.integrations.web.dead_letters import DeadLetters

    return DeadLetters(Path(file))


def _read(letters: DeadLetters) -> tuple[DeadLetter, ...]:
    try:
        return letters.read()
    except OSError as error:
        raise InputFailure(f"{printable(str(letters.path))}: {reason(error)}") from None
