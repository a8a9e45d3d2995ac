"""The numbers of TFJP, published and our own."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict


@dataclass(frozen=True, slots=True)
class TfjpSettings:
    """Up to `gamma` the names and defaults are the paper's; those below it, the paper leaves open.

    :raises ValueError: when a number makes no sense.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)

    tau_ms: float = 300.0
    """A silent run longer than this is shortened to it."""
    k: int = 3
    """Most passes of cutting and denoising."""
    omega_ms: float = 20.0
    """A frame, and a taper at each end."""
    delta_ms: float = 200.0
    """The grid to which the ends of the core are moved."""
    gate_percentile: float = 10.0
    noise_percent: float = 5.0
    """So many of the frames, those of the least energy, are the noise."""
    gamma: float = 1.0
    """How much of the noise is subtracted."""

    gate_margin_db: float = 6.0
    """A frame is silent up to this above the percentile: a bare percentile would call a tenth of
    any steady noise silent, in runs far too short to be cut."""
    silence_depth_db: float = 20.0
    """Nothing nearer to the loudest frame is silent, or a steady sound would be cut away."""
    spectral_floor: float = 0.02
    """The share of a magnitude that subtraction leaves in any case."""
    stable_change: float = 0.01
    """A pass that cuts nothing and changes the energy by less than this share is the last."""
    core_level: float = 0.25
    """A frame belongs to the core when its score is above this share of the mean score."""
    outer_rounds: int = 3
    """The published outer loop has no bound."""

    def __post_init__(self) -> None:
        for name in ("tau_ms", "omega_ms", "delta_ms", "k", "outer_rounds"):
            _check(name, getattr(self, name), above=0)
        for name in ("gate_percentile", "noise_percent"):
            _check(name, getattr(self, name), above=0, most=100)
        for name in ("spectral_floor", "stable_change", "core_level"):
            _check(name, getattr(self, name), least=0, most=1)
        for name in ("gamma", "gate_margin_db", "silence_depth_db"):
            _check(name, getattr(self, name), least=0)


def _check(
    name: str, value: float, *, above: float | None = None, least: float | None = None,
    most: float = float("inf"),
) -> None:  # fmt: skip
    low = f"above {above:g}" if above is not None else f"at least {least:g}"
    fits = value > above if above is not None else least is not None and value >= least
    if not (fits and value <= most and value != float("inf")):
        high = "" if most == float("inf") else f" and at most {most:g}"
        raise ValueError(f"{name} {value:g}: must be {low}{high}")
