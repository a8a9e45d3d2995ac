"""What agents make known, posted to a server of the operator's."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pydantic_core import from_json, to_json

from interject.integrations.web.dead_letters import call_of
from interject.integrations.web.webhook_endpoint import WebhookEndpoint
from interject.integrations.web.webhook_event import webhook_event

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from interject.agent.outputs import OutputEvent
    from interject.integrations.web.dead_letters import DeadLetter, DeadLetters
    from interject.integrations.web.webhook_endpoint import WebhookRefusal
    from interject.integrations.web.webhook_signature import WebhookSecret

logger = logging.getLogger(__name__)

WAITING_EVENTS = 1_024
SENDERS = 4
"""Events that are on their way at once; so they may arrive in another order."""
LAST_S = 5.0
ENDS = "the server ends"


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


@dataclass(slots=True, eq=False)
class _Delivery:
    body: bytes = field(repr=False)
    message_id: str = field(default_factory=lambda: f"msg_{uuid.uuid4().hex}")
    failures: int = 0


class WebhookOutput:
    """An `Output` that never holds a call up. Used with `async with`.

    Each event is a POST of JSON, signed where there is a secret, with the same `webhook-id` in each
    attempt. One that is to be tried again waits beside the others and holds none of them up.
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
        self.dead_letters = dead_letters
        self._backoff = backoff or RetryBackoff()
        self._wall_clock = wall_clock
        self._most_waiting = waiting_events
        self._endpoint = WebhookEndpoint(
            url, secret, attempt_s=self._backoff.attempt_s, wall_clock=wall_clock
        )
        self._open: dict[_Delivery, None] = {}
        """All that are neither taken nor given up, the oldest first."""
        self._on_their_way: set[_Delivery] = set()
        self._due: asyncio.Queue[_Delivery] = asyncio.Queue()
        self._all_done = asyncio.Event()
        self._all_done.set()
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []
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
                await self._all_done.wait()
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        for delivery in tuple(self._open):
            self._drop(delivery, ENDS)
        await self._endpoint.aclose()

    async def emit(self, event: OutputEvent) -> None:
        """The oldest makes room: a cue of a minute ago is of no use."""
        body = webhook_event(event, now=self._wall_clock()).model_dump_json().encode()
        if len(self._open) - len(self._on_their_way) >= self._most_waiting:
            oldest = next(one for one in self._open if one not in self._on_their_way)
            self._drop(oldest, "too many wait")
        delivery = _Delivery(body)
        self._open[delivery] = None
        self._all_done.clear()
        self._due.put_nowait(delivery)

    def forget(self, calls: Container[str]) -> int:
        """Events of these calls that wait, are to be tried again, or were not taken."""
        found = [one for one in self._open if call_of(from_json(one.body)) in calls]
        for delivery in found:
            self._close(delivery)
        letters = 0 if self.dead_letters is None else self.dead_letters.forget(calls)
        return len(found) + letters

    async def resend(self, letter: DeadLetter) -> str | None:
        """Under the id that it had. Why it was not taken; None: it was."""
        delivery = _Delivery(to_json(letter.event), letter.id)
        while (refusal := await self._post(delivery)) is not None:
            pause_s = self._pause_s(delivery, refusal)
            if pause_s is None:
                return refusal.reason
            await asyncio.sleep(pause_s)
        self.delivered += 1
        return None

    async def _send_all(self) -> None:
        while True:
            delivery = await self._due.get()
            if delivery not in self._open:
                continue
            self._on_their_way.add(delivery)
            try:
                refusal = await self._post(delivery)
            finally:
                self._on_their_way.discard(delivery)
            self._judge(delivery, refusal)

    async def _post(self, delivery: _Delivery) -> WebhookRefusal | None:
        return await self._endpoint.post(delivery.message_id, delivery.body)

    def _judge(self, delivery: _Delivery, refusal: WebhookRefusal | None) -> None:
        if refusal is None:
            self.delivered += 1
            self._close(delivery)
        elif delivery in self._open:  # It may have been forgotten meanwhile.
            pause_s = self._pause_s(delivery, refusal)
            if pause_s is None:
                self._drop(delivery, refusal.reason)
            else:
                loop = asyncio.get_running_loop()
                loop.call_later(pause_s, self._due.put_nowait, delivery)

    def _pause_s(self, delivery: _Delivery, refusal: WebhookRefusal) -> float | None:
        """None: it is given up."""
        delivery.failures += 1
        if not refusal.passing:
            return None
        return self._backoff.pause_s(delivery.failures, refusal.asked_s)

    def _drop(self, delivery: _Delivery, reason: str) -> None:
        self._close(delivery)
        self.dropped += 1
        if self.dead_letters is not None:
            now = self._wall_clock()
            self.dead_letters.add(delivery.message_id, delivery.body, reason, now=now)
        logger.warning("A webhook was not delivered", extra={"reason": reason})

    def _close(self, delivery: _Delivery) -> None:
        self._open.pop(delivery, None)
        if not self._open:
            self._all_done.set()
