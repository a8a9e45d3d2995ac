"""A voice keeps room above its peaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.agent.voice.level import CEILING, KNEE, with_headroom

if TYPE_CHECKING:
    from numpy.typing import NDArray

FULL_SCALE = 32_768


def ramp() -> NDArray[np.int16]:
    return np.arange(-FULL_SCALE, FULL_SCALE, 8).astype("<i2")


def test_what_is_quiet_is_only_made_louder() -> None:
    quiet = ramp()[np.abs(ramp().astype(int)) < KNEE / 2 * FULL_SCALE]
    louder = np.frombuffer(with_headroom(quiet.tobytes(), 2.0), "<i2")
    assert np.abs(louder.astype(int) - 2 * quiet.astype(int)).max() <= 1


def test_peaks_are_pressed_together_below_the_ceiling_and_keep_their_order() -> None:
    louder = np.frombuffer(with_headroom(ramp().tobytes(), 2.5), "<i2").astype(int)
    assert np.abs(louder).max() <= CEILING * FULL_SCALE + 1
    assert (np.diff(louder) >= 0).all()


def test_no_sound_stays_none() -> None:
    assert with_headroom(b"", 1.5) == b""
