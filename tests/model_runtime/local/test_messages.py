"""Messages survive the way through a socket, and nothing else does."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.local.messages import (
    LONGEST_BYTES,
    Kind,
    Message,
    MessageError,
    pack,
    read_message,
    unpack,
)

NUMBERS = st.integers(0, 2**32 - 1)
FIELDS = st.dictionaries(st.binary(max_size=20), st.binary(max_size=200), max_size=5)


@given(st.sampled_from(Kind), NUMBERS, NUMBERS, FIELDS)
def test_there_and_back(kind: Kind, channel: int, number: int, fields: dict[bytes, bytes]) -> None:
    message = Message(kind, channel, number, fields)
    assert unpack(pack(message)[4:]) == message


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_an_error(body: bytes) -> None:
    try:
        message = unpack(body)
    except MessageError:
        return
    assert message.kind in Kind


def test_golden_bytes() -> None:
    message = Message(Kind.ITEM, 2, 7, {b"k": b"finish"})
    assert pack(message).hex() == "1500000003020000000700000001060000006b" + (b"finish".hex())


def test_too_much_is_neither_sent_nor_read() -> None:
    with pytest.raises(MessageError, match="at most 1000000"):
        pack(Message(Kind.ITEM, fields={b"p": bytes(LONGEST_BYTES)}))


async def test_messages_are_read_one_by_one() -> None:
    reader = asyncio.StreamReader()
    first, second = Message(Kind.OPEN, 1), Message(Kind.ITEM, 1, 2, {b"p": bytes(300_000)})
    reader.feed_data(pack(first) + pack(second) + pack(first)[:6])
    reader.feed_eof()
    assert await read_message(reader) == first
    assert await read_message(reader) == second
    with pytest.raises(asyncio.IncompleteReadError):
        await read_message(reader)


async def test_a_length_that_no_message_has() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data((LONGEST_BYTES + 1).to_bytes(4, "little"))
    with pytest.raises(MessageError, match="1000001 bytes"):
        await read_message(reader)
