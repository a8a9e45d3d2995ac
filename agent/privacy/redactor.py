"""What a profile's privacy rules take out of a text, and what stands in its place."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from interject.agent.privacy.card_numbers import CardNumbers
from interject.agent.privacy.email_addresses import EmailAddresses
from interject.agent.privacy.folding import certain, fold
from interject.agent.privacy.iban_numbers import IbanNumbers
from interject.agent.privacy.personal_data import PersonalData, apart
from interject.agent.privacy.phone_numbers import PhoneNumbers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from interject.agent.privacy.personal_data import DataFinder
    from interject.config.privacy import PrivacySettings

FARTHEST = 320
"""Characters: as long as an address may be, and longer than any number."""
_LAST_SHOWN = re.compile(r"\[(card|iban|phone) …[A-Za-z0-9]{1,4}\]")


class Redactor:
    """Knows no text but the one that it is asked about."""

    def __init__(self, settings: PrivacySettings) -> None:
        known: dict[str, DataFinder] = {
            "card": CardNumbers(),
            "iban": IbanNumbers(),
            "phone": PhoneNumbers(settings.countries),
            "email": EmailAddresses(),
        }
        self._finders = tuple(known[kind] for kind in settings.redact)
        self._kept = frozenset(_bare(entry) for entry in settings.keep)
        self._show_last = settings.show_last

    def __bool__(self) -> bool:
        return bool(self._finders)

    def text(self, text: str, *, whole: bool = True) -> str:
        """Of one that is not whole more may follow, which nobody will see with it."""
        found = self.findings(text)
        return self._without(text, found if whole else apart([*found, *self.begun(text)]))

    def findings(
        self, text: str, *, since: int = 0, until: int = sys.maxsize, least: int = 0
    ) -> list[PersonalData]:
        """What begins at `since` or behind it and before `until`, as far as it reaches beyond
        `least`.
        """
        folded = fold(text)
        begin = max(0, since - FARTHEST) if self._kept else since
        found = [one for finder in self._finders for one in finder.find(folded, begin, until)]
        kept = [one for one in found if _bare(text[one.start : one.end]) in self._kept]
        return apart(
            (
                one
                for one in found
                if one.start >= since and not any(_lies_in(one, own) for own in kept)
            ),
            least=least,
        )

    def open_at(self, text: str) -> int:
        """From where on it may turn out by what follows that something is to go."""
        text = text[: certain(text)]
        folded = fold(text)
        return min((finder.open_at(folded) for finder in self._finders), default=len(text))

    def begun(self, text: str) -> list[PersonalData]:
        """What of a text that was broken off goes, though it is not whole."""
        folded = fold(text)
        return [one for finder in self._finders if (one := finder.begun(folded)) is not None]

    def placeholder(self, text: str, found: PersonalData) -> str:
        if not self._show_last or found.kind == "email":
            return f"[{found.kind}]"
        number = "".join(filter(_is_part, fold(text[found.start : found.end])))
        return f"[{found.kind} …{number[-self._show_last :]}]"

    @staticmethod
    def without_last(text: str) -> str:
        """A text that has passed a gate which shows the last digits, without these."""
        return _LAST_SHOWN.sub(r"[\1]", text)

    def _without(self, text: str, findings: Iterable[PersonalData]) -> str:
        parts, at = [], 0
        for one in findings:
            parts += [text[at : one.start], self.placeholder(text, one)]
            at = one.end
        return "".join([*parts, text[at:]])


def _lies_in(one: PersonalData, own: PersonalData) -> bool:
    return own.start <= one.start and one.end <= own.end


def _is_part(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _bare(text: str) -> str:
    """Numbers are the same however they are grouped."""
    folded = fold(text).casefold()
    return folded if "@" in folded else "".join(filter(_is_part, folded))
