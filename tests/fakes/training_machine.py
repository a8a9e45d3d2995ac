"""A machine on which nano is trained on a GPU; to be imported first. No espeak-ng either."""

from __future__ import annotations

from tests.fakes.absent_packages import leave_only

THERE = ("torch", "torchaudio", "triton", "numpy", "scipy", "tokenizers", "safetensors")

leave_only(THERE)
