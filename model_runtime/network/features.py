"""Whisper's log-mel spectrogram, chunk by chunk, equal to that of the whole clip.

Two things couple a chunk to its surroundings. The first columns read 200 samples before it and
the last one 40 after it. And the dynamic range is clamped below the loudest value: here the
loudest so far, so that no chunk depends on a later one.
Source of the formula: Whisper (Radford et al. 2022); mel scale and norm: Slaney's Auditory Toolbox.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from interject.model_runtime.network.architecture import CHUNK_MEL_FRAMES, FeatureConfig
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES

LEFT_CONTEXT_SAMPLES = 200
WINDOW_SAMPLES = LEFT_CONTEXT_SAMPLES + FRAME_SAMPLES + LOOKAHEAD_SAMPLES
POWER_FLOOR = 1e-10


def _hz_to_mel(hz: float) -> float:
    if hz < 1000.0:
        return hz * 3.0 / 200.0
    return 15.0 + math.log(hz / 1000.0) * 27.0 / math.log(6.4)


def _mel_to_hz(mel: Tensor) -> Tensor:
    linear = mel * 200.0 / 3.0
    return torch.where(mel < 15.0, linear, 1000.0 * torch.exp((mel - 15.0) * math.log(6.4) / 27.0))


@cache
def mel_filters(config: FeatureConfig) -> Tensor:
    """Triangular filters of equal area, float32 [n_fft / 2 + 1, mel_bins]."""
    nyquist = config.sample_rate_hz / 2
    bins = torch.linspace(0.0, nyquist, config.n_fft // 2 + 1, dtype=torch.float64)
    mels = torch.linspace(0.0, _hz_to_mel(nyquist), config.mel_bins + 2, dtype=torch.float64)
    edges = _mel_to_hz(mels)
    rising = (bins[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    area = 2.0 / (edges[2:] - edges[:-2])
    return (torch.minimum(rising, falling).clamp(min=0.0) * area).float()


@cache
def _window(config: FeatureConfig) -> Tensor:
    return torch.hann_window(config.n_fft)


def log_mel(windows: Tensor, config: FeatureConfig) -> Tensor:
    """Unclamped log10 mel power of chunks with their surroundings.

    `windows`: float32 [..., 200 + 160 n + 40] in -1..1; returns [..., mel_bins, n].
    """
    frames = windows.unfold(-1, config.n_fft, config.hop)
    spectrum = torch.fft.rfft(frames * _window(config).to(windows.device))
    power = spectrum.real.square() + spectrum.imag.square()
    mel: Tensor = power @ mel_filters(config).to(windows.device)
    return mel.clamp(min=POWER_FLOOR).log10().transpose(-1, -2)


def clamp_and_scale(log_spectrum: Tensor, loudest: Tensor, config: FeatureConfig) -> Tensor:
    """Cut what lies `dynamic_range` below `loudest` (broadcast over the last two axes)."""
    return (torch.maximum(log_spectrum, loudest - config.dynamic_range) + 4.0) / 4.0


class StreamFeatures:
    """The state that features need between one chunk and the next: 200 samples and a maximum."""

    def __init__(self, config: FeatureConfig, *, loudest: float = -math.inf) -> None:
        self._config = config
        self._left_context: Tensor | None = None
        self.loudest = loudest

    def window(self, chunk: Tensor, lookahead: Tensor) -> Tensor:
        """Put a chunk [6400] between its surroundings: [6640].

        At the start and, when `lookahead` is empty, at the end, sound is mirrored, as
        a whole-clip computation does.
        """
        left = self._left_context
        if left is None:
            left = chunk[1 : LEFT_CONTEXT_SAMPLES + 1].flip(0)
        if lookahead.numel() == 0:
            lookahead = chunk[-LOOKAHEAD_SAMPLES - 1 : -1].flip(0)
        self._left_context = chunk[-LEFT_CONTEXT_SAMPLES:]
        return torch.cat((left, chunk, lookahead))

    def forget_context(self) -> None:
        """After a gap the sound before the next chunk is unknown: take silence."""
        self._left_context = torch.zeros(LEFT_CONTEXT_SAMPLES)

    def raise_loudest(self, peak: float) -> float:
        """The loudest value up to and including a chunk whose own is `peak`."""
        self.loudest = max(self.loudest, peak)
        return self.loudest


class StreamingLogMel:
    """Features of a stream that arrives in pieces of any length.

    `push` returns the chunks that became whole, [n, mel_bins, 40]; a chunk is whole 2.5 ms after
    its end. `flush` returns the last ones, the sound padded with silence to a whole chunk.
    """

    def __init__(self, config: FeatureConfig | None = None) -> None:
        self._config = config or FeatureConfig()
        self._stream = StreamFeatures(self._config)
        self._pending = torch.zeros(0)

    def push(self, samples: Tensor) -> Tensor:
        """Hear float32 samples [n] in -1..1."""
        self._pending = torch.cat((self._pending, samples))
        windows = []
        while len(self._pending) >= FRAME_SAMPLES + LOOKAHEAD_SAMPLES:
            windows.append(self._take(LOOKAHEAD_SAMPLES))
        return self._features(windows)

    def flush(self) -> Tensor:
        """End the stream."""
        windows = []
        while len(self._pending):
            missing = max(0, FRAME_SAMPLES - len(self._pending))
            self._pending = torch.nn.functional.pad(self._pending, (0, missing))
            windows.append(self._take(len(self._pending) - FRAME_SAMPLES))
        return self._features(windows)

    def _take(self, lookahead: int) -> Tensor:
        chunk = self._pending[:FRAME_SAMPLES]
        ahead = self._pending[FRAME_SAMPLES : FRAME_SAMPLES + lookahead]
        self._pending = self._pending[FRAME_SAMPLES:]
        if 0 < lookahead < LOOKAHEAD_SAMPLES:
            ahead = torch.nn.functional.pad(ahead, (0, LOOKAHEAD_SAMPLES - lookahead))
        return self._stream.window(chunk, ahead)

    def _features(self, windows: list[Tensor]) -> Tensor:
        if not windows:
            return torch.zeros(0, self._config.mel_bins, CHUNK_MEL_FRAMES)
        spectra = log_mel(torch.stack(windows), self._config)
        peaks = spectra.amax(dim=(-2, -1)).tolist()
        loudest = torch.tensor([self._stream.raise_loudest(peak) for peak in peaks])
        return clamp_and_scale(spectra, loudest[:, None, None], self._config)


def whole_clip(samples: Tensor, config: FeatureConfig | None = None) -> Tensor:
    """Features of a finished clip, clamped below its own maximum: [chunks, mel_bins, 40].

    The clip, float32 [n], is padded with silence to whole chunks.
    """
    config = config or FeatureConfig()
    log_spectra = whole_clip_log_mel(samples, config)
    return clamp_and_scale(log_spectra, log_spectra.max(), config)


def whole_clip_log_mel(samples: Tensor, config: FeatureConfig) -> Tensor:
    """The unclamped spectra of a clip, cut into chunks [chunks, mel_bins, 40]."""
    padded = torch.nn.functional.pad(samples, (0, -len(samples) % FRAME_SAMPLES))
    mirrored = torch.nn.functional.pad(
        padded[None, None], (LEFT_CONTEXT_SAMPLES, LOOKAHEAD_SAMPLES), mode="reflect"
    )[0, 0]
    spectrum = log_mel(mirrored, config)
    chunks: Tensor = spectrum.unflatten(-1, (-1, CHUNK_MEL_FRAMES))
    return chunks.transpose(0, 1)
