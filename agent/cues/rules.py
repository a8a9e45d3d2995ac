"""Which cards of a call are shown, as its profile's categories have it."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from interject.config.lists import plain
from interject.model_runtime.protocol import Emotion

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.outputs import Cue
    from interject.config import CueCategory, CueSettings

MOST_REMEMBERED = 1_024


class CueOutcome(StrEnum):
    """What becomes of a cue: a card, the same card once more, or by which rule it is not shown."""

    SHOWN = "shown"
    SHOWN_AGAIN = "shown_again"
    VETO = "veto"
    NO_SOURCE = "no_source"
    SPEAKER = "speaker"
    ONCE_A_CALL = "once_a_call"
    MOST_A_CALL = "most_a_call"
    COOLDOWN = "cooldown"

    @property
    def is_shown(self) -> bool:
        return self in (CueOutcome.SHOWN, CueOutcome.SHOWN_AGAIN)


class Side(StrEnum):
    """Who spoke, as a rule's `speaker` has it."""

    CUSTOMER = "customer"
    AGENT = "agent"


class CueRules:
    """Counts what one call has been shown. `clock` is in seconds."""

    def __init__(self, settings: CueSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._shown: Counter[str] = Counter()
        self._shown_at: dict[tuple[str, str], float] = {}

    def judge(self, cue: Cue, side: Side | None, *, is_again: bool) -> CueOutcome:
        """`side` is None where nobody known spoke; `is_again`: its card is still being shown."""
        rules = self._settings.rules(cue.category)
        outcome = self._withheld(cue, rules, side, is_again=is_again)
        if outcome is None:
            outcome = CueOutcome.SHOWN_AGAIN if is_again else CueOutcome.SHOWN
            self._note(cue, rules, is_again=is_again)
        return outcome

    def needs_source(self, category: str) -> bool:
        return self._settings.rules(category).needs_source

    def _withheld(
        self, cue: Cue, rules: CueCategory, side: Side | None, *, is_again: bool
    ) -> CueOutcome | None:
        if any(f" {plain(phrase)} " in f" {plain(cue.text)} " for phrase in rules.veto):
            return CueOutcome.VETO
        if rules.needs_source and not cue.sources:
            return CueOutcome.NO_SOURCE
        if cue.emotion is Emotion.URGENT:
            return None
        if side is not None and rules.speaker not in ("both", side):
            return CueOutcome.SPEAKER
        if rules.once_a_call and self._shown[cue.category]:
            return CueOutcome.ONCE_A_CALL
        most = rules.most_a_call
        if most is not None and not is_again and self._shown[cue.category] >= most:
            return CueOutcome.MOST_A_CALL
        last_at = self._shown_at.get(_key(cue, rules))
        if last_at is not None and self._clock() - last_at < rules.cooldown_s:
            return CueOutcome.COOLDOWN
        return None

    def _note(self, cue: Cue, rules: CueCategory, *, is_again: bool) -> None:
        self._shown[cue.category] += not is_again
        if not rules.cooldown_s:
            return
        key = _key(cue, rules)
        self._shown_at.pop(key, None)
        self._shown_at[key] = self._clock()
        if len(self._shown_at) > MOST_REMEMBERED:
            del self._shown_at[next(iter(self._shown_at))]


def _key(cue: Cue, rules: CueCategory) -> tuple[str, str]:
    return cue.category, plain(cue.text) if rules.cooldown_of == "words" else ""
