"""When a request that failed is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

PASSING = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)  # fmt: skip
"""What may be over at the next attempt. Anything else would be answered alike again."""


@dataclass(frozen=True, slots=True)
class RetrySchedule:
    """Seconds before each further attempt, with up to a fifth more so that not all come at once."""

    pauses_s: tuple[float, ...] = (0.5, 2.0, 8.0, 20.0)
    longest_s: float = 60.0
    """A server that asks for a longer pause is not waited for."""

    def pause_s(self, failures: int, asked_s: float) -> float | None:
        """None: it is given up. `asked_s` is what the server asked for."""
        if failures > len(self.pauses_s) or asked_s > self.longest_s:
            return None
        return max(self.pauses_s[failures - 1] * (1.0 + 0.2 * random.random()), asked_s)


def retry_after_s(value: str | None, *, now: float) -> float:
    """The header `Retry-After`: seconds or a date. 0 when it is missing or means nothing."""
    if not value:
        return 0.0
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.fromtimestamp(now, UTC)).total_seconds())
