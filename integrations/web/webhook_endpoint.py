"""One attempt to post an event, and what its answer means."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from socket import gaierror
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.integrations.web.webhook_signature import WebhookSecret

PASSING = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)
FIRST_FAULT = 500
LASTING_FAULTS = frozenset({HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.HTTP_VERSION_NOT_SUPPORTED})
READ_BYTES, READ_S = 65_536, 1.0
"""So much of an answer's body is read, though nobody wants it: else the connection is closed, and
the next event begins with a handshake.
"""


@dataclass(frozen=True, slots=True)
class WebhookRefusal:
    """`passing`: it may be over at the next attempt. `asked_s`: how long the server wants to be
    left alone.
    """

    reason: str
    passing: bool
    asked_s: float = 0.0


class WebhookEndpoint:
    """A redirect is not followed, since it could lead to where the operator did not point. Its
    certificate is one that the environment trusts: `SSL_CERT_FILE` and `SSL_CERT_DIR` name others.
    """

    def __init__(
        self,
        url: str,
        secret: WebhookSecret | None,
        *,
        attempt_s: float,
        wall_clock: Callable[[], float],
    ) -> None:
        self._url = url
        self._secret = secret
        self._attempt_s = attempt_s
        self._wall_clock = wall_clock
        self._client = httpx.AsyncClient(
            timeout=attempt_s,
            follow_redirects=False,
            trust_env=False,
            verify=httpx.create_ssl_context() if url.lower().startswith("https:") else False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post(self, message_id: str, body: bytes) -> WebhookRefusal | None:
        """None: it has arrived."""
        try:
            async with contextlib.AsyncExitStack() as stack:
                # httpx counts the seconds anew with each piece of an answer.
                async with asyncio.timeout(self._attempt_s):
                    answer = await stack.enter_async_context(
                        self._client.stream(
                            "POST", self._url, content=body, headers=self._headers(message_id, body)
                        )
                    )
                refusal = _refusal(answer, now=self._wall_clock())
                await _read(answer)
        except Exception as error:
            # httpx raises others than its own, for a redirect to where there is no such thing.
            passing = isinstance(error, httpx.HTTPError | TimeoutError)
            return WebhookRefusal(failure_in_words(error), passing=passing)
        return refusal

    def _headers(self, message_id: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "interject"}
        if self._secret is None:
            return headers | {"webhook-id": message_id}
        return headers | self._secret.headers(message_id, body, now_s=int(self._wall_clock()))


def failure_in_words(error: BaseException) -> str:
    """What an operator can do something about, else the error's type."""
    for cause in _causes(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted: {cause.verify_message}"
            case gaierror():
                return "no server has this name"
            case ConnectionRefusedError():
                return "it refuses the connection"
            case TimeoutError() | httpx.TimeoutException():
                return "no answer in time"
            case _:
                pass
    return type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what stands behind it."""
    if error is None:
        return
    yield error
    for part in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _causes(part)
    yield from _causes(error.__cause__ or error.__context__)


def _refusal(answer: httpx.Response, *, now: float) -> WebhookRefusal | None:
    if answer.is_success:
        return None
    status = answer.status_code
    passing = status in PASSING or (status >= FIRST_FAULT and status not in LASTING_FAULTS)
    asked_s = _seconds(answer.headers.get("retry-after", ""), now=now)
    return WebhookRefusal(f"status {status}", passing=passing, asked_s=asked_s)


def _seconds(asked: str, *, now: float) -> float:
    """Of a number of them, or until a date."""
    if asked.isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
        known = until if until.tzinfo else until.replace(tzinfo=UTC)
        return max(0.0, known.timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0


async def _read(answer: httpx.Response) -> None:
    """The verdict stands, whatever becomes of this."""
    size = 0
    with contextlib.suppress(httpx.HTTPError, TimeoutError):
        async with asyncio.timeout(READ_S):
            async for piece in answer.aiter_raw():
                size += len(piece)
                if size > READ_BYTES:
                    return
