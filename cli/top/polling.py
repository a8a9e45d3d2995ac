"""Looks at a Redis again and again."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from interject.cli.top.fleet_table import draw
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from rich.console import RenderableType

    from interject.model_runtime.redis.connection import ShardConnection

PLAIN_WIDTH = 120


async def watch(url: str, out: TextIO, *, every_s: float, most_sessions: int, once: bool) -> None:
    """Until interrupted. A Redis that goes away meanwhile is waited for.

    :raises RuntimeFailure: when it cannot be used from the start.
    """
    try:
        from interject.model_runtime.redis.address import Address
        from interject.model_runtime.redis.connection import ShardConnection
        from interject.model_runtime.redis.errors import FAILURES, code, passes, reason
        from interject.model_runtime.redis.keys import Keys
        from interject.model_runtime.redis.node_resolver import NodeResolver
        from interject.model_runtime.telemetry.fleet import read_fleet, together
    except ModuleNotFoundError as error:
        raise RuntimeFailure(
            f"this command needs {error.name}: pip install 'interject[redis]'"
        ) from error
    address = Address.parse(url)
    shards = [Keys(name) for name in address.shards]
    connections = [ShardConnection(NodeResolver(address, keys)) for keys in shards]
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)

    async def look() -> RenderableType:
        fleets, away = [], []
        for keys, connection in zip(shards, connections, strict=True):
            read = partial(read_fleet, keys=keys, most_sessions=most_sessions)
            try:
                fleets.append(await connection.run(read))
            except FAILURES as error:
                if not passes(error):
                    raise
                where = f", shard {keys.shard}," if len(shards) > 1 else ""
                line = f"{address.name}{where} is away ({reason(error)})"
                away.append(Text(line, style="bold red"))
        if not fleets:
            return Group(*away)
        fleet = together(fleets, most_sessions=most_sessions)
        return Group(*away, draw(fleet, several=len(shards) > 1))

    try:
        await _check(connections)
        first = await look()
        if once:
            console.print(first)
            return
        with _screen(console) as show:
            show(first)
            while True:
                await asyncio.sleep(every_s)
                show(await look())
    except FAILURES as error:
        if code(error) != "NOPERM":
            raise address.explain(error) from None
        raise RuntimeFailure(
            f"{address.name}: this user may not look at workers; use interject-ops"
        ) from None
    finally:
        for connection in connections:
            await connection.aclose()


@contextlib.contextmanager
def _screen(console: Console) -> Iterator[Callable[[RenderableType], None]]:
    """A terminal shows the newest look alone, a pipe or a file each one as it comes."""
    if not console.is_terminal:
        yield partial(_print_now, console)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield partial(live.update, refresh=True)


def _print_now(console: Console, shown: RenderableType) -> None:
    console.print(shown)
    console.file.flush()


async def _check(connections: Sequence[ShardConnection]) -> None:
    """One shard that answers is enough."""
    checks = await asyncio.gather(
        *(connection.check() for connection in connections), return_exceptions=True
    )
    troubles = [trouble for trouble in checks if trouble is not None]
    if len(troubles) == len(connections):
        raise troubles[0]
