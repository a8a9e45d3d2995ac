"""The data channel of a call: within limits in both directions, and a sign of life."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from interject.integrations.web.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import RTCDataChannel

logger = logging.getLogger(__name__)

MOST_WAITING = 50
MOST_UNSENT_BYTES = 256 << 10
MOST_CHARS = 16_384
BURST = 100
PER_SECOND = 50.0
PING = "ping"


class MessageChannel:
    """`on_message` gets each text of the client that is no ping, and `refuse(reason)` is told of
    one that is too long or too many.

    Until a channel is open, up to 50 messages wait for it and the oldest give way; of a reader that
    is 256 KiB behind, the newest are dropped. A connection that is made anew attaches a channel of
    its own.
    """

    def __init__(
        self,
        on_message: Callable[[str], None],
        refuse: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_message = on_message
        self._refuse = refuse
        self._clock = clock
        self._channel: RTCDataChannel | None = None
        self._waiting: deque[str] = deque(maxlen=MOST_WAITING)
        self._allowance = TokenBucket(per_s=PER_SECOND, burst=BURST, clock=clock)
        self.heard_at = clock()
        self._refused_at = float("-inf")
        self.dropped = 0

    def attach(self, channel: RTCDataChannel) -> None:
        """Of two channels of a client the later is used."""
        if self._channel is not None:
            self._channel.remove_all_listeners()
        self._channel = channel
        channel.on("message", self._take)
        channel.on("open", self._flush)
        self._flush()

    def send(self, text: str) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            self.dropped += len(self._waiting) == MOST_WAITING
            self._waiting.append(text)
        elif channel.bufferedAmount > MOST_UNSENT_BYTES:
            self.dropped += 1
        else:
            self._send(channel, text)

    def _send(self, channel: RTCDataChannel, text: str) -> None:
        try:
            channel.send(text)
        except ValueError:
            self.dropped += 1
            logger.warning("A message is longer than the client takes", extra={"chars": len(text)})

    def _flush(self) -> None:
        channel = self._channel
        while channel is not None and channel.readyState == "open" and self._waiting:
            self._send(channel, self._waiting.popleft())

    def _take(self, message: str | bytes) -> None:
        self.heard_at = now = self._clock()
        if not self._allowance.take():
            self._tell(now, f"more than {PER_SECOND:.0f} messages a second are not read")
        elif not isinstance(message, str):
            self._tell(now, "binary messages are not read")
        elif len(message) > MOST_CHARS:
            self._tell(now, f"messages of more than {MOST_CHARS:,} characters are not read")
        elif not message.startswith(PING):
            self._on_message(message)

    def _tell(self, now: float, reason: str) -> None:
        """Once a second: who floods us is not flooded back."""
        self.dropped += 1
        if now - self._refused_at >= 1:
            self._refused_at = now
            self._refuse(reason)
