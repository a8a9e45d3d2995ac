"""What a server of the user's sends, read as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

AS_IT_IS = {"Accept-Encoding": "identity"}
"""The headers of a request whose answer is read here."""


class PackedBody(Exception):
    """It is compressed, though nobody has asked for that: some bytes may become gigabytes."""


async def body_pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """:raises PackedBody: before anything is unpacked.
    :raises httpx.HTTPError: when it breaks off.
    """
    if response.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise PackedBody
    async for piece in response.aiter_raw():
        yield piece
