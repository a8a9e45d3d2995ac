"""A user's own recordings: one event in each, some kept for the examination."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import BadSound, read_sound_file
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.soundflow.silence_cut import silent_frames
from interject.training.soundflow.sound_frames import in_samples
from interject.training.soundflow.tfjp import PUBLISHED
from interject.training.streams.span import SoundSource

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.sounds.waves import Wave

FEWEST = 4
"""Of an event: some to learn from, one to examine with."""
LONGEST_S = 8.0
_SHORTEST_S = 0.05
_PEAK = 0.6
_AUDIBLE = 0.001
_MARGIN_FRAMES = 2
LICENCE = "the user's own"


class UnusableRecordings(Exception):
    """One line: which folder or file, and what to do."""


@dataclass(frozen=True, slots=True)
class OwnRecording:
    """16 kHz, peak 0.6, without the silence around the event."""

    name: str
    wave: Wave = field(repr=False)
    source: SoundSource


@dataclass(frozen=True, slots=True)
class RecordingSet:
    """What is learnt from, and what is only examined with."""

    learnt: tuple[OwnRecording, ...]
    held_out: tuple[OwnRecording, ...]


def read_recordings(folder: Path, held_out_share: float, *, fewest: int = FEWEST) -> RecordingSet:
    """Every file in a folder whose name does not begin with a dot.

    The hash of a file decides whether it is held out: a recording that is added moves no other.

    :raises UnusableRecordings: when there are too few, or one of them cannot be used.
    """
    try:
        paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    except OSError as error:
        raise UnusableRecordings(f"{folder}: cannot be listed: {error.strerror}") from None
    found = [_read(path) for path in paths]
    twice = _same(found)
    if twice:
        raise UnusableRecordings(
            f"{folder}: {twice[0].name} and {twice[1].name} are the same recording; remove one, "
            "or the examination would ask for what was learnt"
        )
    if len(found) < fewest:
        raise UnusableRecordings(
            f"{folder}: holds {len(found)} recordings; {fewest} are the fewest, ten or more are "
            "better"
        )
    in_order = sorted(found, key=lambda recording: recording.source.sha256)
    count = min(max(round(len(found) * held_out_share), min(1, fewest)), len(found) - 1)
    return RecordingSet(tuple(in_order[count:]), tuple(in_order[:count]))


def _read(path: Path) -> OwnRecording:
    try:
        wave = read_sound_file(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except BadSound as error:
        raise UnusableRecordings(f"{path}: {error}; remove it, or record it again") from None
    except OSError as error:
        raise UnusableRecordings(f"{path}: cannot be read: {error.strerror}") from None
    event = around_event(wave)
    if len(event) < _SHORTEST_S * SAMPLE_RATE_HZ:
        raise UnusableRecordings(f"{path}: nothing can be heard in it; record it again, louder")
    if len(event) > LONGEST_S * SAMPLE_RATE_HZ:
        raise UnusableRecordings(
            f"{path}: the event in it lasts {len(event) / SAMPLE_RATE_HZ:.1f} s; cut it to at most "
            f"{LONGEST_S:g} s"
        )
    return OwnRecording(path.name, event, SoundSource(path.name, LICENCE, digest))


def around_event(wave: Wave) -> Wave:
    """From the first frame that is not silent to the last one, and 40 ms more at both ends."""
    if not len(wave) or float(np.abs(wave).max()) < _AUDIBLE:
        return wave[:0]
    sounding = np.flatnonzero(~silent_frames(wave, PUBLISHED))
    if not len(sounding):
        return wave[:0]
    size = in_samples(PUBLISHED.omega_ms)
    first = max(int(sounding[0]) - _MARGIN_FRAMES, 0) * size
    event = wave[first : (int(sounding[-1]) + 1 + _MARGIN_FRAMES) * size]
    scaled: Wave = (event * (_PEAK / float(np.abs(event).max()))).astype(np.float32)
    return scaled


def _same(found: list[OwnRecording]) -> tuple[OwnRecording, OwnRecording] | None:
    known: dict[str, OwnRecording] = {}
    for recording in found:
        before = known.setdefault(recording.source.sha256, recording)
        if before is not recording:
            return before, recording
    return None
