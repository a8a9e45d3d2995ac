"""What the URL of a Redis may say, and what is said of a wrong one."""

from __future__ import annotations

import pytest

from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.connection import Address


def test_a_plain_url_means_one_shard() -> None:
    address = Address.parse("redis://u:secret@host:1/0")
    assert (address.shards, address.cluster) == (("0",), False)
    assert address.name == "redis://host:1/0"
    assert address.keys.fleet == "interject:2:{0}:fleet"


@pytest.mark.parametrize(
    ("query", "shards"),
    [("shard=a", ("a",)), ("shards=a", ("a",)), ("shards=a,b2,C", ("a", "b2", "C"))],
)
def test_shards_are_named(query: str, shards: tuple[str, ...]) -> None:
    address = Address.parse(f"rediss://host:1/0?{query}&ssl_ca_certs=ca.pem")
    assert address.shards == shards
    assert address.url == "rediss://host:1/0?ssl_ca_certs=ca.pem"


def test_a_cluster_has_several_hosts() -> None:
    address = Address.parse("redis://u:secret@one:1,two,[::1]:3/0?cluster=1&shards=a,b")
    assert address.cluster
    assert address.nodes() == (("one", 1), ("two", 6379), ("::1", 3))
    assert [address.at(node).url for node in address.nodes()] == [
        "redis://u:secret@one:1/0", "redis://u:secret@two:6379/0", "redis://u:secret@[::1]:3/0",
    ]  # fmt: skip
    assert address.at(("one", 1)).shards == ("a", "b")
    assert address.name == "redis://one:1,two,[::1]:3/0"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://host", "not a Redis URL"),
        ("redis://host:port/0", "Port could not be cast"),
        ("redis://host/0?shard=a{b", "letters and digits"),
        ("redis://host/0?shards=a,,b", "letters and digits"),
        ("redis://host/0?shards=", "letters and digits"),
        ("redis://host/0?shards=a,a", "named once"),
        ("redis://one:1,two:2/0", r"several hosts are a cluster: add \?cluster=1"),
        ("redis://one:1,two:x/0?cluster=1", "two:x: not a host and port"),
        ("redis://one:1,/0?cluster=1", "not a host and port"),
        ("redis://one:1/0?cluster=maybe", "cluster=1, or nothing"),
        ("unix:///tmp/redis.sock?cluster=1", "hosts and ports, not a socket"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_password(url: str, message: str) -> None:
    url = url.replace("://", "://user:secret@")
    with pytest.raises(RuntimeFailure, match=message) as caught:
        Address.parse(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
