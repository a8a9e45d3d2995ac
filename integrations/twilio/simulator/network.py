"""Twilio's way to a customer's server: signed requests over public URLs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import shutil
import socket
import subprocess
import wave
from email.utils import formatdate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import numpy as np
import soxr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from interject.integrations.twilio.simulator.debugger import ErrorCode, TwilioRefusal
from interject.integrations.twilio.simulator.mulaw import RATE_HZ, SILENCE, encode
from interject.integrations.twilio.simulator.signing import HEADER, signature

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from websockets.asyncio.client import ClientConnection

WEBHOOK_S = 15.0
MESSAGE_BYTES = 1 << 20
LONGEST_SAID = 300
SEND_BUFFER_BYTES = 4_096
"""Small, so that a reader that stops is noticed within seconds."""


class TwilioNetwork:
    """Used with `async with`.

    `routes`: which local address (host:port) stands behind a public origin (https://host). What is
    between them in life, a proxy that ends TLS, is left out; headers arrive as Twilio sent them.
    """

    def __init__(self, account_sid: str, auth_token: str, routes: Mapping[str, str]) -> None:
        self.account_sid, self.auth_token = account_sid, auth_token
        self.routes = dict(routes)
        self.posted: list[tuple[str, dict[str, str], int]] = []
        self._http = httpx.AsyncClient(timeout=WEBHOOK_S, trust_env=False)
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> TwilioNetwork:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._group.__aexit__(None, None, None)
        await self._http.aclose()

    async def fetch(
        self, url: str, form: dict[str, str], headers: Mapping[str, str] | None = None
    ) -> str:
        """A document of TwiML.

        :raises TwilioRefusal: when the server does not give one.
        """
        try:
            answer = await self.post(url, form, headers)
        except httpx.HTTPError as broken:
            raise TwilioRefusal(ErrorCode.HTTP_RETRIEVAL, repr(broken)) from broken
        if answer.status_code >= 300:
            said = f"{url}: {answer.status_code} {answer.text[:LONGEST_SAID]}"
            raise TwilioRefusal(ErrorCode.HTTP_RETRIEVAL, said.strip())
        return answer.text

    async def post(
        self, url: str, form: dict[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """`headers` take the place of Twilio's own, for a request that only pretends to be its."""
        parts = urlsplit(url)
        local = f"http://{self.local(url)}{url.removeprefix(f'{parts.scheme}://{parts.netloc}')}"
        signed = {HEADER: signature(self.auth_token, url, form), "Host": parts.netloc}
        answer = await self._http.post(local, data=form, headers=signed | dict(headers or {}))
        self.posted.append((url, form, answer.status_code))
        return answer

    def post_soon(self, url: str, form: dict[str, str]) -> None:
        """A callback: nobody waits for what comes of it."""
        self._group.create_task(self._callback(url, form), name="callback")

    async def _callback(self, url: str, form: dict[str, str]) -> None:
        with contextlib.suppress(httpx.HTTPError):
            await self.post(url, form)

    @contextlib.asynccontextmanager
    async def socket(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[ClientConnection]:
        """:raises TwilioRefusal: when there is none."""
        host, _, port = self.local(url).rpartition(":")
        signed = {HEADER: signature(self.auth_token, url)} | dict(headers or {})
        try:
            connection = await connect(
                f"ws://{url.partition('://')[2]}", sock=await _dialled(host, int(port)),
                compression=None, write_limit=SEND_BUFFER_BYTES,
                additional_headers=signed, user_agent_header="Twilio.TmeWs/1.0", proxy=None,
                max_size=MESSAGE_BYTES, ping_interval=None,
            )  # fmt: skip
        except (OSError, InvalidHandshake, TimeoutError) as refused:
            raise TwilioRefusal(ErrorCode.STREAM_HANDSHAKE, f"{url}: {refused!r}") from refused
        try:
            yield connection
        finally:
            await connection.close()

    def reaches(self, url: str) -> bool:
        return _origin(url) in self.routes

    def local(self, url: str) -> str:
        """:raises TwilioRefusal: where nobody is."""
        origin = _origin(url)
        if origin not in self.routes:
            raise TwilioRefusal(ErrorCode.HTTP_RETRIEVAL, f"{origin} is nobody's")
        return self.routes[origin]

    async def speak(self, text: str) -> bytes:
        """Mu-law of Twilio's own voice; silence of that length where espeak-ng is missing."""
        program = shutil.which("espeak-ng")
        if program is None:
            return SILENCE * round(RATE_HZ * 0.07 * len(text))
        said = await asyncio.to_thread(subprocess.check_output, [program, "--stdout", text])
        with wave.open(io.BytesIO(said)) as file:
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            return encode(np.asarray(soxr.resample(pcm, file.getframerate(), RATE_HZ), np.int16))

    @staticmethod
    def timestamp() -> str:
        return formatdate(usegmt=True)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme.replace('ws', 'http')}://{parts.netloc}"


async def _dialled(host: str, port: int) -> socket.socket:
    """:raises OSError: when nobody is there."""
    line = socket.socket()
    line.setblocking(False)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await asyncio.get_running_loop().sock_connect(line, (host, port))
    except OSError:
        line.close()
        raise
    return line
