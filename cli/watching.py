"""Looks at a Redis again and again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rich.console import Console
from rich.live import Live
from rich.text import Text

from interject.cli.fleet_table import draw
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from typing import TextIO

    from rich.console import RenderableType

PLAIN_WIDTH = 120


async def watch(url: str, out: TextIO, *, every_s: float, most_sessions: int, once: bool) -> None:
    """Until interrupted. A Redis that goes away meanwhile is waited for.

    :raises RuntimeFailure: when it cannot be used from the start.
    """
    try:
        from interject.model_runtime.redis.connection import OUTAGE, Address
        from interject.model_runtime.telemetry.fleet import read_fleet
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"this command needs {error.name}: pip install 'interject[redis]'"
        ) from error
    from redis.exceptions import NoPermissionError

    address = Address.parse(url)
    client = address.client()
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)

    async def look() -> RenderableType:
        try:
            return draw(await read_fleet(client, address.keys, most_sessions=most_sessions))
        except OUTAGE as error:
            return Text(f"{address.name} is away ({type(error).__name__})", style="bold red")

    try:
        await address.check(client)
        first = await look()
        if once:
            console.print(first)
            return
        with Live(first, console=console, screen=console.is_terminal, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(every_s)
                live.update(await look(), refresh=True)
    except NoPermissionError:
        raise RuntimeFailure(
            f"{address.name}: this user may not look at workers; use interject-ops"
        ) from None
    finally:
        await client.aclose()
