"""A worker's sign of life: a subscription, which Redis ends at once when the process dies."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from redis.exceptions import NoPermissionError

from interject.model_runtime.redis.errors import Elsewhere

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)


class Liveness:
    """`term` tells this worker's subscriptions apart; it is None while none stands.

    Nothing is ever published on the channel: how many listen to it is all that others ask.
    """

    def __init__(self, channel: str, *, wait_s: float) -> None:
        self.term: int | None = None
        self._terms = 0
        self._missed = False
        self._channel = channel
        self._wait_s = wait_s

    async def hold(self, client: Redis) -> None:
        """Listen until that fails.

        :raises Elsewhere: when this worker listens where nobody looks.
        """
        try:
            await self._listen(client)
        except NoPermissionError:
            logger.warning("this user may not subscribe; dead workers are found by leases alone")
            await asyncio.Event().wait()
        finally:
            self.interrupted()

    def interrupted(self) -> None:
        """What was seen before may not hold: Redis may have been another one."""
        self.term = None
        self._missed = False

    def missed(self) -> None:
        """Where the others look, this worker does not listen: the shard has moved, perhaps."""
        self._missed = True

    async def _listen(self, client: Redis) -> None:
        """The client may swallow a cancellation, as `always` says."""
        task = asyncio.current_task()
        async with client.pubsub() as subscription:
            await subscription.subscribe(self._channel)
            while task is not None and not task.cancelling():
                message = await subscription.get_message(timeout=self._wait_s)
                if message is not None and message["type"] == "subscribe":
                    self._terms += 1
                    self.term = self._terms
                if self._missed:
                    raise Elsewhere("nobody looks here")
