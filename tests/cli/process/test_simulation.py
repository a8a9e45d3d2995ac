"""How long somebody who is played stays on the line."""

from __future__ import annotations

import asyncio

from interject.cli.process.simulation import until_left


async def _nothing() -> None:
    """All is said."""


async def test_whoever_asks_for_seconds_stays_though_all_is_said() -> None:
    ended = asyncio.Event()
    end = asyncio.create_task(ended.wait())
    talk = asyncio.create_task(_nothing())
    await until_left(talk, [end], None)
    assert not ended.is_set()
    asyncio.get_running_loop().call_later(0.02, ended.set)
    await until_left(talk, [end], 30.0)
    assert ended.is_set()


async def test_nobody_stays_longer_than_asked() -> None:
    end = asyncio.create_task(asyncio.Event().wait())
    await until_left(asyncio.create_task(asyncio.Event().wait()), [end], 0.01)
    assert not end.done()
    end.cancel()
