"""What agents make known, posted to a server of the operator's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

import httpx
from pydantic_core import from_json, to_json

from interject.integrations.web.dead_letters import call_of
from interject.integrations.web.webhook_event import webhook_event

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from interject.agent.outputs import OutputEvent
    from interject.integrations.web.dead_letters import DeadLetter, DeadLetters
    from interject.integrations.web.webhook_signature import WebhookSecret

logger = logging.getLogger(__name__)

WAITING_EVENTS = 1_024
SENDERS = 4
"""Events that are on their way at once; so they may arrive in another order."""
LAST_S = 5.0
ENDS = "the server ends"
FORGOTTEN = "its call was deleted"
PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)  # fmt: skip
"""What may be over at the next attempt. Anything else would be answered alike again."""


@dataclass(frozen=True, slots=True)
class RetryBackoff:
    """Seconds before each further attempt, with up to a fifth more so that not all come at once."""

    pauses_s: tuple[float, ...] = (0.5, 2.0, 8.0, 20.0, 40.0, 60.0)
    attempt_s: float = 10.0

    def pause_s(self, failures: int, asked_s: float) -> float | None:
        """None: it is given up. `asked_s` is what the server asked for."""
        if failures > len(self.pauses_s):
            return None
        longest_s = self.pauses_s[-1]
        pause_s = max(self.pauses_s[failures - 1], min(asked_s, longest_s))
        return pause_s * (1.0 + 0.2 * random.random())


@dataclass(frozen=True, slots=True)
class _Delivery:
    body: bytes = field(repr=False)
    message_id: str = field(default_factory=lambda: f"msg_{uuid.uuid4().hex}")


class WebhookOutput:
    """An `Output` that never holds a call up. Used with `async with`.

    Each event is a POST of JSON, signed where there is a secret, with the same `webhook-id` in each
    attempt. A redirect is not followed, since it could lead to where the operator did not point.
    `delivered` and `dropped` count: one is dropped when too many wait, or when it is given up; then
    it is among the `dead_letters`, where there are such.
    """

    def __init__(
        self,
        url: str,
        secret: WebhookSecret | None = None,
        *,
        dead_letters: DeadLetters | None = None,
        backoff: RetryBackoff | None = None,
        wall_clock: Callable[[], float] = time.time,
        waiting_events: int = WAITING_EVENTS,
    ) -> None:
        self._url = url
        self._secret = secret
        self.dead_letters = dead_letters
        self._backoff = backoff or RetryBackoff()
        self._wall_clock = wall_clock
        self._waiting: asyncio.Queue[_Delivery] = asyncio.Queue(waiting_events)
        self._client = httpx.AsyncClient(
            timeout=self._backoff.attempt_s, follow_redirects=False, trust_env=False
        )
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
        self._in_hand: set[_Delivery] = set()
        self.delivered = self.dropped = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._tasks = [
            self._group.create_task(self._send_all(), name="webhook") for _ in range(SENDERS)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        """What waits has a few seconds to leave."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._waiting.join()
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        while not self._waiting.empty():
            self._drop(self._waiting.get_nowait(), ENDS)
        await self._client.aclose()

    async def emit(self, event: OutputEvent) -> None:
        """The oldest makes room: a cue of a minute ago is of no use."""
        body = webhook_event(event, now=self._wall_clock()).model_dump_json().encode()
        if self._waiting.full():
            self._drop(self._waiting.get_nowait(), "too many wait")
            self._waiting.task_done()
        self._waiting.put_nowait(_Delivery(body))

    def forget(self, calls: Container[str]) -> int:
        """Events of these calls that wait, are to be tried again, or were not taken."""
        tried = {one for one in self._in_hand if _is_of(calls, one)}
        self._in_hand -= tried
        waiting = [self._waiting.get_nowait() for _ in range(self._waiting.qsize())]
        others = [one for one in waiting if not _is_of(calls, one)]
        for one in others:
            self._waiting.put_nowait(one)
        for _ in waiting:
            self._waiting.task_done()
        letters = 0 if self.dead_letters is None else self.dead_letters.forget(calls)
        return len(tried) + len(waiting) - len(others) + letters

    async def _send_all(self) -> None:
        while True:
            delivery = await self._waiting.get()
            self._in_hand.add(delivery)
            try:
                refused = await self._deliver(delivery)
            except asyncio.CancelledError:
                self._give_up(delivery, ENDS)
                raise
            finally:
                self._waiting.task_done()
            if refused is not None:
                self._give_up(delivery, refused)
            self._in_hand.discard(delivery)

    def _give_up(self, delivery: _Delivery, reason: str) -> None:
        """Unless it was forgotten meanwhile."""
        if delivery in self._in_hand:
            self._drop(delivery, reason)

    async def resend(self, letter: DeadLetter) -> str | None:
        """Under the id that it had. Why it was not taken; None: it was."""
        delivery = _Delivery(to_json(letter.event), letter.id)
        self._in_hand.add(delivery)
        try:
            return await self._deliver(delivery)
        finally:
            self._in_hand.discard(delivery)

    async def _deliver(self, delivery: _Delivery) -> str | None:
        """Why it is given up; None: it has arrived."""
        failures = 0
        while (verdict := await self._attempt(delivery)) is not None:
            failures += 1
            pause_s = self._backoff.pause_s(failures, verdict.asked_s)
            if not verdict.passing or pause_s is None:
                return verdict.reason
            await asyncio.sleep(pause_s)
            if delivery not in self._in_hand:
                return FORGOTTEN
        self.delivered += 1
        return None

    async def _attempt(self, delivery: _Delivery) -> _Refusal | None:
        """None: it has arrived."""
        headers = {"Content-Type": "application/json", "User-Agent": "interject"}
        if self._secret is not None:
            now_s = int(self._wall_clock())
            headers |= self._secret.headers(delivery.message_id, delivery.body, now_s=now_s)
        else:
            headers["webhook-id"] = delivery.message_id
        try:
            # httpx counts the seconds anew with each piece of an answer.
            async with (
                asyncio.timeout(self._backoff.attempt_s),
                self._client.stream(
                    "POST", self._url, content=delivery.body, headers=headers
                ) as answer,
            ):
                return _refusal(answer)
        except Exception as error:
            # httpx raises others than its own, for a redirect to where there is no such thing.
            passing = isinstance(error, httpx.HTTPError | TimeoutError)
            return _Refusal(type(error).__name__, passing=passing)

    def _drop(self, delivery: _Delivery, reason: str) -> None:
        self.dropped += 1
        if self.dead_letters is not None:
            now = self._wall_clock()
            self.dead_letters.add(delivery.message_id, delivery.body, reason, now=now)
        logger.warning("A webhook was not delivered", extra={"reason": reason})


def _is_of(calls: Container[str], delivery: _Delivery) -> bool:
    return call_of(from_json(delivery.body)) in calls


@dataclass(frozen=True, slots=True)
class _Refusal:
    """`asked_s`: how long the server wants to be left alone."""

    reason: str
    passing: bool
    asked_s: float = 0.0


def _refusal(answer: httpx.Response) -> _Refusal | None:
    """Its body is of no interest, and not read."""
    if answer.is_success:
        return None
    asked = answer.headers.get("retry-after", "")
    asked_s = float(asked) if asked.isdecimal() else 0.0
    passing = answer.status_code in PASSING
    return _Refusal(f"status {answer.status_code}", passing=passing, asked_s=asked_s)
