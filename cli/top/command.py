"""`interject top`: a live table of workers and sessions."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import InputFailure, command

_Redis = Annotated[
    str,
    typer.Option(
        envvar="INTERJECT_REDIS_URL",
        show_default=False,
        help="redis://user:password@host:port/0; the user interject-ops may do this.",
    ),
]
_Every = Annotated[float, typer.Option(help="Seconds between two looks.")]
_Sessions = Annotated[int, typer.Option(help="Show at most so many sessions.")]
_Once = Annotated[bool, typer.Option("--once", help="Look once and leave.")]


@command
def top(
    redis: _Redis = "redis://127.0.0.1:6379/0",
    every: _Every = 1.0,
    sessions: _Sessions = 30,
    once: _Once = False,
) -> None:
    """Show the workers and sessions of a Redis until stopped. Content is never shown."""
    import asyncio
    import sys

    from interject.cli.top.polling import watch

    if not every >= 0.1:
        raise InputFailure(f"--every {every:g}: look every 0.1 s at most")
    if sessions < 1:
        raise InputFailure(f"--sessions {sessions}: show at least one")
    asyncio.run(watch(redis, sys.stdout, every_s=every, most_sessions=sessions, once=once))
