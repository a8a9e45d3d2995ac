"""An endpoint with OpenAI's chat interface that is slow, broken or lying, as its `model` says.

It writes its address, and `left MODEL` whenever somebody leaves in the middle of an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import sys
from typing import Any

STREAM = "text/event-stream"
WORDS = ("On Sunday ", "we open \u2014 ", "at ten.")


def event(delta: dict[str, Any] | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta}]
    chunk = json.dumps({"choices": choices, **more}, ensure_ascii=False)
    return f"data: {chunk}\n\n".encode()


DONE = b"data: [DONE]\n\n"
SAID = b"".join(event({"content": word}) for word in WORDS) + DONE


class Answer:
    """To one request, on its connection."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def head(self, kind: str = STREAM, *headers: str) -> None:
        lines = ("HTTP/1.1 200 OK", f"Content-Type: {kind}", "Connection: close", *headers)
        await self.write("\r\n".join((*lines, "", "")).encode())

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def slow(self) -> None:
        await asyncio.sleep(30)

    async def silent(self) -> None:
        """It says all the time that it is there."""
        await self.head()
        while True:
            await self.write(b": still here\n\n")
            await asyncio.sleep(0.01)

    async def drip(self) -> None:
        """A byte at a time: no character stays whole."""
        await self.head()
        for byte in SAID.replace(b"\n", b"\r\n"):
            await self.write(bytes((byte,)))
            await asyncio.sleep(0)

    async def chunked(self) -> None:
        """Pieces of the transfer end within words, lines and characters."""
        await self.head(STREAM, "Transfer-Encoding: chunked")
        for at in range(0, len(SAID), 7):
            piece = SAID[at : at + 7]
            await self.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await self.write(b"0\r\n\r\n")

    async def cut(self) -> None:
        await self.head(STREAM, "Content-Length: 5000")
        await self.write(SAID[: SAID.index(b"at ten")])

    async def holds(self) -> None:
        """A beginning, and nothing more."""
        await self.head()
        await self.write(event({"content": "On Sunday, we open at ten, "}))
        await asyncio.sleep(30)

    async def bomb(self) -> None:
        """A few hundred bytes that would be gigabytes."""
        packed = SAID
        for _ in range(3):
            packed = gzip.compress(packed)
        await self.head(STREAM, "Content-Encoding: gzip, gzip, gzip")
        await self.write(packed)

    async def blanks(self) -> None:
        """Nothing but what nobody hears."""
        await self.head()
        await self.write(event({"content": " " * 200_000}) + DONE)

    async def torrent(self) -> None:
        """More at once than a whole answer may have."""
        await self.head()
        await self.write(event({"content": "</think>word " * 50_000}) + DONE)

    async def zipped(self) -> None:
        await self.head(STREAM, "Content-Encoding: gzip")
        await self.write(SAID)

    async def page(self) -> None:
        await self.head("text/html")
        await self.write(b"<html>It works!</html>")

    async def babbles(self) -> None:
        await self.head()
        while True:
            await self.write(event({"content": "and on, " * 50}))

    async def miscounts(self) -> None:
        await self.head()
        for usage in ({"prompt_tokens": -7}, {"completion_tokens": None, "prompt_tokens": "many"}):
            await self.write(event(usage=usage))
        await self.write(SAID)

    async def calls(self) -> None:
        """What nobody has offered, in places that are none."""
        await self.head()
        function = {"name": "wire_money", "arguments": "{" * 40_000}
        for index in (-1, 10**30):
            call = {"index": index, "id": None, "function": function}
            await self.write(event({"tool_calls": [call]}))
        await self.write(event({"content": "<tool_call>{"}) + DONE)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    request = json.loads(await reader.readexactly(length))
    work = asyncio.create_task(getattr(Answer(writer), request["model"])())
    gone = asyncio.create_task(reader.read())
    await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
    if not work.done():
        say(f"left {request['model']}")
    for task in (work, gone):
        task.cancel()
    with contextlib.suppress(ConnectionError):
        writer.close()
        await writer.wait_closed()


async def main() -> None:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
