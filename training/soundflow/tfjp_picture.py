"""TFJP before and after, as a picture.

`python -m interject.training.soundflow.tfjp_picture FILE.png`: two barks and a long silence in a
noisy recording.
"""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 (typer reads it)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.tfjp import clean
from interject.training.sounds.catalogue import make_sound
from interject.training.speech import vocoder

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from interject.training.sounds.waves import Wave

DPI = 80
LENGTH_S, STARTS_S = 5.0, (1.2, 3.3)
NOISE = 0.01
"""Standard deviation; full scale is 1."""
FLOOR_DB, PEAK_DB = -40.0, 25.0


def recording(seed: int) -> Wave:
    rng = np.random.default_rng(seed)
    wave = NOISE * rng.standard_normal(round(LENGTH_S * SAMPLE_RATE_HZ)).astype(np.float32)
    for start_s in STARTS_S:
        bark = make_sound("bark", rng)
        start = round(start_s * SAMPLE_RATE_HZ)
        wave[start : start + len(bark)] += bark
    return wave


def draw(path: Path, seed: int) -> None:
    os.environ.pop("MPLBACKEND", None)  # A notebook's may be missing here.
    from matplotlib.figure import Figure

    before = recording(seed)
    after = clean(before).wave
    figure = Figure(figsize=(9, 4.5), layout="tight")
    axes = figure.subplots(2, 2, sharex="col", width_ratios=(len(before), max(len(after), 16_000)))
    for column, (name, wave) in enumerate((("before", before), ("after", after))):
        _draw_one(axes[0][column], axes[1][column], wave, name)
    axes[0][0].set_ylabel("samples")
    axes[1][0].set_ylabel("Hz")
    figure.savefig(path, dpi=DPI)


def _draw_one(top: Axes, bottom: Axes, wave: Wave, name: str) -> None:
    seconds = len(wave) / SAMPLE_RATE_HZ
    top.set_title(f"{name}: {seconds:.2f} s")
    top.plot(np.arange(len(wave)) / SAMPLE_RATE_HZ, wave, linewidth=0.5)
    top.set_ylim(-0.7, 0.7)
    bottom.imshow(
        _cells_db(wave).T, origin="lower", aspect="auto", interpolation="nearest",
        extent=(0, seconds, 0, SAMPLE_RATE_HZ / 2), vmin=FLOOR_DB, vmax=PEAK_DB,
    )  # fmt: skip
    bottom.set_xlabel("s")


def _cells_db(wave: Wave) -> Wave:
    """Coarse on purpose: 24 ms, and 16 bins of the spectrum to a cell. Noise makes large files."""
    power = np.abs(vocoder.analyse(wave)[:, :256]) ** 2
    whole = len(power) // 3 * 3
    cells = power[:whole].reshape(whole // 3, 3, 16, 16).mean(axis=(1, 3))
    decibels: Wave = 10 * np.log10(np.maximum(cells, 1e-12))
    return decibels


def main(
    path: Annotated[Path, typer.Argument(help="The PNG to write.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
) -> None:
    """Draw a recording before and after TFJP."""
    try:
        draw(path, seed)
    except OSError as exc:
        raise typer.BadParameter(f"{path}: cannot be written: {exc.strerror}") from exc
    except ValueError as exc:  # an ending that is no picture's
        raise typer.BadParameter(f"{path}: {exc}") from exc


if __name__ == "__main__":
    typer.run(main)
