"""What is made known waits for whoever reads it, within bounds."""

from __future__ import annotations

import asyncio

from interject.integrations.console.feed import WAITING_MESSAGES, QueuedReader

SESSIONS = 1_000


def test_all_sessions_of_a_redis_may_change_twice_at_once() -> None:
    reader = QueuedReader()
    for number in range(2 * SESSIONS):
        reader.put(str(number))
    assert not reader.overrun.is_set()


async def test_a_reader_that_is_too_slow_is_told_nothing_more() -> None:
    reader = QueuedReader()
    for number in range(WAITING_MESSAGES + 2):
        reader.put(str(number))
    assert reader.overrun.is_set()
    for number in range(WAITING_MESSAGES):
        assert await reader.next() == str(number)
    waiting = asyncio.create_task(reader.next())
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
