"""Tags are read wherever they stand, and nothing of them is left, however the text is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interject.agent.cues.tags import TagForm, TaggedText, Tags
from interject.config.profile import Profile

TAGS = Tags(
    {"[offer]": "offer", "[Einwand!]": "objection", "<<x>>": "x"},
    {"[done hello]": "hello"},
    idle=["[gone]"],
    forms=[TagForm("[done {item}]", "{item}"), TagForm("(ok-{sound}--)", "{sound}")],
)


def read(*pieces: str, whole: bool = True) -> tuple[str, list[str]]:
    text = TaggedText(TAGS)
    left = "".join([*(text.push(piece) for piece in pieces), text.finish(whole=whole)])
    return left, text.found


@pytest.mark.parametrize(
    ("text", "left", "found"),
    [
        ("Say yes.", "Say yes.", []),
        ("[offer] Say yes.", "Say yes.", ["[offer]"]),
        ("  [OFFER]  Say yes.", "Say yes.", ["[offer]"]),
        ("Say yes. [offer]", "Say yes.", ["[offer]"]),
        ("Say [offer] yes.", "Say yes.", ["[offer]"]),
        ("[einwand!][offer] Zu teuer.", "Zu teuer.", ["[einwand!]", "[offer]"]),
        ("[done hello]", "", ["[done hello]"]),
        ("[other] Say yes.", "[other] Say yes.", []),
        ("[off] [offer", "[off] [offer", []),
        ("[of[offer]fer] Say yes.", "[of fer] Say yes.", ["[offer]"]),
        ("Say[offer]yes[offer].", "Say yes.", ["[offer]", "[offer]"]),
        ("<<<x>>> y", "< > y", ["<<x>>"]),
        (" it is 3 < 4 ", " it is 3 < 4 ", []),
        ("[gone] Say yes.", "Say yes.", ["[gone]"]),
        ("[done Bye_2] Say yes.", "Say yes.", ["[done bye_2]"]),
        ("[done it all] [done ] [done", "[done it all] [done ] [done", []),
        ("Say (OK-a-b--) yes (ok-a", "Say yes (ok-a", ["(ok-a-b--)"]),
        (f"[done {65 * 'x'}]", f"[done {65 * 'x'}]", []),
    ],
)
def test_what_is_left_and_what_was_found(text: str, left: str, found: list[str]) -> None:
    assert read(text) == (left, found)
    assert read(*text) == (left, found), "letter by letter"


def test_of_a_text_that_breaks_off_the_beginning_of_a_tag_goes() -> None:
    assert read("Say yes. [done he", whole=False) == ("Say yes.", [])
    assert read("Say yes. ", whole=False) == ("Say yes. ", [])


def test_nothing_that_may_become_a_tag_is_given_out_before_it_is_known() -> None:
    text = TaggedText(TAGS)
    given_out = [text.push(piece) for piece in ("Well", " ", "[of", "fer", "] ", "yes", " [", "no")]
    assert given_out == ["Well", "", "", "", "", " yes", "", " [no"]
    given_out = [
        text.push(piece) for piece in (" [do", "ne x", "y", "z", " a", " (ok-b", "-", "-?")
    ]
    assert given_out == ["", "", "", "", " [done xyz a", "", "", " (ok-b--?"]


def test_what_a_profile_took_out_is_a_tag_that_stands_for_nothing() -> None:
    """An own form without a word is not one of everything in brackets."""
    tags = Tags.of(
        Profile.model_validate(
            {
                "name": "p",
                "system_prompt": "p",
                "cue": {"categories": {"offer": {}}, "former_tags": ["[risk]"]},
                "checklist": {"items": {}},
            }
        )
    )
    assert tags.idle("[Risk] [done hello] [offer] [play x] a") == ["[Risk]", "[done hello]"]
    bare = {
        "name": "p",
        "system_prompt": "p",
        "checklist": {"form": "[{item}]", "items": {"a": "A"}},
    }
    assert Tags.of(Profile.model_validate(bare)).idle("[a] [b]") == []
    assert not Tags.of(Profile.model_validate({"name": "p", "system_prompt": "p"}))


@pytest.mark.parametrize(
    ("heard", "raw"), [(0, 0), (1, 9), (3, 11), (4, 20), (7, 23), (8, 32), (9, 32)]
)
def test_what_was_heard_is_counted_in_the_model_s_own_text(heard: int, raw: int) -> None:
    text = TaggedText(TAGS)
    text.push("[offer] Say [offer] yes. [offer]")
    text.finish(whole=True)
    assert text.raw_chars(heard) == raw


def test_a_reply_of_tags_alone_counts_as_heard() -> None:
    text = TaggedText(TAGS)
    text.push("[done hello]")
    assert text.raw_chars(0) == 0, "more of it may come"
    text.finish(whole=True)
    assert text.raw_chars(0) == len("[done hello]")


PIECES = st.lists(
    st.sampled_from(
        ["[", "]", "offer", "[offer]", "[OFFER", " ", "\n", "done", "[done hello]", "<", "<x>", ">"]
    )
    | st.sampled_from(["[done ", "x-", "[gone]", "(ok-", "--)"])
    | st.text(max_size=3),
    max_size=12,
)


@given(PIECES)
def test_however_a_text_is_cut_the_same_is_left_and_no_tag(pieces: list[str]) -> None:
    text = "".join(pieces)
    left, found = read(*pieces)
    assert (left, found) == read(text)
    assert not any(tag in left.lower() for tag in ("[offer]", "[done hello]", "<<x>>"))
    if not found:
        assert left == text
