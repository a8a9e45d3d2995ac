"""Whether an operator looks at a console now, and so could be asked something."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


async def _nobody() -> int:
    return 0


class PresentOperators:
    """At the consoles of this process, and `elsewhere` at those of others; that is looked up when
    it has to be known.
    """

    def __init__(self) -> None:
        self.here = 0
        self.elsewhere: Callable[[], Awaitable[int]] = _nobody

    async def any(self) -> bool:
        return self.here > 0 or await self.elsewhere() > 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        self.here += 1
        try:
            yield
        finally:
            self.here -= 1
