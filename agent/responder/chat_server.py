"""One server with OpenAI's chat interface, asked so that its words come as they are found."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

from interject.agent.responder.completion import CompletionReader
from interject.agent.responder.failures import ResponderFailure, ResponderUnusable
from interject.agent.responder.plain_body import AS_IT_IS, PackedBody, body_pieces
from interject.config.endpoint import KeyMissing, bearer, read_key
from interject.config.responder import COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from interject.agent.responder.completion import CompletionPart
    from interject.config.responder import ResponderBase

MOST_LINE_BYTES = 1_000_000
MOST_ANSWER_BYTES = 4_000_000
JSON = {"Content-Type": "application/json"}
DATA = b"data:"
DONE = b"[DONE]"


class ChatServer:
    """A redirect is not followed: it could lead key and sound elsewhere.

    :raises ResponderUnusable: when the variable for the key is named but not set.
    """

    def __init__(
        self, settings: ResponderBase, environment: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._counts_tokens = True
        try:
            key = read_key(settings.api_key_env, settings.base_url, environment)
        except KeyMissing as error:
            raise ResponderUnusable(f"the profile's responder: {error}") from None
        self._client = httpx.AsyncClient(
            headers={**JSON, "User-Agent": "interject", **AS_IT_IS, **bearer(key)},
            timeout=httpx.Timeout(None, connect=settings.connect_timeout_s),
            follow_redirects=False,
            verify=settings.base_url.startswith("https"),
        )

    async def complete(
        self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]
    ) -> AsyncIterator[CompletionPart]:
        """Whoever stops reading closes the connection, and the server stops thinking.

        :raises ResponderFailure: when it cannot be reached, refuses, or sends something else.
        """
        body: dict[str, Any] = {
            "model": self._settings.model,
            "messages": messages,
            "temperature": self._settings.temperature,
            "max_tokens": self._settings.max_tokens,
            "stream": True,
            **({"tools": tools} if tools else {}),
            **self._settings.extra,
        }
        url = f"{self._settings.base_url}{COMPLETIONS}"
        try:
            async for part in self._read(url, body):
                yield part
        except httpx.HTTPError as error:
            raise ResponderFailure(
                f"it cannot be reached, or broke off: {type(error).__name__}"
            ) from None
        except PackedBody:
            raise ResponderFailure("it sent something compressed") from None

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _read(self, url: str, body: dict[str, Any]) -> AsyncIterator[CompletionPart]:
        counted = {**body, "stream_options": {"include_usage": True}}
        if self._counts_tokens:
            async with self._client.stream("POST", url, content=_written(counted)) as response:
                if response.status_code != HTTPStatus.BAD_REQUEST:
                    async for part in _parts(response):
                        yield part
                    return
        async with self._client.stream("POST", url, content=_written(body)) as response:
            if response.status_code == HTTPStatus.OK:
                self._counts_tokens = False
            async for part in _parts(response):
                yield part


def _written(body: dict[str, Any]) -> bytes:
    """What tools, notes and people write may hold halves of a character, which no UTF-8 has."""
    return json.dumps(body, ensure_ascii=False).encode(errors="replace")


async def _parts(response: httpx.Response) -> AsyncIterator[CompletionPart]:
    if response.status_code != HTTPStatus.OK:
        raise ResponderFailure(f"it answered {response.status_code}")
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    reader = CompletionReader()
    if kind == "application/json":  # It does not stream.
        whole = await _whole(response)
        for part in reader.read(whole):
            yield part
    elif kind == "text/event-stream":
        async for data in _events(response):
            for part in reader.read(data):
                yield part
    else:
        raise ResponderFailure("it sent something that is no chat completion")
    for call in reader.finish():
        yield call


async def _whole(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in body_pieces(response):
        body += piece
        if len(body) > MOST_ANSWER_BYTES:
            raise ResponderFailure("its answer does not end")
    return bytes(body)


async def _events(response: httpx.Response) -> AsyncIterator[bytes]:
    """What stands behind `data:`, up to the end or `[DONE]`."""
    async for line in _lines(response):
        data = line.removeprefix(DATA).strip()
        if not line.startswith(DATA) or not data:
            continue
        if data == DONE:
            return
        yield data


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Pieces of the network end anywhere, and httpx's own lines end at what JSON may hold. Nothing
    is copied with every piece: they may have one byte each.
    """
    held, total = bytearray(), 0
    async for piece in body_pieces(response):
        total += len(piece)
        held += piece
        lines: list[bytes] = []
        if b"\n" in piece:
            *lines, rest = bytes(held).split(b"\n")
            held = bytearray(rest)
        if len(held) > MOST_LINE_BYTES or total > MOST_ANSWER_BYTES:
            raise ResponderFailure("its answer does not end")
        for line in lines:
            yield line.rstrip(b"\r")
    yield bytes(held).rstrip(b"\r")
