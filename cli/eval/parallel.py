"""Many things played to one runtime, some at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")


async def in_parallel(
    things: Iterable[T],
    play: Callable[[T], Awaitable[R]],
    *,
    at_once: int,
    stop: asyncio.Event,
    done: Callable[[], None],
) -> list[R]:
    """In the order of the things, or fewer once `stop` is set. Reading them may block: it is done
    in another thread, one at a time.
    """
    reader, waiting = asyncio.Lock(), enumerate(things)
    results: dict[int, R] = {}

    async def play_some() -> None:
        while not stop.is_set():
            async with reader:
                found = await asyncio.to_thread(_next, waiting)
            if found is None:
                return
            number, thing = found
            results[number] = await play(thing)
            done()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(at_once):
            tasks.create_task(play_some())
    return [results[number] for number in sorted(results)]


def _next(waiting: Iterator[tuple[int, T]]) -> tuple[int, T] | None:
    return next(waiting, None)
