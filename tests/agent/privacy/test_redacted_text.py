"""However a text is cut, the same leaves, and nothing of a number before it is known."""
# ruff: noqa: RUF001

from __future__ import annotations

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from interject.agent.privacy.redacted_text import RedactedText
from interject.agent.privacy.redactor import FARTHEST, Redactor
from interject.config.privacy import EVERY_KIND, PrivacySettings

EVERYTHING = Redactor(PrivacySettings(redact=EVERY_KIND))
SECRETS = (
    "4111 1111 1111 1111", "5500-0000-0000-0004", "378282246310005", "٤١١١ ١١١١ ١١١١ ١١١١",
    "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819",
    "ＤＥ８９３７０４００４４０５３２０１３０００",
    "+49 171 5551234", "(415) 555-2671", "0171/5551234",
    "anna.meier@firma.example", "客服@例子.中国",
)  # fmt: skip
WORDS = (
    "the", "card", "is", "a", "I", "at", "DE", "no. 5", "12", "2026-11-27", "谢谢", "شكرا", "(",
    "+", "1,000.50", "x@", "@y", "DE89", "0", "👍🏽", "e\u0301",
)  # fmt: skip
texts = st.lists(
    st.one_of(st.sampled_from(SECRETS), st.sampled_from(WORDS), st.text(max_size=5)), max_size=8
).map(" ".join)
digits = st.text(alphabet="0123456789 -.,*_%+(\t\n٣３é漢…\u200b", max_size=160)
around = st.text(alphabet="+(\t\r\n é漢’1-.", max_size=5)
surrounded = st.tuples(around, st.sampled_from(SECRETS), around, st.sampled_from(SECRETS)).map(
    "".join
)
counted = st.tuples(st.integers(1, 60), st.integers(1, 130), st.sampled_from([1, 2, 3, 111])).map(
    lambda one: " ".join(str(number) for number in range(one[0], one[0] + one[1], one[2]))
)
SUSPECTED = re.compile(r"\[\w+\]\W*\Z")
"""Digits that were cut off may be more than was heard of them."""

pieces = st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=12)


def cut(text: str, sizes: list[int]) -> list[str]:
    parts, at, turn = [], 0, 0
    while at < len(text):
        parts.append(text[at : at + sizes[turn % len(sizes)]])
        at += len(parts[-1])
        turn += 1
    return parts


def read(
    text: str, sizes: list[int], *, whole: bool = True, redactor: Redactor = EVERYTHING
) -> tuple[RedactedText, str]:
    streamed = RedactedText(redactor)
    out = "".join(streamed.push(piece) for piece in cut(text, sizes))
    return streamed, out + streamed.finish(whole=whole)


@settings(max_examples=120, deadline=None)
@given(st.one_of(texts, digits, surrounded, counted), pieces)
@example("+\n4111 1111 1111 1111 é", [1])
@example("a +\t4111111111111111’s", [3])
@example("Call +\n49 30 1234567 – danke", [1])
@example("?c=4111%201111%201111%201111 %2", [1])
@example("3011 4111 1111 1111 1111 1111 1111 5555 5555 5555 4444 " * 4, [2])
def test_pieces_say_what_the_whole_says(text: str, sizes: list[int]) -> None:
    assert read(text, sizes)[1] == EVERYTHING.text(text)
    keeping = Redactor(PrivacySettings(redact=EVERY_KIND, keep=("4111 1111 1111 1111",)))
    assert read(text, sizes, redactor=keeping)[1] == keeping.text(text)


@settings(max_examples=25, deadline=None)
@given(st.text(alphabet="0123456789", min_size=1), st.text(alphabet=" -.(", max_size=7))
def test_digits_without_an_end_are_not_held_without_an_end(group: str, gap: str) -> None:
    streamed = RedactedText(EVERYTHING)
    for _ in range(40):
        streamed.push(group + gap)
    assert streamed.raw_length - streamed.raw_left <= FARTHEST


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SECRETS), st.sampled_from(["", "It is ", "谢谢"]), st.data())
def test_nothing_of_it_has_left_before_it_is_known(
    secret: str, before: str, data: st.DataObject
) -> None:
    if before == "谢谢" and "@" in secret:
        before = ""
    at = data.draw(st.integers(min_value=0, max_value=len(secret) - 1))
    streamed = RedactedText(EVERYTHING)
    left = streamed.push(before + secret[:at])
    assert before.startswith(left)
    left += streamed.push(f"{secret[at:]} now") + streamed.finish(whole=True)
    kind = EVERYTHING.findings(secret)[0].kind
    assert left == f"{before}[{kind}] now"


@settings(max_examples=100, deadline=None)
@given(texts, pieces, st.integers(min_value=0, max_value=200))
def test_what_is_heard_of_it_is_never_part_of_a_number(
    text: str, sizes: list[int], chars: int
) -> None:
    streamed, out = read(text, sizes)
    raw = streamed.raw_chars(min(chars, len(out)))
    assert not any(one.start < raw < one.end for one in streamed.taken)
    assert streamed.raw_chars(len(out)) == len(text)
    kept = streamed.beginning(text[:raw])
    assert out.startswith(SUSPECTED.sub("", kept)) or chars == 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SECRETS), pieces, st.data())
def test_of_a_number_that_was_broken_off_six_digits_stay_at_most(
    secret: str, sizes: list[int], data: st.DataObject
) -> None:
    at = data.draw(st.integers(min_value=0, max_value=len(secret) - 1))
    streamed, _ = read(f"{secret} ", sizes)
    kept = streamed.beginning(secret[:at])
    assert sum(character.isdigit() for character in kept) == 0 or secret[at:] == ""
    alone = read(secret[:at], sizes, whole=False)[1]
    if EVERYTHING.findings(secret)[0].kind in ("card", "iban"):
        assert sum(character.isdigit() for character in alone) <= 6


def test_what_cannot_become_a_number_any_more_leaves_at_once() -> None:
    streamed = RedactedText(Redactor(PrivacySettings()))
    assert streamed.push("The answer") == "The answer"
    assert streamed.push(" is 42") == " "
    assert streamed.push(" kilos") == "is 42 kilos"
    assert streamed.push(" 1" * 60).count("1") >= 40
    assert streamed.finish(whole=True).count("1") < 20
