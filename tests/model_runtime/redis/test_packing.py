from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Connection

from interject.model_runtime.redis.packing import PackedByHiredis

COMMANDS: list[tuple[Any, ...]] = [
    ("PING",),
    ("CLIENT SETINFO", "LIB-NAME", "ü"),
    (b"CONFIG GET", "maxmemory"),
    ("XADD", "in:1", "NOMKSTREAM", "1-2", b"p", bytes(range(256)) * 50, "n", 3, "t", 0.25),
    ("SET", "empty", b""),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_command_has_the_same_bytes_as_without_hiredis(command: tuple[Any, ...]) -> None:
    packed = PackedByHiredis().pack_command(*command)
    assert b"".join(packed) == b"".join(Connection().pack_command(*command))


def test_many_commands_have_the_same_bytes() -> None:
    packed = PackedByHiredis().pack_commands(COMMANDS)
    assert b"".join(packed) == b"".join(Connection().pack_commands(COMMANDS))
