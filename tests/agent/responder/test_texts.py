"""What a model writes, cut anywhere: words for people, calls, thoughts, numbers of sources."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.agent.responder.block_text import BlockText
from interject.agent.responder.cited_text import CitedText

WRITTEN = (
    "<think>Which shop?</think>Let me look. "
    '<tool_call>{"name": "order", "arguments": {"number": 7}}</tool_call>'
    "It is < 5 km, **really** [1], and <|sil|>open [2, 4].\n"
)
HEARD = "Let me look. It is < 5 km, really, and open."


def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % len(text) for cut in cuts), len(text)]
    return [text[one:other] for one, other in itertools.pairwise(edges)]


@given(st.lists(st.integers(0, 10_000), max_size=200))
@settings(max_examples=200, deadline=None)
def test_however_it_is_cut_the_same_is_heard_called_and_cited(cuts: list[int]) -> None:
    blocks, cited = BlockText(), CitedText()
    said = "".join(cited.push(blocks.push(piece)) for piece in pieces(WRITTEN, cuts))
    said += cited.push(blocks.finish()) + cited.finish()
    assert said == HEARD
    assert [(one.name, one.arguments) for one in blocks.calls] == [("order", '{"number": 7}')]
    assert cited.cited == [1, 2, 4]


@pytest.mark.parametrize(
    ("written", "heard", "calls"),
    [
        ("Yes. <tool_call>{", "Yes.", 0),
        ("</think>Yes.", "Yes.", 0),
        ("<think>No end", "", 0),
        ("<tool_call>order 7</tool_call>Yes.", "Yes.", 1),
        ('<tool_call>[1]</tool_call><tool_call>{"name": 5}</tool_call>', "", 2),
        ("a [bracket] and [12", "a [bracket] and [12", 0),
        ("x <tool", "x <tool", 0),
        ('Let me look. [TOOL_CALLS] [{"name": "order", "arguments": {}}]', "Let me look.", 0),
        ("<|python_tag|>order(number=7)<|eom_id|>Yes.", "Yes.", 0),
        ("It is [TOOL", "It is [TOOL", 0),
        ("   Hello there   ", "Hello there", 0),
    ],
)
def test_what_is_broken_is_neither_heard_nor_done(written: str, heard: str, calls: int) -> None:
    blocks, cited = BlockText(), CitedText()
    said = cited.push(blocks.push(written)) + cited.push(blocks.finish()) + cited.finish()
    assert said == heard
    assert len(blocks.calls) == calls


def test_blanks_without_end_are_looked_at_once() -> None:
    cited = CitedText()
    assert cited.push("Yes." + " " * 300_000 + "No [1].") == "Yes." + " " * 300_000 + "No."
    assert cited.push(" " * 300_000) + cited.finish() == ""


def test_a_block_without_an_end_takes_no_more_room() -> None:
    blocks = BlockText()
    blocks.push("<think>")
    for _ in range(100):
        blocks.push("x" * 10_000)
    assert blocks.push("</think>Yes.") == "Yes."
