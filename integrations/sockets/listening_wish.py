"""Whether people on a call want it to be heard, for a platform that can be told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class ListeningWish:
    """A `Listener` of consent. One person's own silence is not the platform's affair."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self.wanted = True

    def exclude(self, identity: str) -> None:
        """The others are heard."""

    def include(self, identity: str) -> None:
        """He is heard again."""

    def stop_listening(self) -> None:
        self._set(wanted=False)

    def resume_listening(self) -> None:
        self._set(wanted=True)

    def _set(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self._on_change()
