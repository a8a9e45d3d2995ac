"""Whether an operator looks at a console now, and so could be asked something."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class PresentOperators:
    """Operators at the consoles of this process, and `elsewhere` at those of others."""

    def __init__(self) -> None:
        self.here = 0
        self.elsewhere = 0

    @property
    def any(self) -> bool:
        return self.here + self.elsewhere > 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        self.here += 1
        try:
            yield
        finally:
            self.here -= 1
