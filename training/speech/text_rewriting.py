"""Written text made into text that can be said."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Protocol

from pydantic import AfterValidator

from interject.config.strict import StrictModel
from interject.training.endpoints.chat_endpoint import ChatEndpoint, Question
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.speech.markdown_text import without_markdown
from interject.training.speech.spoken_numbers import with_words_for_numbers

_ABBREVIATIONS = {
    "e.g.": "for example", "i.e.": "that is", "etc.": "et cetera", "vs.": "versus",
    "approx.": "approximately", "Dr.": "Doctor", "Mr.": "Mister", "Mrs.": "Missus",
    "Prof.": "Professor", "Jr.": "Junior", "Sr.": "Senior", "St.": "Saint", "min.": "minimum",
    "max.": "maximum", "dept.": "department", "est.": "established", "a.m.": "A M", "p.m.": "P M",
    "w/o": "without", "w/": "with", "Ph.D.": "P H D", "U.S.": "U S", "U.K.": "U K",
}  # fmt: skip
_SYMBOLS = {
    "&": " and ", "+": " plus ", "=": " equals ", "@": " at ", "\N{MULTIPLICATION SIGN}": " times ",
    "\N{DIVISION SIGN}": " divided by ", "<": " less than ", ">": " greater than ",
    "\N{RIGHTWARDS ARROW}": " to ", "->": " to ", "=>": " to ", "\N{ALMOST EQUAL TO}": " about ",
    "~": " about ", "%": " percent ", "/": " ", "|": ", ", "_": " ", "*": " ", "`": " ", "^": " ",
    "\\": " ", "{": " ", "}": " ", "[": " ", "]": " ", "(": ", ", ")": ", ",
    "\N{EM DASH}": ", ", "\N{EN DASH}": ", ", "\N{BULLET}": ", ",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{HORIZONTAL ELLIPSIS}": "...",
}  # fmt: skip
_SHORT = re.compile(
    r"(?<!\w)(?:" + "|".join(sorted(map(re.escape, _ABBREVIATIONS), key=len, reverse=True)) + ")"
)
_MARKS = re.compile("|".join(sorted(map(re.escape, _SYMBOLS), key=len, reverse=True)))
_ADDRESS = re.compile(r"\b(?:https?://|www\.)([\w.-]+)[^\s,;)]*", re.IGNORECASE)
_MAIL = re.compile(r"\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)")
_NUMBERED = re.compile(r"(?:#|\bNo\.\s?|\N{NUMERO SIGN}\s?)(?=\d)")
_HASHED = re.compile(r"#")
_LEFT_OVER = re.compile(r"[\d*#|`_\\{}\[\]<>]")
LONGEST_FACTOR, LONGEST_MORE = 6, 300


class TextRewriter(Protocol):
    """From what is written to what is said."""

    def rewrite(self, text: str) -> str: ...


class RuleRewriter:
    """English. Of another language only Markdown, code and signs are taken out."""

    def __init__(self, language: str = "en") -> None:
        self._is_english = language.partition("-")[0].lower() == "en"

    def rewrite(self, text: str) -> str:
        plain = _ADDRESS.sub(lambda found: found[1].rstrip("."), without_markdown(text))
        if not self._is_english:
            return _tidy(_MARKS.sub(" ", _without_pictures(plain)))
        plain = _MAIL.sub(lambda found: f"{_dotted(found[1])} at {_dotted(found[2])}", plain)
        plain = _SHORT.sub(lambda found: _expanded(found), plain)
        plain = with_words_for_numbers(_NUMBERED.sub(" number ", plain))
        return _tidy(_MARKS.sub(lambda found: _SYMBOLS[found[0]], _without_pictures(plain)))


def _dotted(name: str) -> str:
    return name.replace(".", " dot ")


def _expanded(found: re.Match[str]) -> str:
    """A full stop that ends the sentence too is kept."""
    word, behind = _ABBREVIATIONS[found[0]], found.string[found.end() :]
    ends = found[0].endswith(".") and (not behind.strip() or re.match(r"\s+[A-Z]", behind))
    titled = found[0][0].isupper()
    return f"{word}." if ends and not titled else word


def _without_pictures(text: str) -> str:
    """Emoji, arrows and the like; the signs that have words are kept."""
    kept = [
        letter
        for letter in text
        if letter in _SYMBOLS or unicodedata.category(letter) not in ("So", "Sk", "Cf", "Co", "Cn")
    ]
    return _HASHED.sub(" ", "".join(" " if letter.isspace() else letter for letter in kept))


def _tidy(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"\s+([.,;:!?])", r"\1", text)
    text = re.sub(r"\.{4,}", "...", text)
    text = re.sub(r",(?:\s*,)+", ",", text)
    text = re.sub(r",\s*([.;:!?])", r"\1", text)
    text = re.sub(r"([.;:!?]),", r"\1", text).strip(" ,")
    return text if any(letter.isalnum() for letter in text) else ""


def _is_sayable(text: str) -> str:
    if found := _LEFT_OVER.search(text):
        raise ValueError(f"holds {found[0]!r}; write numerals and signs in words, no Markdown")
    if not any(letter.isalpha() for letter in text):
        raise ValueError("holds no word")
    return " ".join(text.split())


class SayableText(StrictModel):
    """A text as it is read aloud."""

    text: Annotated[str, AfterValidator(_is_sayable)]


_ROLE = "You prepare text for a speech synthesiser. You change how it is written, not what it says."
_TASK = (
    "Rewrite this text so that it can be read aloud. Write numerals, abbreviations and symbols in "
    "words, leave out all markup, keep the language, add nothing and answer nothing:\n\n"
)


class ModelRewriter:
    """A language model does what rules do badly. `by_rules` counts where it did not manage.

    Markdown and code go first, by rule: whether code is left out is no matter of taste.
    """

    def __init__(self, chat: ChatEndpoint, rules: RuleRewriter) -> None:
        self._chat, self._rules = chat, rules
        self.by_rules = 0

    def rewrite(self, text: str) -> str:
        """:raises EndpointFailure: when the server cannot be used."""
        plain = without_markdown(text)
        if not any(letter.isalnum() for letter in plain):
            return ""
        try:
            said = self._chat.ask(Question(_ROLE, f"{_TASK}{plain}"), SayableText).text
        except UnusableAnswer:
            said = ""
        if not said or len(said) > LONGEST_FACTOR * len(plain) + LONGEST_MORE:
            self.by_rules += 1
            return self._rules.rewrite(text)
        return said
