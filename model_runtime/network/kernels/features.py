"""Whisper's log-mel of many chunks as two matrix products: no plans, no wait for the host."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.features import POWER_FLOOR, clamp_and_scale, mel_filters

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.network.architecture import FeatureConfig


class ProductLogMel:
    """Equal to `log_mel` and `clamp_and_scale`; the loudest value so far is found on the device."""

    def __init__(self, config: FeatureConfig, device: torch.device) -> None:
        self._config = config
        bins = config.n_fft // 2 + 1
        turns = torch.arange(config.n_fft)[:, None] * torch.arange(bins) % config.n_fft
        angles = turns.double() * (2.0 * math.pi / config.n_fft)
        window = torch.hann_window(config.n_fft, dtype=torch.float64)[:, None]
        fourier = torch.cat((angles.cos() * window, angles.sin() * window), dim=1)
        self._fourier = fourier.float().to(device)
        self._filters = mel_filters(config).repeat(2, 1).to(device)

    def __call__(self, windows: Tensor, sessions: Tensor, loudest: Tensor) -> tuple[Tensor, Tensor]:
        """Chunks [P, 6640] -> [P, mel_bins, 40], and the loudest value up to each of them [P].

        `sessions` int64 [P] says whose they are, oldest first; `loudest` is each session's before.
        """
        config = self._config
        frames = windows.unfold(-1, config.n_fft, config.hop)
        power = (frames @ self._fourier).square() @ self._filters
        spectra = power.clamp(min=POWER_FLOOR).log10().transpose(-1, -2)
        count = torch.arange(len(windows), device=windows.device)
        before = (sessions[:, None] == sessions) & (count[:, None] >= count)
        peaks = spectra.amax((-2, -1)).masked_fill(~before, -torch.inf).amax(1)
        running = torch.maximum(peaks, loudest[sessions])
        return clamp_and_scale(spectra, running[:, None, None], config), running
