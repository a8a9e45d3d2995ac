"""The agent's own voice, taken out of what comes back through open loudspeakers."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Protocol

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.integrations.audio.own_voice import OwnVoice

STEP_SAMPLES = 160
"""An adaptive filter such as WebRTC's takes 10 ms at a time."""
TAIL_S = 2.0
"""An echo is over by then."""
LONGEST_WAY_S = 1.5
"""From the agent to a loudspeaker, into the microphone beside it, and back."""
LOOK_EVERY_S = 0.25
LOOK_BACK_S = 1.0
SURE = 0.5
"""The least correlation that is no accident."""
LEAD_S = 0.04
"""The reference comes this much before the echo; WebRTC finds the rest of the way itself."""
DRIFT_S = 0.06


class EchoProcessor(Protocol):
    """An adaptive filter: it learns how `said` comes back in `heard`, and takes it out."""

    def process(self, said: NDArray[np.int16], heard: NDArray[np.int16]) -> NDArray[np.int16]:
        """10 ms of each at 16 kHz; the echo comes within half a second."""


class EchoCanceller:
    """One filter over all who are heard together, at work only while the agent is heard.

    WebRTC's looks for an echo within half a second, and a conference can take longer, so the way's
    length is found by correlation first. It is meant for rooms with open loudspeakers whose clients
    cancel no echo themselves. Where none comes back it still lowers what others say at that moment.
    """

    def __init__(self, voice: OwnVoice, make_processor: Callable[[], EchoProcessor]) -> None:
        self._voice = voice
        self._make_processor = make_processor
        self._processor = make_processor()
        self._recent: deque[NDArray[np.int16]] = deque()
        self._recent_samples = 0
        self._unchecked_samples = 0
        self.way_s = 0.0
        """How long the echo takes, as far as is known, less `LEAD_S`."""

    def expects(self, at_s: float) -> bool:
        """Whether something that was said can still come back."""
        return at_s <= self._voice.heard_until_s + TAIL_S

    def clean(self, block: NDArray[np.int16], captured_at: float) -> NDArray[np.int16]:
        """A whole number of 10 ms at 16 kHz, in the order of their capture."""
        if not self.expects(captured_at):
            self._recent.clear()
            self._recent_samples = self._unchecked_samples = 0
            return block
        self._remember(block)
        if self._unchecked_samples >= LOOK_EVERY_S * SAMPLE_RATE_HZ:
            self._unchecked_samples = 0
            self._look(captured_at + len(block) / SAMPLE_RATE_HZ)
        return self._process(block, captured_at)

    def _remember(self, block: NDArray[np.int16]) -> None:
        self._recent.append(block)
        self._recent_samples += len(block)
        self._unchecked_samples += len(block)
        while self._recent_samples - len(self._recent[0]) >= LOOK_BACK_S * SAMPLE_RATE_HZ:
            self._recent_samples -= len(self._recent.popleft())

    def _look(self, ends_at: float) -> None:
        """Find the echo's way; where it is another one, learn it from what was heard just now."""
        heard = np.concatenate(self._recent)
        began_at = ends_at - len(heard) / SAMPLE_RATE_HZ
        longest = round(LONGEST_WAY_S * SAMPLE_RATE_HZ)
        said = self._voice.at(began_at - LONGEST_WAY_S, longest + len(heard))
        found = delay_samples(said, heard)
        if found is None:
            return
        way_s = max(0.0, found / SAMPLE_RATE_HZ - LEAD_S)
        if abs(way_s - self.way_s) > DRIFT_S:
            self.way_s = way_s
            self._processor = self._make_processor()
            earlier = heard[: len(heard) - len(self._recent[-1])]
            self._process(earlier, began_at)

    def _process(self, heard: NDArray[np.int16], at_s: float) -> NDArray[np.int16]:
        said = self._voice.at(at_s - self.way_s, len(heard))
        out = np.empty(len(heard), np.int16)
        for at in range(0, len(heard), STEP_SAMPLES):
            step = slice(at, at + STEP_SAMPLES)
            out[step] = self._processor.process(said[step], heard[step])
        return out


def delay_samples(said: NDArray[np.int16], heard: NDArray[np.int16]) -> int | None:
    """By how much `heard` is late, where both end at the same moment and `said` begins earlier.

    None: it is nothing that was said.
    """
    size = 1 << (len(said) + len(heard)).bit_length()
    voice, ear = said.astype(np.float64), heard.astype(np.float64)
    products = np.fft.irfft(np.fft.rfft(voice, size) * np.conj(np.fft.rfft(ear, size)), size)
    longest = len(said) - len(heard)
    energy = np.concatenate(([0.0], np.cumsum(voice**2)))
    energies = energy[len(heard) :][: longest + 1] - energy[: longest + 1]
    least = len(heard)  # The energy of one quantum a sample: rounding is no sound.
    if not (ear @ ear > least and energies.max() > least):
        return None
    likeness = np.abs(products[: longest + 1]) / np.sqrt((energies + least) * (ear @ ear))
    best = int(likeness.argmax())
    return longest - best if likeness[best] >= SURE else None
