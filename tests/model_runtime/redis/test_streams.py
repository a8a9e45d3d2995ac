from __future__ import annotations

from interject.model_runtime.redis.streams import add, read, read_entries


def test_a_read_names_each_stream_and_the_last_entry_seen_of_it() -> None:
    places = {"in:a": "1-2", "in:b": "0-1"}
    assert read(places) == ("XREAD", "STREAMS", "in:a", "in:b", "1-2", "0-1")
    assert read({"news": "0-0"}, count=8, block_ms=25) == (
        "XREAD", "COUNT", 8, "BLOCK", 25, "STREAMS", "news", "0-0",
    )  # fmt: skip


def test_an_entry_is_added_under_its_own_id_to_a_stream_that_exists() -> None:
    assert add("in:a", "1-2", {b"v": b"1", b"k": b"frame"}, longest=10) == (
        "XADD", "in:a", "NOMKSTREAM", "MAXLEN", "~", 10, "1-2", b"v", b"1", b"k", b"frame",
    )  # fmt: skip


def test_what_was_read_comes_by_session() -> None:
    answer = [
        [b"interject:{0}:in:a", [[b"1-2", [b"k", b"x"]], [b"1-3", [b"k", b"y", b"d", b"{}"]]]],
        [b"interject:{0}:in:b", [[b"7-1", []]]],
    ]
    assert list(read_entries(answer)) == [
        ("a", [("1-2", {b"k": b"x"}), ("1-3", {b"k": b"y", b"d": b"{}"})]),
        ("b", [("7-1", {})]),
    ]
    assert list(read_entries(None)) == []
