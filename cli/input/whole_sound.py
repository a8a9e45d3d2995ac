"""A whole sound in memory, for what needs all of it: a question about a clip, a load, a visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from interject.cli.input.mono_converter import MonoConverter
from interject.cli.input.sources import MICROPHONE, open_source
from interject.cli.process.failures import InputFailure, complain
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray


def read_whole(
    name: str, *, track: int | None = None, most_s: float | None = None
) -> NDArray[np.int16]:
    """A file, a pipe or standard input at 16 kHz mono; what was odd about it is told.

    :raises InputFailure: when there is no sound to be had from it, or more than `most_s`.
    """
    if name == MICROPHONE:
        raise InputFailure("a microphone has no end; record a file first, or use 'listen'")
    source, converter = open_source(name, track=track), MonoConverter()
    pieces, samples = [], 0
    for block in source.blocks():
        pieces.append(converter.push(block))
        samples += len(pieces[-1])
        if most_s is not None and samples > most_s * SAMPLE_RATE_HZ:
            raise InputFailure(
                f"{source.name}: is longer than {most_s / 60:.0f} minutes; use 'listen'"
            )
    pieces.append(converter.finish())
    for notice in (*source.notices, *converter.notices()):
        complain(f"note: {notice}")
    return np.concatenate(pieces)
