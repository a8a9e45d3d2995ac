"""The calls that have an agent now."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.twilio.phone_call import CallKind, PhoneCall


@dataclass(eq=False, slots=True)
class LiveCall:
    """`leaving`: somebody else moves or ends it now, so its agent must not."""

    call: PhoneCall
    agent: CallAgent
    began_at: float
    leaving: bool = False


class LiveCalls:
    """A bot and a copilot may be in one call."""

    def __init__(self) -> None:
        self._calls: list[LiveCall] = []
        self.none_left = asyncio.Event()
        self.none_left.set()

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(tuple(self._calls))

    @contextmanager
    def holding(self, live: LiveCall) -> Iterator[None]:
        self._calls.append(live)
        self.none_left.clear()
        try:
            yield
        finally:
            self._calls.remove(live)
            if not self._calls:
                self.none_left.set()

    def of(self, call_sid: str, kind: CallKind) -> LiveCall | None:
        return next(
            (live for live in self._calls if (live.call.sid, live.call.kind) == (call_sid, kind)),
            None,
        )
