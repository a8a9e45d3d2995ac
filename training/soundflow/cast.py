"""Who speaks in a stream."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.training.speech.speech_voice import SpeechVoice, SpokenText

AGENT = 2
"""Its own voice, as it comes back from a loudspeaker."""
NAMES = ("user", "other", "agent")

VoicePicker = Callable[[random.Random], "SpeechVoice"]
"""`random_local_voice` is one. The same generator picks the same voice."""


class Cast:
    """One voice a speaker, for the whole stream."""

    def __init__(self, pick: VoicePicker, rng: random.Random) -> None:
        self._voices = [pick(rng) for _ in NAMES]

    def say(self, speaker: int, text: str) -> SpokenText:
        """:raises SynthesisError: when it cannot be said."""
        return self._voices[speaker].say(text)
