"""The sound that load is made of: a recording where there is one, else seeded noise and tones."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    Frame,
)

KITCHEN = Path(__file__).parent.parent / "examples" / "kitchen.wav"
_NOISE_S = 30


def _recording(path: Path) -> bytes:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE_HZ)
        blocks = [
            block.to_ndarray().tobytes()
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
    return b"".join(blocks)


def _noise(seed: int) -> bytes:
    draw = np.random.default_rng(seed)
    count = _NOISE_S * SAMPLE_RATE_HZ
    hum = 0.02 * np.sin(2 * np.pi * 120 * np.arange(count) / SAMPLE_RATE_HZ)
    sound = hum + 0.02 * draw.standard_normal(count)
    return np.round(32767 * sound).astype("<i2").tobytes()


class Room:
    """Endless sound: `frame(seq)` of a room that begins at a place of its own."""

    def __init__(self, seed: int, recording: Path = KITCHEN) -> None:
        pcm = _recording(recording) if recording.exists() else _noise(seed)
        samples = len(pcm) // SAMPLE_BYTES
        start = int(np.random.default_rng(seed).integers(samples))
        self._pcm = pcm[start * SAMPLE_BYTES :] + pcm[: start * SAMPLE_BYTES]

    def _bytes(self, first_sample: int, samples: int) -> bytes:
        first = first_sample * SAMPLE_BYTES % len(self._pcm)
        wanted = samples * SAMPLE_BYTES
        return (self._pcm[first:] + self._pcm[: max(0, first + wanted - len(self._pcm))])[:wanted]

    def frame(self, seq: int, captured_at: float) -> Frame:
        """The 400 ms that begin at `seq` times 400 ms."""
        first = seq * FRAME_SAMPLES
        return Frame(
            seq=seq,
            captured_at=captured_at,
            pcm=self._bytes(first, FRAME_SAMPLES),
            lookahead=self._bytes(first + FRAME_SAMPLES, LOOKAHEAD_SAMPLES),
        )
