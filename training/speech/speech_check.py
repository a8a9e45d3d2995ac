"""Speech that a recogniser does not understand is said again, then dropped."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import jiwer

from interject.training.endpoints.failures import UnusableAnswer
from interject.training.speech.speech_voice import ASR_CHECK, SpokenText
from interject.training.speech.spoken_numbers import with_words_for_numbers
from interject.training.speech.utterance import SynthesisError
from interject.training.streams.stream_source import DiscardedStream

if TYPE_CHECKING:
    from interject.training.speech.recogniser import Recogniser
    from interject.training.speech.speech_voice import SpeechVoice
    from interject.training.speech.text_rewriting import TextRewriter

_APOSTROPHES = re.compile(r"['\N{RIGHT SINGLE QUOTATION MARK}]")


NOT_UNDERSTOOD = "speech that the recogniser did not understand"
NOT_SAID = "a text that cannot be said"


class DialogueDropped(SynthesisError, DiscardedStream):
    """A text of a dialogue could not be said so that it is understood; the rest goes with it.

    The message is one of two; `why` has the voice and the figures.
    """

    def __init__(self, reason: str, why: str) -> None:
        super().__init__(reason)
        self.why = why

    def __reduce__(self) -> tuple[type[DialogueDropped], tuple[str, str]]:
        return type(self), (str(self), self.why)


@dataclass(frozen=True, slots=True)
class SpeechCheckSettings:
    """Both are the paper's."""

    most_word_errors: float = 0.10
    """Word error rate: errors in the transcript for each word of the text."""
    retries: int = 2


PUBLISHED_CHECK = SpeechCheckSettings()


class CheckedVoice:
    """A voice that says what can be said, and only what is understood.

    Without a recogniser nothing is checked, and what it says has `asr` in `skipped`.
    """

    def __init__(
        self,
        voice: SpeechVoice,
        rewriter: TextRewriter,
        recogniser: Recogniser | None = None,
        settings: SpeechCheckSettings = PUBLISHED_CHECK,
    ) -> None:
        self._voice, self._rewriter, self._recogniser = voice, rewriter, recogniser
        self._settings = settings

    @property
    def name(self) -> str:
        return self._voice.name

    @property
    def licence(self) -> str:
        return self._voice.licence

    def say(self, text: str, attempt: int = 0) -> SpokenText:
        """:raises DialogueDropped: when no attempt is understood, or there is nothing to say."""
        sayable = self._rewriter.rewrite(text)
        if not sayable:
            raise DialogueDropped(NOT_SAID, "a text holds no word")
        last: Exception | None = None
        rates = []
        for number in range(attempt, attempt + self._settings.retries + 1):
            try:
                said = self._voice.say(sayable, number)
                if self._recogniser is None:
                    return said
                rates.append(word_error_rate(sayable, self._recogniser.transcribe(said.pcm)))
            except UnusableAnswer as error:
                last = error
                continue
            if rates[-1] <= self._settings.most_word_errors:
                return replace(said, skipped=tuple(s for s in said.skipped if s != ASR_CHECK))
        reason = NOT_UNDERSTOOD if rates else NOT_SAID
        raise DialogueDropped(reason, self._why(rates, last)) from last

    def _why(self, rates: list[float], last: Exception | None) -> str:
        attempts = self._settings.retries + 1
        if not rates:
            return f"{self.name} could not say a text in {attempts} attempts: {last}"
        return (
            f"{self.name} was not understood in {attempts} attempts: word error rate "
            f"{min(rates):.2f} at best, {self._settings.most_word_errors:.2f} is allowed"
        )


def word_error_rate(text: str, transcript: str) -> float:
    """Case, marks and whether a number is in digits do not count."""
    expected, heard = normalised(text), normalised(transcript)
    if not expected:
        return 0.0 if not heard else 1.0
    return float(jiwer.wer(expected, heard))


def normalised(text: str) -> str:
    plain = unicodedata.normalize("NFKC", with_words_for_numbers(text)).casefold()
    plain = _APOSTROPHES.sub("", plain)
    kept = "".join(letter if letter.isalnum() or letter.isspace() else " " for letter in plain)
    return " ".join(kept.split())
