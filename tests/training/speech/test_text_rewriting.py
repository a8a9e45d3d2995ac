from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.training.endpoints.chat_endpoint import ChatEndpoint
from interject.training.endpoints.failures import EndpointFailure
from interject.training.endpoints.http_endpoint import HttpEndpoint
from interject.training.endpoints.retry_schedule import RetrySchedule
from interject.training.endpoints.settings import EndpointSettings
from interject.training.speech.markdown_text import without_markdown
from interject.training.speech.text_rewriting import ModelRewriter, RuleRewriter
from tests.fakes.model_server import ModelServer, Scripted, said, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("# Title\n\nHello **big** _world_", "Title. Hello big world."),
        ("See [the docs](http://x.y/z), `run` it", "See the docs, run it."),
        ("- one\n- two\n\n1. three", "one. two. three."),
        ("| a | b |\n|---|---|\n| c | d |", "a, b. c, d."),
        ("![a cat](cat.png) <b>bold</b> ~~gone~~", "a cat bold gone."),
        ("Do:\n```\na\nb\nc\n```", "Do: a, b, c."),
        ("Do:\n```python\na\nb\nc\nd\n```\nDone.", "Do: code omitted. Done."),
        ("Do:\n\n    a\n    b\n\n    c\n    d\n", "Do: code omitted."),
        ("> quoted\n\n---\n\nWell?", "quoted. Well?"),
        ("", ""),
        ("***", ""),
        ("<div>\n", ""),
        ("```\n", ""),
    ],
)
def test_markdown_becomes_sentences(text: str, spoken: str) -> None:
    assert without_markdown(text) == spoken


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("It cost $5.20.", "It cost five dollars and twenty cents."),
        ("\N{POUND SIGN}1.01, \N{EURO SIGN}1 or $3.5 million",
         "one pound and one penny, one euro or three point five million dollars."),
        ("1,234 and 0.05", "one thousand two hundred thirty-four and zero point zero five."),
        ("3% at -5 \N{DEGREE SIGN}C", "three percent at minus five degrees Celsius."),
        ("1 km, 2 km, 30km/h", "one kilometre, two kilometres, thirty kilometres an hour."),
        ("the 1st and 22nd", "the first and twenty-second."),
        ("in 1984, 1500 things", "in nineteen eighty-four, one thousand five hundred things."),
        ("the 1990s", "the nineteen nineties."),
        ("at 10:30, 9:05, 12:00", "at ten thirty, nine oh five, twelve o'clock."),
        ("on 2024-05-03", "on May third, twenty twenty-four."),
        ("5-10 of 3.11.2", "five to ten of three point eleven point two."),
        ("call 0612", "call zero six one two."),
        ("9" * 20, " ".join(["nine"] * 20) + "."),
        ("B2 and 3D", "B two and three D."),
        ("Dr. Smith, e.g. today etc. Then", "Doctor Smith, for example today et cetera. Then."),
        ("a & b = c #5", "a and b equals c number five."),
        ("yes \N{GRINNING FACE} no", "yes no."),
        ("He (kindly) said \N{EM DASH} go", "He, kindly, said, go."),
        ("www.example.com/a?b=c, me@example.com",
         "example.com, me at example dot com."),
        ("\N{GRINNING FACE}", ""),
    ],
)  # fmt: skip
def test_numerals_abbreviations_and_symbols_become_words(text: str, spoken: str) -> None:
    assert RuleRewriter().rewrite(text) == spoken


def test_of_another_language_only_markup_and_signs_go() -> None:
    assert RuleRewriter("de-DE").rewrite("# Hallo\n\n5 & **fett**") == "Hallo. 5 fett."


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with serving(ModelServer()) as running:
        yield running


def rewritten(server: ModelServer, text: str) -> tuple[str, int]:
    settings = EndpointSettings(base_url=server.url, model="m")
    with HttpEndpoint(settings, schedule=RetrySchedule(())) as endpoint:
        rewriter = ModelRewriter(ChatEndpoint(endpoint), RuleRewriter())
        return rewriter.rewrite(text), rewriter.by_rules


def test_a_model_rewrites_what_is_left_of_markdown(server: ModelServer) -> None:
    server.answers = [said('{"text": "Saint  Paul, page seven."}')]
    assert rewritten(server, "**St. Paul**, p. 7\n```\na\nb\nc\nd\n```") == (
        "Saint Paul, page seven.", 0,
    )  # fmt: skip
    asked = server.received[0].json["messages"][1]["content"]
    assert "St. Paul, p. 7. code omitted." in asked


@pytest.mark.parametrize(
    "answer",
    ['{"text": "page 7"}', '{"text": "**page** seven"}', '{"text": "..."}', "no", "{}",
     '{"text": "' + "very " * 400 + '"}'],
)  # fmt: skip
def test_what_cannot_be_said_is_left_to_the_rules(server: ModelServer, answer: str) -> None:
    server.answers = [said(answer)]
    assert rewritten(server, "page 7") == ("page seven.", 1)


def test_a_server_that_fails_is_no_reason_for_rules(server: ModelServer) -> None:
    server.answers = [Scripted(status=500)]
    with pytest.raises(EndpointFailure, match="answered 500"):
        rewritten(server, "page 7")


def test_a_text_without_a_word_asks_nobody(server: ModelServer) -> None:
    assert rewritten(server, " ** ") == ("", 0)
    assert server.received == []
