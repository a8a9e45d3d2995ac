from __future__ import annotations

import numpy as np

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.sounds.unnamed import make_unnamed


def test_sounds_of_no_class_are_many_and_sound() -> None:
    rng = np.random.default_rng(3)
    waves = [make_unnamed(rng) for _ in range(60)]
    for wave in waves:
        assert wave.dtype == np.float32
        assert np.isfinite(wave).all()
        assert 0.04 < len(wave) / SAMPLE_RATE_HZ < 12
        assert abs(float(np.abs(wave).max()) - 0.6) < 1e-3
    assert len({len(wave) for wave in waves}) > 50
