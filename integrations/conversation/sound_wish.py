"""Something written that means the music, and nothing that the model need read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.phrases import wishes_phrase

if TYPE_CHECKING:
    from collections.abc import Callable


class SoundWish:
    """Told of texts; `otherwise` gets those that are no such wish."""

    def __init__(
        self,
        phrases: tuple[str, ...],
        on_wish: Callable[[], None],
        otherwise: Callable[[str, str], None],
    ) -> None:
        self._phrases = phrases
        self._on_wish = on_wish
        self._otherwise = otherwise

    def __call__(self, identity: str, text: str) -> None:
        if wishes_phrase(text, self._phrases):
            self._on_wish()
        else:
            self._otherwise(identity, text)
