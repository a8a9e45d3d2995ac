"""Sounds that are played into the recording of a file, on the file's own time."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.soundboard.play_cue import PlayCue
from interject.agent.soundboard.soundboard import Soundboard
from interject.cli.output.levels import level_dbfs
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.agent.outputs import OutputEvent
    from interject.config import Profile

BLOCK_SAMPLES = 320


class FileSounds:
    """`PlayedSounds`, and told of cues. In blocks of 20 ms, each softer where somebody speaks in
    it.
    """

    def __init__(self, profile: Profile) -> None:
        """:raises SoundboardFault: when its sounds cannot be used."""
        self._board = Soundboard(profile.soundboard)
        self._desk = self._board.open(SAMPLE_RATE_HZ)
        self._cues: deque[PlayCue] = deque()
        self._room = np.zeros(0, np.int16)
        self._said: deque[tuple[int, int]] = deque()
        self._at = 0

    def tell(self, event: OutputEvent) -> None:
        if isinstance(event, PlayCue) and event.aloud:
            self._cues.append(event)

    def hear(self, samples: NDArray[np.int16]) -> None:
        self._room = np.concatenate((self._room, samples))

    def speak(self, at_sample: int, samples: NDArray[np.int16]) -> None:
        loud = np.flatnonzero(samples)
        if len(loud):
            self._said.append((at_sample + int(loud[0]), at_sample + int(loud[-1]) + 1))

    def played(self, until_sample: int) -> NDArray[np.int16]:
        last = until_sample - BLOCK_SAMPLES
        blocks = [self._block() for _ in range(self._at, last + 1, BLOCK_SAMPLES)]
        return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)

    def _block(self) -> NDArray[np.int16]:
        while self._cues and round(self._cues[0].at_s * SAMPLE_RATE_HZ) <= self._at:
            self._board.tell(self._cues.popleft())
        heard, self._room = self._room[:BLOCK_SAMPLES], self._room[BLOCK_SAMPLES:]
        self._board.heard(level_dbfs(heard))
        if self._is_said(self._at + BLOCK_SAMPLES):
            self._desk.heard_speech()
        self._at += BLOCK_SAMPLES
        return self._desk.take(BLOCK_SAMPLES)

    def _is_said(self, until: int) -> bool:
        """In the block before `until`; what ended earlier is forgotten."""
        while self._said and self._said[0][1] <= until - BLOCK_SAMPLES:
            self._said.popleft()
        return bool(self._said) and self._said[0][0] < until
