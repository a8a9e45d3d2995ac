"""A recogniser that hears what a test says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interject.training.sounds.waves import Wave


class ScriptedRecogniser:
    """Transcripts in turn, the last one for ever."""

    name = "scripted"

    def __init__(self, *transcripts: str) -> None:
        self._transcripts = list(transcripts)
        self.lengths: list[int] = []

    def transcribe(self, speech: Wave) -> str:
        self.lengths.append(len(speech))
        if len(self._transcripts) > 1:
            return self._transcripts.pop(0)
        return self._transcripts[0]
