"""Which Redis consoles see each other's sessions through."""

from __future__ import annotations

import os
import pickle

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.process.neighbours import NeighboursAt, neighbours_at, server_name

REDIS = "redis://interject-media:secret@127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("given", "runtime", "url"),
    [
        (None, "local:nano", None),
        (None, REDIS, REDIS),
        ("off", REDIS, None),
        (REDIS, "local:nano", REDIS),
        ("rediss://other", REDIS, "rediss://other"),
    ],
)
def test_it_is_the_runtime_s_unless_another_one_or_none_is_named(
    given: str | None, runtime: str, url: str | None
) -> None:
    assert neighbours_at(given, runtime) == (None if url is None else NeighboursAt(url))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("on", r"--neighbours on: give redis://\.\.\., or off"),
        ("redis://x/zero", "--neighbours: the database in the Redis URL is no number"),
        ("redis://u:a/b@x", "--neighbours: the user or password in the Redis URL must be"),
    ],
)
def test_what_is_no_redis_is_told_in_one_line(given: str, said: str) -> None:
    with pytest.raises(InputFailure, match=said):
        neighbours_at(given, "local:nano")


def test_it_travels_to_a_job_and_shows_no_password() -> None:
    there = NeighboursAt(REDIS)
    assert pickle.loads(pickle.dumps(there.follower)).__self__ == there
    assert "secret" not in repr(there)
    assert server_name().endswith(f"-{os.getpid()}")
