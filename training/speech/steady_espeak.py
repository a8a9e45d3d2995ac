"""espeak-ng that says the same text in the same way, whoever asks and whatever came before."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.agent.voice.clauses import Clause
from interject.agent.voice.words import time_words
from interject.training.speech.espeak_nursery import read_message, write_message
from interject.training.speech.utterance import SynthesisError, Utterance, trimmed

if TYPE_CHECKING:
    from interject.agent.voice.espeak_library import EspeakTone, WordEvent

_PAUSE = "_"
"""How the mnemonics of all pauses begin."""


class SteadyEspeak:
    """The other end of a nursery, which ends with this process. Threads may share one.

    :raises SynthesisError: when the library or its data is missing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "interject.training.speech.espeak_nursery"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._requests, self._replies = self._nursery.stdin, self._nursery.stdout
        if failure := self._exchange(None):
            self.close()
            raise SynthesisError(failure)

    def speak(self, text: str, voice: str, tone: EspeakTone) -> Utterance:
        """In any language. Words are what stands between spaces, and end where a pause begins.

        :raises SynthesisError: when the voice does not exist.
        """
        with self._lock:
            reply = self._exchange((text, voice, tone))
        if isinstance(reply, str):
            raise SynthesisError(reply)
        rate_hz, pcm, words, phones = reply
        samples = np.frombuffer(pcm, np.int16)
        pauses = [ms for ms, name in phones if name.startswith(_PAUSE)]
        timed = _whole_words(text, words, pauses, length_ms=len(samples) * 1_000 // rate_hz)
        return trimmed(text, voice, samples, rate_hz, [], timed)

    def _exchange(self, message: object) -> Any:
        """Whoever is interrupted leaves a reply in the pipe that would be taken for the next."""
        try:
            if message is not None:
                write_message(self._requests, message)
            return read_message(self._replies)
        except (EOFError, OSError, ValueError) as error:
            self.close()
            raise SynthesisError("the process that speaks with espeak-ng has ended") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """It ends when nobody can write to it any more."""
        with contextlib.suppress(OSError):
            self._requests.close()
        self._replies.close()
        self._nursery.wait()

    @property
    def nursery_pid(self) -> int:
        return self._nursery.pid

    @property
    def is_closed(self) -> bool:
        return self._replies.closed


def _whole_words(
    text: str, events: list[WordEvent], pauses_ms: list[int], *, length_ms: int
) -> list[tuple[str, float]]:
    """The last of espeak's words may be empty and lie before others."""
    timed = time_words(
        Clause(text, 0), start_sample=0, length_samples=length_ms,
        anchors=[(word.first_char, word.at_ms) for word in events if word.length_chars],
    )  # fmt: skip
    found = []
    for word in timed:
        inside = [ms for ms in pauses_ms if word.start_sample < ms < word.end_sample]
        end_ms = inside[-1] if inside else word.end_sample
        if any(letter.isalnum() for letter in word.text):
            found.append((word.text, end_ms / 1_000))
    return found


_shared: dict[int, SteadyEspeak] = {}
_sharing = threading.Lock()


def shared_espeak() -> SteadyEspeak:
    """One a process: a pipe that came with a fork is the parent's.

    :raises SynthesisError: when the library or its data is missing.
    """
    with _sharing:
        known = _shared.get(os.getpid())
        if known is None or known.is_closed:
            known = _shared[os.getpid()] = SteadyEspeak()
            atexit.register(known.close)
        return known
