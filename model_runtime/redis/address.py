"""Reaching a Redis by its URL, and saying in one line why it cannot be used."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.connection import RedisClient
from interject.model_runtime.redis.errors import FAILURES, explain
from interject.model_runtime.redis.keys import DEFAULT_TENANT, Keys, session_name
from interject.model_runtime.redis.url import host_port, hosts, split

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from interject.model_runtime.redis.url import HostPort

OWN_SETTINGS = ("shard", "shards", "cluster", "tenant", "tenants", "secret")
TENANT = re.compile(r"[a-z0-9-]{1,32}")
LEAST_VERSION = 7


@dataclass(frozen=True, slots=True)
class Address:
    """Where Redis is, and which shards of it. `url` may hold a password: show `name` instead.

    In a `cluster` the hosts of the URL are some of its nodes. `secret` makes the names of sessions
    unguessable: the password, unless the URL holds one of its own.
    """

    url: str = field(repr=False)
    shards: tuple[str, ...] = ("0",)
    cluster: bool = False
    tenants: tuple[str, ...] = (DEFAULT_TENANT,)
    secret: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> Address:
        """Read `redis://user:password@host:port/db`; `rediss://` is over TLS.

        Ours in the query: `shard=NAME` or `shards=NAME,NAME`, `tenant=NAME` or
        `tenants=NAME,NAME`, `secret=WORDS`, and `cluster=1`, with which the URL may name several
        hosts, separated by commas.

        :raises RuntimeFailure: when it is no such URL.
        """
        parts = split(url)
        query = parse_qsl(parts.query, keep_blank_values=True)
        ours = _named_once([pair for pair in query if pair[0] in OWN_SETTINGS])
        rest = urlencode([pair for pair in query if pair[0] not in OWN_SETTINGS])
        plain = urlunsplit(parts._replace(query=rest))
        secret = ours.get("secret") or unquote(parts.password or "")
        address = cls(plain, _shards(ours), _cluster(ours), _tenants(ours), secret)
        several = address.cluster or len(hosts(parts)) > 1
        (address.at(address.nodes()[0]) if several else address).client()
        return address

    @property
    def name(self) -> str:
        """The address without user and password."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"

    @property
    def keys(self) -> Keys:
        """Where things are on the first shard."""
        return Keys(self.shards[0])

    @property
    def tenant(self) -> str:
        """Of a client.

        :raises RuntimeFailure: when there are several.
        """
        if len(self.tenants) > 1:
            raise RuntimeFailure(f"{self.name}: a client is one tenant's; write ?tenant=NAME")
        return self.tenants[0]

    def session_name(self, session_id: str) -> str:
        """What a client calls a session in keys."""
        return session_name(self.tenant, session_id, self.secret)

    def nodes(self) -> tuple[HostPort, ...]:
        """The nodes of the cluster that the URL names.

        :raises RuntimeFailure: when these are not hosts and ports.
        """
        if not self.cluster:
            raise RuntimeFailure(f"{self.name}: several hosts are a cluster: add ?cluster=1")
        parts = urlsplit(self.url)
        if parts.scheme == "unix":
            raise RuntimeFailure(f"{self.name}: a cluster has hosts and ports, not a socket")
        return tuple(host_port(host) for host in hosts(parts))

    def at(self, node: HostPort) -> Address:
        """One node of the cluster."""
        host = f"[{node[0]}]" if ":" in node[0] else node[0]
        parts = urlsplit(self.url)
        user = "".join(parts.netloc.rpartition("@")[:2])
        netloc = f"{user}{host}:{node[1]}"
        return replace(self, url=urlunsplit(parts._replace(netloc=netloc)))

    def client(self, on_connect: Callable[[], None] | None = None) -> RedisClient:
        """See `RedisClient.to`.

        :raises RuntimeFailure: when the URL cannot be used.
        """
        made = RedisClient.to(self.url, on_connect)
        if made is None:
            raise RuntimeFailure(
                f"{self.name}: what is behind the ? of the URL cannot be used; "
                f"ours are {', '.join(OWN_SETTINGS)}, all others are those of redis-py"
            )
        return made

    async def check(self, client: RedisClient) -> None:
        """Find out now what would otherwise fail later.

        :raises RedisAway: when nobody is there.
        :raises RuntimeFailure: when access is denied, or it is too old.
        """
        try:
            answer = await _hello(client)
        except FAILURES as error:
            raise self.explain(error) from None
        version = answer[b"version"].decode()
        if int(version.partition(".")[0]) < LEAST_VERSION:
            raise RuntimeFailure(
                f"{self.name}: Redis {version} is too old; {LEAST_VERSION}.0 or newer is needed"
            )
        if answer.get(b"mode") == b"cluster" and not self.cluster:
            raise RuntimeFailure(f"{self.name}: this is a cluster; add ?cluster=1 to the URL")

    def explain(self, error: BaseException) -> RuntimeFailure:
        """What an error means to whoever wrote the URL; a `RedisAway` may pass."""
        return explain(error, self.name, self._whose)

    @property
    def _whose(self) -> str:
        """A name without a password may be one."""
        parts = urlsplit(self.url)
        user = "this user"
        if parts.password:
            user = f"the user {unquote(parts.username or '') or 'default'}"
        return f"{user}, of the tenant {','.join(self.tenants)},"


async def _hello(client: Any) -> dict[bytes, bytes]:
    answer = await client.execute_command("HELLO")
    if isinstance(answer, dict):
        return answer
    return dict(zip(answer[::2], answer[1::2], strict=True))


def _named_once(settings: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Of two that contradict each other one would hold without a word."""
    if len({name.removesuffix("s") for name, _ in settings}) < len(settings):
        raise RuntimeFailure(
            "a Redis URL has one of shard and shards, one of tenant and tenants, "
            "and no setting twice"
        )
    return dict(settings)


def _shards(settings: Mapping[str, str]) -> tuple[str, ...]:
    shards = tuple(settings.get("shards", settings.get("shard", "0")).split(","))
    if not all(shard.isalnum() for shard in shards):
        raise RuntimeFailure("a shard in a Redis URL is made of letters and digits")
    if len(set(shards)) < len(shards):
        raise RuntimeFailure("a shard in a Redis URL is named once")
    return shards


def _tenants(settings: Mapping[str, str]) -> tuple[str, ...]:
    named = settings.get("tenants", settings.get("tenant", DEFAULT_TENANT))
    tenants = tuple(dict.fromkeys(named.split(",")))
    if not all(TENANT.fullmatch(tenant) for tenant in tenants):
        raise RuntimeFailure(
            "a tenant in a Redis URL is made of small letters, digits and hyphens, 32 at most"
        )
    return tenants


def _cluster(settings: Mapping[str, str]) -> bool:
    setting = settings.get("cluster", "0")
    if setting not in ("0", "1"):
        raise RuntimeFailure("in a Redis URL write cluster=1, or nothing")
    return setting == "1"
