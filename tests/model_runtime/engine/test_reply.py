"""A reply grows, ends for one reason, and is cut to what was heard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.model_runtime.engine.reply import Reply, StopCriteria
from interject.model_runtime.engine.sampling import Sampler
from interject.model_runtime.protocol import Cause, EndReason, Sampling
from tests.model_runtime.worlds import byte_tokenizer

END = 300


def begun(max_tokens: int = 50) -> Reply:
    limits = StopCriteria(max_tokens, text_end=END)
    return Reply(0, 7, Cause.MODEL, limits, byte_tokenizer())


def ids(text: str) -> list[int]:
    return byte_tokenizer().encode(text).ids


def said(text: str) -> Reply:
    reply = begun(1000)
    for token in [*ids(text), END]:
        reply.accept(token)
    return reply


def test_it_ends_with_its_end() -> None:
    reply = begun()
    shown = [(reply.accept(token), reply.ended) for token in ids("no 🔥")]
    assert shown == [(text, None) for text in ("n", "o", " ", "", "", "", "🔥")]
    assert reply.accept(END) == ""
    assert reply.ended is EndReason.COMPLETE
    assert reply.text == "no 🔥"
    assert reply.tokens == ids("no 🔥")


def test_it_may_be_empty() -> None:
    reply = begun()
    reply.accept(END)
    assert (reply.ended, reply.text, reply.tokens) == (EndReason.COMPLETE, "", [])


def test_it_is_cut_at_its_longest() -> None:
    reply = begun(3)
    shown = [reply.accept(token) for token in ids("four")[:3]]
    assert reply.ended is EndReason.MAX_TOKENS
    assert "".join(shown) == reply.text == "fou"


@pytest.mark.parametrize("last", [END, None])
def test_bytes_of_half_a_character_show_at_the_end(last: int | None) -> None:
    reply = begun(5 if last is None else 50)
    shown = [reply.accept(token) for token in ids("ok🔥")[:5]]
    if last is not None:
        shown.append(reply.accept(last))
    assert reply.ended is (EndReason.MAX_TOKENS if last is None else EndReason.COMPLETE)
    assert "".join(shown) == reply.text == "ok\ufffd"


def test_a_loop_ends_it() -> None:
    reply, sampler = begun(), Sampler(Sampling())
    for token in ids("la ") * 20:
        reply.accept(token, sampler)
        if reply.ended:
            break
    assert reply.ended is EndReason.REPETITION
    assert len(reply.tokens) == 12


def test_given_words_are_not_checked_for_loops() -> None:
    assert said("ha" * 40).ended is EndReason.COMPLETE


@pytest.mark.parametrize(
    ("chars", "text", "tokens"),
    [
        (-1, "", 0),
        (0, "", 0),
        (1, "h", 1),
        (2, "hé", 3),
        (3, "hé🔥", 7),
        (4, "hé🔥!", 8),
        (99, "hé🔥!", 8),
    ],
)
def test_what_was_heard_stays(chars: int, text: str, tokens: int) -> None:
    reply = said("hé🔥!")
    assert reply.keep_heard(chars) == tokens
    assert reply.text == text
    assert reply.tokens == ids("hé🔥!")[:tokens]
    assert reply.ended is EndReason.CANCELLED


def test_bytes_of_half_a_character_were_not_heard() -> None:
    reply = begun()
    for token in ids("ab🔥")[:-1]:
        reply.accept(token)
    assert reply.keep_heard(1) == 1
    assert reply.text == "a"


@given(
    st.text(max_size=20).filter(lambda text: "\ufffd" not in text),
    st.integers(0, 25),
    st.integers(0, 25),
)
def test_cutting_twice_keeps_the_shorter(text: str, first: int, second: int) -> None:
    reply = said(text)
    reply.keep_heard(first)
    assert reply.text == text[:first]
    reply.keep_heard(second)
    assert reply.text == text[: min(first, second)]
    assert reply.tokens == ids(reply.text)


def test_without_a_tokenizer_nothing_was_heard() -> None:
    limits = StopCriteria(9, text_end=END)
    reply = Reply(0, 7, Cause.MODEL, limits, None)
    for token in (1, 2, 3):
        assert reply.accept(token) == ""
    assert reply.keep_heard(5) == 0
    assert reply.tokens == []
