"""Where sound comes from: a file or a pipe, standard input, or a microphone."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from interject.cli.input.input_file import InputFile, is_pipe, open_input
from interject.cli.input.magic_bytes import is_sound_file
from interject.cli.process.failures import InputFailure, printable
from interject.model_runtime.protocol import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

STDIN = "-"
MICROPHONE = "mic"
STANDARD_INPUT = "standard input"
READ_BYTES = 16_384
MAX_CHANNELS = 64
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A piece of sound as it came: float32, samples by channels, full scale at 1."""

    samples: NDArray[np.float32] = field(repr=False)
    rate_hz: int


@dataclass(frozen=True, slots=True)
class RawShape:
    """What raw PCM does not say of itself; channels are interleaved.

    :raises InputFailure: when it makes no sense.
    """

    rate_hz: int = SAMPLE_RATE_HZ
    channels: int = 1

    def __post_init__(self) -> None:
        if not MIN_RATE_HZ <= self.rate_hz <= MAX_RATE_HZ:
            raise InputFailure(
                f"--raw-rate {self.rate_hz}: must lie between {MIN_RATE_HZ} and {MAX_RATE_HZ} Hz"
            )
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise InputFailure(
                f"--raw-channels {self.channels}: must lie between 1 and {MAX_CHANNELS}"
            )


class Source(ABC):
    """Something that yields blocks, possibly blocking; `notices` tell what was odd about it."""

    live = False
    """Whether the sound arrives by itself in real time."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notices: list[str] = []

    @abstractmethod
    def blocks(self) -> Iterator[RawBlock]: ...


class RawPcm(Source):
    """Signed 16-bit little-endian PCM, in real or any other time."""

    def __init__(self, file: InputFile, shape: RawShape, *, name: str = STANDARD_INPUT) -> None:
        super().__init__(name)
        self._file = file
        self._shape = shape

    def blocks(self) -> Iterator[RawBlock]:
        whole = 2 * self._shape.channels
        rest = b""
        heard = False
        while data := self._file.read(READ_BYTES):
            data = rest + data
            usable = len(data) - len(data) % whole
            rest = data[usable:]
            if usable:
                heard = True
                yield RawBlock(self._shaped(data[:usable]), self._shape.rate_hz)
        self._file.check()
        if rest:
            self.notices.append(f"{self.name} ended inside a sample; {len(rest)} bytes dropped")
        if not heard:
            raise InputFailure(f"{self.name} is empty; pipe raw 16-bit PCM or a sound file into it")

    def _shaped(self, data: bytes) -> NDArray[np.float32]:
        pcm = np.frombuffer(data, dtype="<i2").reshape(-1, self._shape.channels)
        return np.asarray(pcm, dtype=np.float32) / np.float32(32_768.0)


class LateSource(Source):
    """One that is opened when it is heard: a pipe may say nothing for long, and by then a model is
    loaded and Ctrl-C is listened for.
    """

    def __init__(self, name: str, begin: Callable[[], Source]) -> None:
        super().__init__(name)
        self._begin = begin

    def blocks(self) -> Iterator[RawBlock]:
        source = self._begin()
        self.notices += source.notices
        source.notices = self.notices
        yield from source.blocks()


def standard_input(descriptor: int, shape: RawShape, *, track: int | None = None) -> Source:
    """A sound file by its first bytes, else raw PCM."""
    file = InputFile(descriptor)

    def recognised() -> Source:
        if not is_sound_file(file):
            return RawPcm(file, shape)
        from interject.cli.input.media_file import MediaFile

        return MediaFile(STANDARD_INPUT, track=track, file=file)

    return LateSource(STANDARD_INPUT, recognised)


def open_source(
    name: str, shape: RawShape = RawShape(), *, raw: bool = False, track: int | None = None
) -> Source:
    """Open a source by its name on the command line; `raw` takes it for PCM whatever it is.

    :raises InputFailure: when there is no sound to be had from it.
    """
    if track is not None and (raw or name == MICROPHONE):
        raise InputFailure(f"--track {track}: only a sound file holds tracks")
    if name == MICROPHONE:
        from interject.cli.input.microphone import Microphone

        return Microphone()
    if name == STDIN and os.isatty(0):
        raise InputFailure(
            "standard input is a terminal; pipe raw 16-bit PCM or a sound file into it"
        )
    if name == STDIN:
        return RawPcm(InputFile(0), shape) if raw else standard_input(0, shape, track=track)
    begin = partial(_from_path, name, shape, raw=raw, track=track)
    return LateSource(printable(name), begin) if is_pipe(name) else begin()


def _from_path(name: str, shape: RawShape, *, raw: bool, track: int | None) -> Source:
    if raw:
        return RawPcm(open_input(name), shape, name=printable(name))
    from interject.cli.input.media_file import MediaFile

    return MediaFile(name, track=track)
