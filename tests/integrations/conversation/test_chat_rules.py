"""What is written stops, goes on, is for the model, or is refused with a reason."""

from __future__ import annotations

import pytest

from interject.config import RoomSettings
from interject.integrations.conversation.chat_rules import MAX_CHARS, TOO_LONG, ChatRules
from interject.integrations.conversation.consent import Consent, Scope

RESUME = RoomSettings().resume_phrases[0]


def rules() -> tuple[ChatRules, Consent, list[tuple[str, str]]]:
    consent, told = Consent(may_control=lambda _: False), list[tuple[str, str]]()
    chat = ChatRules(RoomSettings(), consent, lambda *what: told.append(what))
    return chat, consent, told


def test_words_to_stop_and_go_on_are_wishes_and_everything_else_is_for_the_model() -> None:
    chat, consent, told = rules()
    assert chat.take("ann", "good morning") is None
    listening = []
    for identity, text in (
        ("ann", "Stop listening!"),
        ("ben", "are you there?"),
        ("ben", RESUME),
        ("ann", RESUME),
    ):
        chat.take(identity, text)
        listening.append(consent.listening)
    assert listening == [False, False, False, True]
    assert told == [("ann", "good morning")]


def test_who_is_not_listened_to_is_not_read_either() -> None:
    chat, consent, told = rules()
    consent.stop("ann", Scope.ME)
    chat.take("ann", "good morning")
    chat.take("ben", "good evening")
    assert told == [("ben", "good evening")]


@pytest.mark.parametrize("text", ["", " ", "\u200b"])
def test_what_cannot_be_seen_is_no_message(text: str) -> None:
    chat, _, told = rules()
    assert chat.take("ann", text) is None
    assert told == []


def test_a_long_message_is_refused_whole() -> None:
    chat, _, told = rules()
    assert chat.take("ann", "x" * MAX_CHARS) is None
    assert chat.take("ann", "x" * (MAX_CHARS + 1)) == TOO_LONG
    assert told == [("ann", "x" * MAX_CHARS)]
