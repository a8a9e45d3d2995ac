"""What of a pipeline's context is new to a model that hears by itself."""

from __future__ import annotations

import pytest

from interject.integrations.pipecat.context_reader import (
    Author,
    ContextNews,
    ContextReader,
    ContextTurn,
)

SYSTEM = {"role": "system", "content": "Be brief."}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_what_is_typed_is_answered_and_what_was_there_before_is_noted() -> None:
    news = ContextReader().read([SYSTEM, user("How late is it?")])
    assert news == ContextNews(
        (
            ContextTurn(Author.PROGRAM, "Be brief."),
            ContextTurn(Author.PERSON, "How late is it?", answered=True),
        ),
        reply_wanted=False,
    )


def test_messages_are_read_once() -> None:
    reader = ContextReader()
    reader.read([SYSTEM, user("One.")])
    news = reader.read([SYSTEM, user("One."), {"role": "assistant", "content": "Yes."}, user("2.")])
    assert [turn.text for turn in news.turns] == ["2."]


def test_what_a_recogniser_wrote_down_was_heard_already() -> None:
    reader = ContextReader()
    reader.heard("The milk boils over.")
    assert reader.read([user("The milk boils over.")]) == ContextNews((), reply_wanted=False)
    assert reader.read([user("The milk boils over."), user("The milk boils over.")]).turns


def test_a_program_that_runs_the_model_on_nothing_new_wants_a_reply() -> None:
    reader = ContextReader()
    assert reader.read([]) == ContextNews((), reply_wanted=True)
    assert reader.read([SYSTEM]).reply_wanted
    assert reader.read([SYSTEM]) == ContextNews((), reply_wanted=True)


def test_a_context_that_was_replaced_is_read_from_where_it_differs() -> None:
    reader = ContextReader()
    reader.read([SYSTEM, user("One."), user("Two.")])
    assert [turn.text for turn in reader.read([SYSTEM, user("Three.")]).turns] == ["Three."]


def test_parts_that_are_no_text_and_foreign_messages_are_left_out() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    parts = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}
    news = ContextReader().read([{"role": "tool", "content": "4"}, object(), parts])
    assert [turn.text for turn in news.turns] == ["What is it?"]


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    "around", [[assistant("Noted.")], [assistant("Noted."), {"role": "tool", "content": "4"}]]
)
def test_what_a_recogniser_wrote_asks_for_nothing_whatever_stands_behind_it(
    around: list[dict[str, str]],
) -> None:
    reader = ContextReader()
    reader.read([SYSTEM])
    reader.heard(" Please note it. ")
    news = reader.read([SYSTEM, user("Please note it."), *around])
    assert news == ContextNews((), reply_wanted=False)
    assert reader.read([SYSTEM, user("Please note it."), *around]).reply_wanted


HISTORY = [SYSTEM, user("One?"), assistant("Yes."), user("Two?"), assistant("No.")]
CHANGED = {"role": "system", "content": "It is 10:01."}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([*HISTORY[2:], user("Three?")], ["Three?"]),
        ([*HISTORY, user("One?")], ["One?"]),
        ([HISTORY[4], user("Two?")], ["Two?"]),
        ([CHANGED, *HISTORY[1:], user("Three?")], ["It is 10:01.", "Three?"]),
        ([SYSTEM, assistant("They spoke."), *HISTORY[3:], user("Three?")], ["Three?"]),
        ([*HISTORY[:2], user("Three?")], ["Three?"]),
        ([CHANGED, user("Three?")], ["It is 10:01.", "Three?"]),
    ],
    ids=["trimmed", "the same again", "and trimmed", "begins anew", "summed up", "cut", "replaced"],
)
def test_of_a_context_that_was_rewritten_only_what_was_not_in_it_is_told(
    now: list[dict[str, str]], told: list[str]
) -> None:
    reader = ContextReader()
    reader.read(HISTORY)
    news = reader.read(now)
    assert [turn.text for turn in news.turns] == told
    assert [turn.answered for turn in news.turns] == [False] * (len(told) - 1) + [True]
