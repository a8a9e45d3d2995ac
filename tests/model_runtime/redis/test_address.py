"""What the URL of a Redis may say, and what is said of a wrong one."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.exceptions import NoPermissionError

from interject.model_runtime import open_runtime
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.redis.address import Address


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
        ("redis://host:port/0", "not a host and port"),
        ("redis://host/0?shard=a{b", "letters and digits"),
        ("redis://host/0?shards=a,,b", "letters and digits"),
        ("redis://host/0?shards=", "letters and digits"),
        ("redis://host/0?shards=a,a", "named once"),
        ("redis://host/0?shards=a,b&shard=c", "one of shard and shards"),
        ("redis://host/0?tenant=a&tenants=b", "one of tenant and tenants"),
        ("redis://host/0?cluster=1&cluster=0", "no setting twice"),
        ("redis://one:1,two:2/0", r"several hosts are a cluster: add \?cluster=1"),
        ("redis://one:1,two:x/0?cluster=1", "not a host and port"),
        ("redis://one:1,/0?cluster=1", "not a host and port"),
        ("redis://one:1/0?cluster=maybe", "cluster=1, or nothing"),
        ("redis://host:70000/0", "not a host and port"),
        ("redis://host/zero", "database in the Redis URL is no number"),
        (
            "redis://host/0?shrad=a",
            "ours are shard, shards, cluster, tenant, tenants, s" + "ecret,",
        ),
        ("redis://host/0?socket_timeout=soon", "behind the"),
        ("unix:///tmp/redis.sock?cluster=1", "hosts and ports, not a socket"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_without_its_password(url: str, message: str) -> None:
    url = url.replace("://", "://user:hunter2@")
    with pytest.raises(RuntimeFailure, match=message) as caught:
        Address.parse(url)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("password", ["se/cret", "se[cret", "se]cret", "se?cret", "se#cret"])
def test_a_password_that_is_not_encoded_is_told_how_to_be(password: str) -> None:
    for url in (f"redis://:{password}@host", f"rediss://user:{password}@host:1/0?shard=a"):
        with pytest.raises(RuntimeFailure, match=r"percent-encoded: write %2F for /") as caught:
            Address.parse(url)
        assert password not in told(caught.value)
        assert Address.parse(url.replace(password, quote(password, safe="")))


@pytest.mark.parametrize(
    ("user", "named"),
    [("ann:pw@", "the user ann"), (":pw@", "the user default"), ("pw@", "this user")],
)
def test_who_may_not_do_something_is_told_which_user_and_tenant_that_was(
    user: str, named: str
) -> None:
    address = Address.parse(f"redis://{user}host:1/0?tenant=acme")
    line = str(address.explain(NoPermissionError("no permissions", status_code="NOPERM")))
    assert line.startswith(f"redis://host:1/0: {named}, of the tenant acme, may not do that (no ")
    assert line.endswith("write the tenant that the user is of, ?tenant=NAME, or another user")
    assert "pw" not in line


def test_who_may_not_run_a_command_is_told_of_the_users_that_there_are() -> None:
    refused = NoPermissionError(
        "this user has no permissions to run the 'eval' command", status_code="NOPERM"
    )
    line = str(Address.parse("redis://interject-media:pw@host:1/0").explain(refused))
    assert "the user interject-media" in line
    assert line.endswith("workers use interject-worker, what carries sound interject-media")
    assert "tenant=" not in line


PASSWORDS = st.text(st.sampled_from("kqxz/?#[]@%:&=+,;~\\ \t\n\u2100é"), min_size=6, max_size=20)
URLS = (
    "redis://:{}@host:1/0", "rediss://user:{}@host:1/0?shards=a,b", "redis://{}@host",
    "redis://u:{}@host:port/0", "redis://u:{}@one:1,two:2/0?cluster=1", "unix://u:{}@/tmp/socket",
    "redis://u:{}@host/0?nonsense=1", "redis://u:{}@host/zero", "redis:/u:{}@host", "http://:{}@host",
)  # fmt: skip


@given(PASSWORDS, st.sampled_from(URLS))
def test_nothing_that_is_said_of_a_url_holds_its_password(password: str, url: str) -> None:
    for form in (password, quote(password, safe="")):
        address = None
        try:
            address = Address.parse(url.format(form))
        except RuntimeFailure as error:
            said = [told(error), refusal(url.format(form))]
        else:
            said = [repr(address), address.name, str(address.explain(OSError("no route")))]
            said.append(str(address.explain(NoPermissionError("no", status_code="NOPERM"))))
        for words in said:
            assert "\n" not in words
            assert password not in words
            assert form not in words


@pytest.mark.parametrize(
    "url",
    [
        "redis://u:a/SEKRET@h:1/0", "redis://u:SEKRET/@h", "redis://u:a/b:SEKRET@h",
        "redis://u:SEKRET", "redis://u:1SEKRET", "redis://u:[SEKRET]@h:1/0", "redis://:SEKRET",
        "redis://u:éSEKRET℀@h", "redis://u:pw@h/0?SEKRET=1", "REDIS://u:SEKRET@h",
        "http://u:SEKRET@h/", "u:SEKRET@h:1", "u:SEKRET", "redis:/u:SEKRET@127.0.0.1:1",
        "redis:u:SEKRET@h", "redis:///u:SEKRET@h", "unix:/u:SEKRET@/x", "redis://u:SEKRET:99@",
        "redis://u:SEKRET@h:1/SEKRET", "redis://u:pw@h:1/0?tenant=SEKRET",
        "local:redis://u:SEKRET@h", "embedded:redis://u:SEKRET@h",
    ],
)  # fmt: skip
def test_what_is_no_url_of_a_redis_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(RuntimeFailure) as caught:
        Address.parse(url)
    for words in (told(caught.value), refusal(url)):
        assert "SEKRET" not in words


def refusal(url: str) -> str:
    """Of the call that every command makes."""
    with pytest.raises(RuntimeFailure) as caught:
        open_runtime(url)
    return told(caught.value)


def told(error: BaseException | None) -> str:
    """What a message, a log or a crash could show of it."""
    words = []
    while error is not None:
        words += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    return " ".join(words)
