"""The sounds of a folder, checked, at one rate and of one loudness."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr

from interject.agent.sound_file import BadSound, decoded, file_bytes
from interject.agent.soundboard.loudness import SILENT_LUFS, loudness
from interject.config.soundboard import SoundboardSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.config.soundboard import SoundEntry

EDGE_S = 0.005
"""How long a sound's first and last samples take from and to silence: else they click."""
LEAST_S = 0.05
MOST_S = {"effect": 30.0, "bed": 600.0}
LEAST_BED_S = 2.0
MOST_TOGETHER_S = 1_800.0
CLIPPED = 0.999
CLIPPED_RUN = 4
"""So many samples in a row at full scale are no peak but a cut."""
MOST_CLIPPED = 3
MOST_LIBRARIES = 4


class SoundboardFault(ValueError):
    """Sounds cannot be used; the message is one line, and `faults` has one of each sound."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        others = len(faults) - 1
        super().__init__(faults[0] + (f" (and {others} more)" if others else ""))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class LibrarySound:
    """Mono, full scale at 1, at the library's rate."""

    name: str
    is_bed: bool
    samples: NDArray[np.float32] = field(repr=False)


class SoundboardLibrary:
    """:raises SoundboardFault: when one of the sounds cannot be used."""

    def __init__(self, settings: SoundboardSettings, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._settings = settings
        self._sounds: dict[str, LibrarySound] = {}
        faults = []
        for name, entry in settings.sounds.items():
            try:
                self._sounds[name] = LibrarySound(name, entry.kind == "bed", self._load(name))
            except BadSound as fault:
                faults.append(f"{settings.path(name)}: {fault}")
        together_s = sum(len(one.samples) for one in self._sounds.values()) / rate_hz
        if together_s > MOST_TOGETHER_S:
            faults.append(
                f"{settings.folder}: all sounds together are longer than "
                f"{MOST_TOGETHER_S / 60:.0f} minutes ({together_s / 60:.1f})"
            )
        if faults:
            raise SoundboardFault(tuple(faults))

    def __getitem__(self, name: str) -> LibrarySound:
        return self._sounds[name]

    def _load(self, name: str) -> NDArray[np.float32]:
        entry, path = self._settings.sounds[name], self._settings.path(name)
        if not path.resolve().is_relative_to(Path(self._settings.folder).resolve()):
            raise BadSound("is a link out of the folder; put the file itself there")
        rate_hz, sound = decoded(file_bytes(path))
        _check_length(len(sound) / rate_hz, entry)
        _check_clipping(sound)
        if rate_hz != self.rate_hz:
            sound = soxr.resample(sound, rate_hz, self.rate_hz, quality="HQ")
        sound = sound - sound.mean()  # It is not heard or measured, and takes the room of what is.
        edge = round(EDGE_S * self.rate_hz)
        sound[:edge] *= np.linspace(0.0, 1.0, edge)
        sound[-edge:] *= np.linspace(1.0, 0.0, edge)
        return self._levelled(sound.astype(np.float32), entry)

    def _levelled(self, sound: NDArray[np.float32], entry: SoundEntry) -> NDArray[np.float32]:
        """Peaks that would come above the ceiling keep it softer than it should be: what is cut
        here would be heard each time.
        """
        measured, wanted = loudness(sound, self.rate_hz), self._settings.loudness
        is_bed = entry.kind == "bed"
        own_lufs = measured.integrated if is_bed else measured.momentary
        if own_lufs <= SILENT_LUFS:
            raise BadSound("is silent: nothing of it is louder than -70 LUFS")
        gain_db = (wanted.bed_lufs if is_bed else wanted.effect_lufs) - own_lufs + entry.gain_db
        peak_db = 20.0 * float(np.log10(np.abs(sound).max()))
        gain_db = min(gain_db, wanted.ceiling_dbfs - peak_db)
        return sound * np.float32(10.0 ** (gain_db / 20.0))


def open_library(settings: SoundboardSettings, rate_hz: int) -> SoundboardLibrary:
    """Of the same settings the same one, as it was read first. It takes as long as decoding does.

    :raises SoundboardFault: as `SoundboardLibrary` does.
    """
    return _library(settings.model_dump_json(), rate_hz)


@lru_cache(MOST_LIBRARIES)
def _library(settings: str, rate_hz: int) -> SoundboardLibrary:
    return SoundboardLibrary(SoundboardSettings.model_validate_json(settings), rate_hz)


def _check_length(seconds: float, entry: SoundEntry) -> None:
    least_s = LEAST_BED_S if entry.kind == "bed" else LEAST_S
    if seconds < least_s:
        raise BadSound(f"is too short for {_a(entry)}: {seconds:.2f} s, {least_s:g} at least")
    if seconds > MOST_S[entry.kind]:
        most = f"{MOST_S[entry.kind]:g} at most"
        raise BadSound(f"is too long for {_a(entry)}: {seconds:.1f} s, {most}")


def _a(entry: SoundEntry) -> str:
    return "a bed" if entry.kind == "bed" else "an effect"


def _check_clipping(sound: NDArray[np.float32]) -> None:
    loud = np.abs(sound) >= CLIPPED
    edges = np.flatnonzero(np.diff(np.concatenate(([False], loud, [False])).astype(np.int8)))
    runs = int(np.count_nonzero(edges[1::2] - edges[::2] >= CLIPPED_RUN))
    if runs > MOST_CLIPPED:
        said = f"is clipped at {runs} places; export it again with its peaks below 0 dBFS"
        raise BadSound(said)
