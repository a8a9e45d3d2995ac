"""The way to other processes whose sessions a console shows, and from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Letter = tuple[str, bytes, bytes]
"""Whose mailbox it is for, its head and its body."""


class Neighbourhood(Protocol):
    """`token` is this process' name there. Each method raises `RuntimeAway` while nobody can be
    reached, and `RuntimeFailure` where that will not pass.
    """

    token: str

    async def post(self, bulletin: bytes) -> None:
        """In place of the last one, which would not stand for long."""

    async def leave(self, bulletin: bytes) -> None:
        """The last one: no letters are taken here any more."""

    async def bulletins(self) -> dict[str, bytes]:
        """Of all others that are there, by token."""

    async def send(self, letters: Sequence[Letter]) -> list[bool]:
        """Whether each has a mailbox to lie in."""

    async def receive(self) -> list[tuple[bytes, bytes]]:
        """Heads and bodies; after a while none."""
