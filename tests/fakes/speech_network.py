"""A network that needs no file: every phoneme is 50 ms of tone. It computes while it is held."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.base import VoiceFailure
from interject.agent.voice.neural.network_file import Stopped
from interject.agent.voice.neural.rendering import RawSpeech

if TYPE_CHECKING:
    from interject.agent.voice.neural.network_file import StopSwitch
    from interject.agent.voice.neural.rendering import Manner

RATE_HZ = 16_000
PHONEME_SAMPLES = 800
PATIENCE_S = 10.0


class FakeSpeechNetwork:
    """`held`: it goes on when `go_on` is set or it is told to stop; `fails`: it cannot."""

    sample_rate_hz = RATE_HZ

    def __init__(self, *, held: bool = False, fails: bool = False) -> None:
        self.said: list[tuple[str, Manner]] = []
        self.begun = threading.Semaphore(0)
        self.stopped = threading.Event()
        self.go_on = threading.Event()
        self._fails = fails
        if not held:
            self.go_on.set()

    def language_of(self, speaker: str) -> str:
        if speaker == "nobody":
            raise VoiceFailure("this voice has no speaker 'nobody'")
        return "en-us"

    def synthesise(self, ipa: str, manner: Manner, stop: StopSwitch) -> RawSpeech:
        self.said.append((ipa, manner))
        stop.ends(self.go_on.set)
        self.begun.release()
        assert self.go_on.wait(PATIENCE_S)
        if stop.is_set:
            self.stopped.set()
            raise Stopped
        if self._fails:
            raise VoiceFailure("the fake network breaks")
        edges = np.arange(len(ipa) + 1) * PHONEME_SAMPLES
        tone = np.sin(np.arange(edges[-1]) * 0.2) / 2
        return RawSpeech(tone.astype(np.float32), edges[:-1], edges[1:])
