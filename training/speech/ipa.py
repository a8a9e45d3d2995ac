"""Texts as phonemes, by espeak-ng: what neural voices read."""

from __future__ import annotations

import re
import subprocess

from interject.agent.voice.neural.phonemes import normalised
from interject.training.speech.utterance import SynthesisError

MARKS = ".,!?;:"
_MARKS = re.compile(rf"([{MARKS}]+)")
_TIMEOUT_S = 20


def phonemes(text: str, language: str) -> str:
    """IPA; marks stay where they are.

    :raises SynthesisError: when espeak-ng is missing or refuses.
    """
    found = ""
    for piece in filter(str.strip, _MARKS.split(text)):
        if _MARKS.fullmatch(piece):
            found += piece
            continue
        command = ["espeak-ng", "-q", "--ipa", "-v", language, "--", piece.strip()]
        try:
            done = subprocess.run(
                command, capture_output=True, check=True, text=True, timeout=_TIMEOUT_S
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SynthesisError("espeak-ng gave no phonemes: install espeak-ng") from error
        found += (" " if found else "") + normalised(done.stdout)
    return found
