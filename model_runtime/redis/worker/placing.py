"""The sessions that tenants' clients ask for, given to workers by one of them."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.errors import Handling, code, handling, reason
from interject.model_runtime.redis.requests import read_request
from interject.model_runtime.redis.scripts import Script
from interject.model_runtime.redis.streams import entry_order, read_entries
from interject.model_runtime.redis.timings import milliseconds
from interject.model_runtime.redis.worker.recovery.orphaned_session import MOST_LOST
from interject.model_runtime.remote import wire

if TYPE_CHECKING:
    from interject.model_runtime.redis.connection import Command, RedisClient
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.requests import OpenRequest
    from interject.model_runtime.redis.timings import Timings
    from interject.model_runtime.redis.worker.membership import Lease

REQUESTS_A_READ = 4
"""Of each tenant: one that asks for much keeps no other waiting."""
GROUP = "workers"

logger = logging.getLogger(__name__)


class Placing:
    """Workers share the requests: each is given to one of them, once. If that one dies with it, the
    client asks again.
    """

    def __init__(self, keys: Keys, lease: Lease, *, timings: Timings) -> None:
        self._keys = keys
        self._lease = lease
        self._timings = timings
        self.refused_requests = 0

    async def serve(self, client: RedisClient) -> None:
        """Wait for requests for a beat, and answer them."""
        tenants = self._lease.tenants
        if self._lease.draining or not tenants:
            await asyncio.sleep(self._timings.beat_s)
            return
        for tenant, entries in read_entries(await self._wait(client, tenants)):
            for entry, fields in entries:
                await self._take(client, tenant, entry, fields)

    async def _wait(self, client: RedisClient, tenants: tuple[str, ...]) -> object:
        streams = [self._keys.requests(tenant) for tenant in tenants]
        words: Command = (
            "XREADGROUP", "GROUP", GROUP, self._lease.token, "COUNT", REQUESTS_A_READ,
            "BLOCK", milliseconds(self._timings.beat_s), "NOACK",
            "STREAMS", *streams, *(">" for _ in streams),
        )  # fmt: skip
        try:
            return await client.ask(words)
        except ResponseError as error:
            if code(error) != "NOGROUP":
                raise
        await client.exchange(
            [("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM") for stream in streams]
        )
        return None

    async def _take(
        self, client: RedisClient, tenant: str, entry: str, fields: wire.Fields
    ) -> None:
        try:
            await self._open(client, tenant, entry, read_request(tenant, fields))
        except wire.WireError as error:
            self.refused_requests += 1
            logger.debug("a request was refused", extra={"reason": str(error)})
        except ResponseError as error:
            if handling(error) is not Handling.SESSION:
                raise
            self.refused_requests += 1
            logger.warning("a request failed", extra={"reason": reason(error)})

    async def _open(
        self, client: RedisClient, tenant: str, entry: str, request: OpenRequest
    ) -> None:
        if request.refusal:
            self.refused_requests += 1
            logger.debug("a request was refused", extra={"reason": request.refusal})
        await scripts.run(
            client, Script.OPEN, [self._keys.fleet],
            self._keys.prefix, tenant, request.name, request.token, request.number,
            request.options, request.lease_ms, milliseconds(self._timings.grace_s),
            milliseconds(self._timings.worker_lease_s), request.refusal,
            entry_order(entry)[0], MOST_LOST,
        )  # fmt: skip
