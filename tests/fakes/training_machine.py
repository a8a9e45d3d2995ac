"""A machine on which nano is trained on a GPU; to be imported first. No espeak-ng either."""

from __future__ import annotations

import sys

from tests.fakes.absent_packages import AbsentPackages

THERE = ("torch", "torchaudio", "triton", "numpy", "scipy", "tokenizers", "safetensors")

sys.meta_path.insert(0, AbsentPackages(THERE))
