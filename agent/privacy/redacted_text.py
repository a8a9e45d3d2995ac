"""One text on its way out, piece by piece: what may yet become somebody's number is held back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.agent.privacy.personal_data import PersonalData, apart
from interject.agent.privacy.redactor import FARTHEST
from interject.agent.text_positions import TextPositions

if TYPE_CHECKING:
    from interject.agent.privacy.redactor import Redactor

BEFORE = 2 * FARTHEST
"""Characters that have left and are looked at once more: of what they were the beginning."""


@dataclass(slots=True)
class RedactedText:
    """`taken` is what went, by its places in the original."""

    redactor: Redactor
    length: int = 0
    raw_length: int = 0
    over: bool = False
    taken: list[PersonalData] = field(default_factory=list)
    _positions: TextPositions = field(default_factory=TextPositions)
    _before: str = field(default="", repr=False)
    _held: str = field(default="", repr=False)
    _undecided: int = 0
    """Characters at the end of `_before` that went with a number, and may begin another one."""

    @property
    def raw_left(self) -> int:
        """How much of the original has left, or is known to go."""
        return self.raw_length - len(self._held)

    def push(self, piece: str) -> str:
        """What of the text so far is certain and new."""
        self.raw_length += len(piece)
        self._held += piece
        text, least = self._before + self._held, len(self._before)
        until, since = self.redactor.open_at(text), least - self._undecided
        if until <= since:
            return ""
        findings = self.redactor.findings(text, since=since, until=until, least=least)
        return self._let_go(findings, until)

    def finish(self, *, whole: bool) -> str:
        """The rest. In a text that was broken off it may be most of a number, which goes."""
        self.over = True
        text, least = self._before + self._held, len(self._before)
        findings = self.redactor.findings(text, since=least - self._undecided, least=least)
        if not whole:
            findings = apart([*findings, *self.redactor.begun(text)], least=least)
        return self._let_go(findings, len(text))

    def raw_chars(self, chars: int) -> int:
        """How far the first `chars` characters of what left reach in the original."""
        if self.over and chars >= self.length:
            return self.raw_length
        return self._positions.original(chars)

    def beginning(self, text: str) -> str:
        """Of so much of the original as was kept: it may break off in the middle of a number."""
        for one in self.taken:
            if one.start < len(text) < one.end:
                return self.redactor.text(text[: one.start]) + f"[{one.kind}]"
        return self.redactor.text(text, whole=len(text) == self.raw_length)

    def _let_go(self, findings: list[PersonalData], until: int) -> str:
        """What is decided up to there, and the whole of what begins before."""
        text, least = self._before + self._held, len(self._before)
        first = self.raw_left - least
        parts, at = [""], least
        for one in findings:
            placeholder = self.redactor.placeholder(text, one)
            parts += [text[at : one.start], placeholder]
            where = self.length + sum(map(len, parts)) - len(placeholder)
            self._positions.replace(where, original=one.end - one.start, shown=len(placeholder))
            self.taken.append(PersonalData(first + one.start, first + one.end, one.kind))
            at = one.end
        end = max(at, until)
        self._undecided = end - until
        self._before, self._held = text[max(0, until - BEFORE) : end], text[end:]
        left = "".join([*parts, text[at:end]])
        self.length += len(left)
        return left
