"""Where the two sides of the sound go: the stereo file and the plot, whichever was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import soxr

from interject.cli.output.stereo_wav import StereoWriter
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from interject.cli.output.plot_data import PlotData

SETTLE_LAG_SAMPLES = 8 * SAMPLE_RATE_HZ
"""Speech is put into the file this long after its moment at the latest."""


class PlayedSounds(Protocol):
    """Sounds that are played beside what is heard and said; all three at 16 kHz."""

    def hear(self, samples: NDArray[np.int16]) -> None: ...

    def speak(self, at_sample: int, samples: NDArray[np.int16]) -> None: ...

    def played(self, until_sample: int) -> NDArray[np.int16]:
        """What follows, to a moment before which everything has been heard and said."""


class SessionRecording:
    """Moments count from the first sample heard. `sounds` get a track of their own in the file."""

    def __init__(
        self, out: Path | None, plot_data: PlotData | None, sounds: PlayedSounds | None = None
    ) -> None:
        self._out = out
        self._sounds = sounds if out is not None else None
        self._played = 0
        self._stereo: StereoWriter | None = None
        self._plot_data = plot_data
        self._piece: _SpokenPiece | None = None
        self.heard_samples = 0

    @property
    def wants_speech(self) -> bool:
        return self._out is not None or self._plot_data is not None

    @property
    def heard_s(self) -> float:
        return self.heard_samples / SAMPLE_RATE_HZ

    @property
    def failure(self) -> OSError | None:
        """Why the file is not whole."""
        return None if self._stereo is None else self._stereo.failure

    def open(self) -> None:
        """Replace the file only now that there will be something to put into it.

        :raises OSError: when it cannot be written.
        """
        if self._out is not None:
            self._stereo = StereoWriter(self._out, sounds=self._sounds is not None)

    def hear(self, samples: NDArray[np.int16]) -> None:
        self.heard_samples += len(samples)
        if self._sounds is not None:
            self._sounds.hear(samples)
        if self._stereo is not None:
            self._stereo.hear(samples)
        if self._plot_data is not None:
            self._plot_data.room.hear(samples)

    def on_sound(self, start_s: float, pcm: bytes, sample_rate_hz: int) -> None:
        """Take speech that was played at `start_s`; pieces come in order."""
        if self._piece is None or not self._piece.goes_on(start_s, sample_rate_hz):
            self._end_piece()
            self._piece = _SpokenPiece(start_s, sample_rate_hz)
        self._speak(*self._piece.convert(pcm))

    def settle(self, seq: int) -> None:
        """Frame `seq` is decided: all is said that belongs before it."""
        self._play(seq * FRAME_SAMPLES)
        if self._stereo is not None:
            self._stereo.settle((seq + 1) * FRAME_SAMPLES - SETTLE_LAG_SAMPLES)

    def close(self) -> None:
        self._end_piece()
        said = 0 if self._stereo is None else self._stereo.spoken_until
        self._play(max(self.heard_samples, said))
        if self._stereo is not None:
            self._stereo.close()

    def _end_piece(self) -> None:
        if self._piece is not None:
            self._speak(*self._piece.convert(b"", last=True))
            self._piece = None

    def _play(self, until_sample: int) -> None:
        if self._sounds is not None and self._stereo is not None:
            samples = self._sounds.played(until_sample)
            self._stereo.play(self._played, samples)
            self._played += len(samples)

    def _speak(self, at_sample: int, samples: NDArray[np.int16]) -> None:
        if self._sounds is not None:
            self._sounds.speak(at_sample, samples)
        if self._stereo is not None:
            self._stereo.speak(at_sample, samples)
        if self._plot_data is not None:
            self._plot_data.speech.hear_silence(at_sample)
            self._plot_data.speech.hear(samples)


class _SpokenPiece:
    """Speech without a hole in it, on its way from the voice's rate to 16 kHz."""

    def __init__(self, start_s: float, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._end_s = start_s
        self._at_sample = round(start_s * SAMPLE_RATE_HZ)
        self._stream: Any = None
        if rate_hz != SAMPLE_RATE_HZ:
            self._stream = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="int16")

    def goes_on(self, start_s: float, rate_hz: int) -> bool:
        return rate_hz == self._rate_hz and abs(start_s - self._end_s) < 1.0 / SAMPLE_RATE_HZ

    def convert(self, pcm: bytes, *, last: bool = False) -> tuple[int, NDArray[np.int16]]:
        samples = np.frombuffer(pcm, dtype="<i2").astype(np.int16)
        self._end_s += len(samples) / self._rate_hz
        if self._stream is not None:
            samples = np.asarray(self._stream.resample_chunk(samples, last=last), dtype=np.int16)
        at_sample = self._at_sample
        self._at_sample += len(samples)
        return at_sample, samples
