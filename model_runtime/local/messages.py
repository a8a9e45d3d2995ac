"""What travels through the socket: four bytes of length, then a message.

A message is its kind, the number of a session on this connection (0: none), a number of its own,
and fields as `remote.wire` makes them. Integers are little-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping

LONGEST_BYTES = 1_000_000
VERSION = b"1"
_LENGTH = struct.Struct("<I")
_HEAD = struct.Struct("<BII")
_FIELD = struct.Struct("<BI")


class MessageError(ValueError):
    """Bytes that are no message; nothing that follows them can be read either."""


class Kind(IntEnum):
    """`HELLO` is the server's first message. Both sides send `ITEM` and `COUNT`.

    | kind | fields |
    |---|---|
    | HELLO | `v` |
    | OPEN | `d`: options as JSON |
    | ITEM | an input of a session, or an output; `r` with a refusal: seconds until a retry |
    | COUNT | the question has none, its answer `n`: free slots |
    """

    HELLO = 1
    OPEN = 2
    ITEM = 3
    COUNT = 4


@dataclass(frozen=True, slots=True)
class Message:
    kind: Kind
    channel: int = 0
    number: int = 0
    fields: Mapping[bytes, bytes] = field(default_factory=dict)


def pack(message: Message) -> bytes:
    """The bytes of a message, its length in front.

    :raises MessageError: when it is too long.
    """
    parts = [_HEAD.pack(message.kind, message.channel, message.number)]
    for name, value in message.fields.items():
        parts += [_FIELD.pack(len(name), len(value)), name, value]
    body = b"".join(parts)
    _check(len(body))
    return _LENGTH.pack(len(body)) + body


def unpack(body: bytes) -> Message:
    """A message without its length.

    :raises MessageError: when it is none.
    """
    try:
        kind, channel, number = _HEAD.unpack_from(body)
        return Message(Kind(kind), channel, number, dict(_fields(body)))
    except (struct.error, ValueError):
        raise MessageError("a message cannot be read: the other side is another program") from None


async def read_message(reader: asyncio.StreamReader) -> Message:
    """The next message.

    :raises asyncio.IncompleteReadError: when the other side is gone.
    :raises MessageError: when it says something else.
    """
    (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
    _check(length)
    return unpack(await reader.readexactly(length))


def _check(length: int) -> None:
    if length > LONGEST_BYTES:
        raise MessageError(f"a message has {length} bytes, at most {LONGEST_BYTES}")


def _fields(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = _HEAD.size
    while at < len(body):
        name_length, value_length = _FIELD.unpack_from(body, at)
        middle = at + _FIELD.size + name_length
        at = middle + value_length
        if at > len(body):
            raise ValueError("a field ends behind its message")
        yield body[middle - name_length : middle], body[middle:at]
