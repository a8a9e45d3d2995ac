"""Commands are packed by hiredis: in Python that costs more than all the rest of sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hiredis import pack_command

if TYPE_CHECKING:
    from collections.abc import Iterable


class PackedByHiredis:
    """Mixed into a connection of the asyncio client, which packs in Python."""

    def pack_command(self, *args: Any) -> list[bytes]:
        return [pack_command(_words(args))]

    def pack_commands(self, commands: Iterable[Any]) -> list[bytes]:
        return [b"".join([pack_command(_words(args)) for args in commands])]


def use_hiredis(client: Any) -> None:
    """To be called before the client connects."""
    pool = client.connection_pool
    kind = pool.connection_class
    pool.connection_class = type(f"Packed{kind.__name__}", (PackedByHiredis, kind), {})


def _words(args: Any) -> tuple[Any, ...]:
    """A command's name may hold several words."""
    name = args[0].encode() if isinstance(args[0], str) else args[0]
    return (*name.split(), *args[1:])
