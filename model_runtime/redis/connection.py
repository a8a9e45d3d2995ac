"""Reaching a Redis by its URL, and saying in one line why it cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    ConnectionError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMES = ("redis", "rediss", "unix")
LEAST_VERSION = 7
LONGEST_WAIT_S = 2.0
"""A Redis that is silent for longer is taken for gone."""
MOST_CALLS = 4
"""Of one client at once; more fail."""
OUTAGE = (ConnectionError, TimeoutError, OSError)
FULL = OutOfMemoryError


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and which shard of it. `url` may hold a password: show `name` instead."""

    url: str
    shard: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `redis://user:password@host:port/db?shard=NAME`; `rediss://` is over TLS.

        :raises RuntimeFailure: when it is no such URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES:
            raise RuntimeFailure("not a Redis URL: use redis://host:port/0 or rediss://host:port/0")
        query = parse_qsl(parts.query)
        shard = next((value for name, value in query if name == "shard"), "0")
        if not shard.isalnum():
            raise RuntimeFailure("the shard in a Redis URL is made of letters and digits")
        rest = urlencode([pair for pair in query if pair[0] != "shard"])
        return cls(urlunsplit(parts._replace(query=rest)), shard)

    @property
    def name(self) -> str:
        """The address without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def keys(self) -> Keys:
        """Where things are on that shard."""
        return Keys(self.shard)

    def client(self, on_connect: Callable[[], None] | None = None) -> Redis:
        """A client that fails at once instead of retrying: what a retry means, callers know.

        `on_connect` is called whenever a connection was made anew.
        """

        async def connected(connection: Any) -> None:
            await connection.on_connect()
            if on_connect is not None:
                on_connect()

        try:
            return Redis.from_url(
                self.url,
                protocol=2,
                decode_responses=False,
                max_connections=1 if on_connect else MOST_CALLS,
                socket_connect_timeout=LONGEST_WAIT_S,
                socket_timeout=LONGEST_WAIT_S,
                retry=Retry(NoBackoff(), 0),
                redis_connect_func=connected,
            )
        except (ValueError, TypeError) as error:
            raise RuntimeFailure(f"{self.name}: {error}") from None

    async def check(self, client: Redis) -> None:
        """Find out now what would otherwise fail later.

        :raises RuntimeFailure: when nobody is there, access is denied, or it is too old.
        """
        try:
            answer = await _hello(client)
        except (AuthenticationError, AuthorizationError, NoPermissionError):
            raise RuntimeFailure(
                f"{self.name}: the user or password is wrong; "
                "write redis://user:password@host:port/0"
            ) from None
        except OUTAGE as error:
            raise RuntimeFailure(
                f"{self.name}: no Redis answers there ({_reason(error)})"
            ) from None
        except ResponseError as error:
            if "NOAUTH" in str(error):
                raise RuntimeFailure(
                    f"{self.name}: a password is needed; write redis://user:password@host:port/0"
                ) from None
            raise RuntimeFailure(f"{self.name}: {error}") from None
        except RedisError as error:
            raise RuntimeFailure(f"{self.name}: {error}") from None
        version = _version(answer)
        if int(version.partition(".")[0]) < LEAST_VERSION:
            raise RuntimeFailure(
                f"{self.name}: Redis {version} is too old; {LEAST_VERSION}.0 or newer is needed"
            )


async def _hello(client: Any) -> Any:
    return await client.execute_command("HELLO")


def _version(hello: Any) -> str:
    pairs = hello if isinstance(hello, dict) else dict(zip(hello[::2], hello[1::2], strict=True))
    return bytes(pairs[b"version"]).decode()


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
