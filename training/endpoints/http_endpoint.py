"""Requests to one server: bounded, repeated where that may help, with one line when it ends."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import httpx

from interject.config.endpoint import bearer
from interject.training.endpoints.call_budget import CallBudget
from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.retry_schedule import PASSING, RetrySchedule, retry_after_s
from interject.training.endpoints.settings import endpoint_key

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from interject.training.endpoints.settings import EndpointSettings

MOST_SHOWN = 160
REFUSED_KEY = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


@dataclass(frozen=True, slots=True)
class EndpointReply:
    """An answer with status 200. `kind` is its content type without parameters."""

    body: bytes = field(repr=False)
    kind: str = ""


class RefusedRequest(EndpointFailure):
    """The server understood the request and will not do it, whatever else it does."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class _PassingFailure(Exception):
    """This attempt failed, the next may not. `asked_s` is the pause that the server wants."""

    def __init__(self, why: str, asked_s: float = 0.0) -> None:
        super().__init__(why)
        self.why, self.asked_s = why, asked_s


@functools.cache
def _tls() -> ssl.SSLContext:
    """Reading all certificates takes a tenth of a second."""
    return httpx.create_ssl_context()


class HttpEndpoint:
    """Threads may share one. A redirect is not followed: it could lead the key elsewhere.

    :raises EndpointFailure: when the variable for the key is named but not set.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        budget: CallBudget | None = None,
        schedule: RetrySchedule | None = None,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.budget = budget or CallBudget()
        self._schedule = schedule or RetrySchedule()
        self._clock, self._sleep = clock, sleep
        self._key = endpoint_key(settings, environment)
        headers = {"User-Agent": "interject", "Accept-Encoding": "identity", **bearer(self._key)}
        self._client = httpx.Client(
            headers=headers,
            verify=_tls(),
            follow_redirects=False,
            timeout=httpx.Timeout(settings.answer_timeout_s, connect=settings.connect_timeout_s),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def post(self, path: str, **content: Any) -> EndpointReply:
        """`content` is what httpx takes: `json`, or `data` and `files`.

        :raises EndpointFailure: when no attempt brought an answer.
        :raises RefusedRequest: when the server will not answer this request.
        :raises BudgetSpent: when another attempt may not be sent.
        """
        url = f"{self.settings.base_url}/{path}"
        failures = 0
        while True:
            self.budget.spend()
            try:
                return self._attempt(url, content)
            except _PassingFailure as failure:
                failures += 1
                pause_s = self._schedule.pause_s(failures, failure.asked_s)
                if pause_s is None:
                    raise EndpointFailure(self._given_up(url, failure, failures)) from failure
            self._sleep(pause_s)

    def _given_up(self, url: str, failure: _PassingFailure, attempts: int) -> str:
        times = "once" if attempts == 1 else f"{attempts} times"
        wait = f" and asks to wait {failure.asked_s:.0f} s" if failure.asked_s else ""
        return f"the server {url} {failure.why}{wait}; tried {times}"

    def _attempt(self, url: str, content: dict[str, Any]) -> EndpointReply:
        try:
            with self._client.stream("POST", url, **content) as response:
                body = self._read(response)
        except httpx.TimeoutException as error:
            raise _PassingFailure("did not answer in time (answer_timeout_s)") from error
        except httpx.HTTPError as error:
            kind = type(error).__name__
            raise _PassingFailure(f"cannot be reached or broke off ({kind})") from error
        if response.status_code == httpx.codes.OK:
            kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
            return EndpointReply(body, kind)
        if response.status_code in PASSING:
            asked_s = retry_after_s(response.headers.get("retry-after"), now=self._clock())
            raise _PassingFailure(f"answered {response.status_code}", asked_s)
        raise RefusedRequest(self._refusal(url, response, body), response.status_code)

    def _read(self, response: httpx.Response) -> bytes:
        """A timeout of httpx is for one piece, so that a body that drips would never end."""
        most, until = (
            self.settings.most_answer_bytes,
            time.monotonic() + self.settings.answer_timeout_s,
        )
        body = bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > most:
                raise EndpointFailure(
                    f"the server {response.url} sent more than {most} bytes (most_answer_bytes)"
                )
            if time.monotonic() > until:
                raise _PassingFailure("did not answer in time (answer_timeout_s)")
        return bytes(body)

    def _refusal(self, url: str, response: httpx.Response, body: bytes) -> str:
        status = response.status_code
        if status in REFUSED_KEY:
            name = self.settings.api_key_env
            how = f"check the environment variable {name}" if name else "set api_key_env"
            return f"the server {url} refused the key ({status}): {how}"
        if status == HTTPStatus.NOT_FOUND:
            return (
                f"the server {url} answered 404: check base_url and the model "
                f"{self.settings.model!r}{self._quoted(body)}"
            )
        return f"the server {url} answered {status}{self._quoted(body)}"

    def _quoted(self, body: bytes) -> str:
        """What the server says of it, on one line; it may repeat the key."""
        text = " ".join(body[:4_000].decode(errors="replace").split())
        if self._key:
            text = text.replace(self._key, "KEY")
        shown = "".join(letter if letter.isprintable() else "?" for letter in text[:MOST_SHOWN])
        return f": {shown}" if shown else ""
