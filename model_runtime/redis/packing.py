"""Commands are packed by hiredis: in Python that costs more than all the rest of sending."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hiredis import pack_command

Word = str | bytes | int | float
Command = Sequence[Word]
"""Its name, one word, and its arguments."""


def pack(commands: Iterable[Command]) -> bytes:
    """As Redis reads them."""
    packed: Callable[[Any], bytes] = pack_command
    return b"".join([packed(tuple(command)) for command in commands])


class PackedByHiredis:
    """Mixed into a connection of the asyncio client, which packs in Python."""

    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack_command(_words(args))]

    def pack_commands(self, commands: Iterable[Any]) -> list[bytes]:
        return [b"".join([pack_command(_words(args)) for args in commands])]


def _words(args: Any) -> tuple[Any, ...]:
    """A command's name may hold several words."""
    name = args[0].encode() if isinstance(args[0], str) else args[0]
    return (*name.split(), *args[1:])
