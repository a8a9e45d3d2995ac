"""Asking the workers of a shard for a session, until one of them answers."""

from __future__ import annotations

import asyncio
import secrets
from time import perf_counter
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis import notifier
from interject.model_runtime.redis.connection import MOST_CALLS
from interject.model_runtime.redis.errors import FAILURES, passes
from interject.model_runtime.redis.requests import OpenRequest, OpenVerdict, read_answer
from interject.model_runtime.redis.timings import milliseconds
from interject.model_runtime.remote import options_codec, wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from redis.asyncio import Redis

    from interject.model_runtime.protocol import SessionOptions
    from interject.model_runtime.redis.address import Address
    from interject.model_runtime.redis.connection import Command, ShardConnection
    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.requests import OpenAnswer
    from interject.model_runtime.redis.timings import Timings

ASK_AGAIN_S = 0.5
PATIENCE_LEASES = 2
"""A worker that lives shows itself within a lease."""


class Opening:
    """What this client has asked for and was not told yet."""

    def __init__(
        self,
        address: Address,
        keys: Keys,
        connection: ShardConnection,
        *,
        token: str,
        timings: Timings,
    ) -> None:
        self._address = address
        self._keys = keys
        self._connection = connection
        self._token = token
        self._timings = timings
        self._calls = asyncio.Semaphore(MOST_CALLS)
        self._asked: dict[str, asyncio.Future[OpenAnswer]] = {}

    async def ask(
        self, name: str, options: SessionOptions, unwanted: Callable[[OpenAnswer], None]
    ) -> OpenAnswer:
        """`unwanted` gets an answer that comes when nobody waits for it any more.

        What passes is waited for: a shard that moves to another node, a Redis that is busy. So are
        workers whose leases lapsed meanwhile, or that a restarted Redis does not know yet.

        :raises RuntimeFailure: when nobody answers.
        """
        request, answered = self.prepare(name, options)
        try:
            await self._until_answered(request, answered)
        except BaseException:
            answered.add_done_callback(lambda done: unwanted(done.result()))
            self.retire(request)
            raise
        return answered.result()

    def prepare(
        self, name: str, options: SessionOptions
    ) -> tuple[OpenRequest, asyncio.Future[OpenAnswer]]:
        """A request, to be sent again and again, and its answer."""
        request = OpenRequest(
            name, self._token, secrets.token_hex(8), options_codec.encode_options(options),
            milliseconds(self._timings.client_lease_s),
        )  # fmt: skip
        answered: asyncio.Future[OpenAnswer] = asyncio.get_running_loop().create_future()
        self._asked[request.number] = answered
        return request, answered

    def retire(self, request: OpenRequest) -> None:
        """It is not sent again; an answer that is on its way may take a while yet."""
        loop = asyncio.get_running_loop()
        loop.call_later(self._timings.open_s, self._asked.pop, request.number, None)

    def command(self, request: OpenRequest) -> Command:
        """What asks the workers."""
        stream = self._keys.requests(self._address.tenant)
        words = [word for field in request.encode().items() for word in field]
        return "XADD", stream, "MAXLEN", "~", notifier.LONGEST, "*", *words

    def hear(self, fields: wire.Fields) -> None:
        """Take an entry of the client's notices, if it answers something.

        A worker that knows of none has found all leases lapsed: the client asks again.
        """
        if b"r" not in fields:
            return
        number, answer = read_answer(fields)
        if answer.verdict is not OpenVerdict.NO_WORKER and number in self._asked:
            self._asked.pop(number).set_result(answer)

    async def _until_answered(
        self, request: OpenRequest, answered: asyncio.Future[OpenAnswer]
    ) -> None:
        began = served_at = perf_counter()
        patience_s = PATIENCE_LEASES * self._timings.worker_lease_s
        while not answered.done():
            late = perf_counter() - began > self._timings.open_s
            try:
                served = await self._send(request)
            except FAILURES as error:
                if late or not passes(error):
                    raise
                served = True
            if served:
                served_at = perf_counter()
            if perf_counter() - served_at > patience_s:
                raise RuntimeFailure(self._unserved())
            if late:
                raise RuntimeFailure(f"the workers of {self._address.name} do not answer")
            await asyncio.wait([answered], timeout=ASK_AGAIN_S)

    async def _send(self, request: OpenRequest) -> bool:
        """Whether workers serve the tenant."""

        async def step(client: Redis) -> bool:
            pipeline = client.pipeline(transaction=False)
            pipeline.execute_command(*self.command(request))
            pipeline.get(self._keys.room(self._address.tenant))
            _, room = await pipeline.execute()
            return room is not None

        async with self._calls:
            return await self._connection.run(step)

    def _unserved(self) -> str:
        tenant = self._address.tenant
        return (
            f"no worker serves {self._address.name} for the tenant {tenant}; start one: "
            f"interject worker --redis URL?tenants={tenant} --model DIR"
        )
