"""Which packets a network loses, and what a telephone plays instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from interject.training.soundflow.silence_cut import Mask
    from interject.training.sounds.waves import Rng, Wave

PITCH_S = (0.0025, 0.015)
"""400 to 67 Hz."""
HISTORY_S = 0.03
HOLD_S, FADE_S = 0.01, 0.05
"""As in ITU-T G.711, appendix I: whole for 10 ms, silent after 60."""
JOIN_S = 0.004
_SILENT = 1e-9


def bursts(rng: Rng, count: int, *, loss: float, burst_packets: float) -> Mask:
    """Losses of a Gilbert-Elliott channel whose bad state loses all and whose good one nothing.

    E. N. Gilbert, "Capacity of a burst-noise channel", 1960; E. O. Elliott, "Estimates of error
    rates for codes on burst-noise channels", 1963 (both Bell System Technical Journal). The mean
    length of a burst is that of a stay in the bad state, 1/r; the share of losses is p/(p+r).
    """
    lost = np.zeros(count, np.bool_)
    if loss <= 0 or not count:
        return lost
    to_good = 1 / max(1.0, burst_packets)
    to_bad = min(1.0, loss * to_good / (1 - loss))
    at, is_bad = 0, bool(rng.random() < loss)
    while at < count:
        stay = int(rng.geometric(to_good if is_bad else to_bad))
        lost[at : at + stay] = is_bad
        at, is_bad = at + stay, not is_bad
    return lost


def concealed(packets: Wave, lost: Mask, rate_hz: int) -> Wave:
    """One row of samples. In place of what was lost the last pitch period goes on and fades.

    Whatever comes next is faded in over the begin of the packet after it.
    """
    size = packets.shape[1]
    out: Wave = packets.reshape(-1).copy()
    edges = np.flatnonzero(np.diff(lost, prepend=False, append=False)) * size
    join = round(JOIN_S * rate_hz)
    ramp = np.linspace(0, 1, join, dtype=np.float32)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        reach = min(len(out), end + join)
        filled = _continued(out[max(0, start - round(2 * HISTORY_S * rate_hz)) : start],
                            reach - start, rate_hz)  # fmt: skip
        over = reach - end
        out[end:reach] = out[end:reach] * ramp[:over] + filled[end - start :] * (1 - ramp[:over])
        out[start:end] = filled[: end - start]
    return out


def _continued(history: Wave, count: int, rate_hz: int) -> Wave:
    """`count` samples that go on where the history ends."""
    shortest, longest = (round(seconds * rate_hz) for seconds in PITCH_S)
    if len(history) < shortest + longest or float(np.square(history).mean()) < _SILENT:
        return np.zeros(count, np.float32)
    period = _pitch(history, shortest, min(longest, len(history) // 2))
    repeated = np.resize(history[-period:], count)
    seconds = np.arange(count) / rate_hz
    fade = np.clip(1 - (seconds - HOLD_S) / FADE_S, 0, 1)
    filled: Wave = (repeated * fade).astype(np.float32)
    return filled


def _pitch(history: Wave, shortest: int, longest: int) -> int:
    """The lag at which the end of the history is most like what was before it."""
    size = len(history) - longest
    end = history[-size:]
    lags = np.arange(shortest, longest + 1)
    windows = np.lib.stride_tricks.sliding_window_view(history, size)
    earlier = windows[len(history) - size - lags]
    likeness = earlier @ end / np.sqrt(np.einsum("ls,ls->l", earlier, earlier) + _SILENT)
    return int(lags[int(np.argmax(likeness))])
