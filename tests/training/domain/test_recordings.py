from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.training.domain.domain_stock import read_material
from interject.training.domain.recordings import UnusableRecordings, around_event, read_recordings
from interject.training.domain.template import EXAMPLE_RECORDINGS, IGNORED_RECORDINGS
from tests.training.domain.conftest import whistle

if TYPE_CHECKING:
    from pathlib import Path

    from interject.training.domain.domain_file import DomainFile


def test_some_are_held_out_and_a_new_one_moves_none_of_the_others(folder: Path) -> None:
    place = folder / EXAMPLE_RECORDINGS
    before = read_recordings(place, 0.3)
    assert (len(before.learnt), len(before.held_out)) == (7, 3)
    (place / "new.flac").write_bytes(whistle(77))
    after = read_recordings(place, 0.3)
    was = {r.source.sha256 for r in before.held_out}
    now = {r.source.sha256 for r in after.held_out}
    assert len(was - now) <= 1


def test_the_event_is_kept_and_the_silence_around_it_is_not(folder: Path) -> None:
    for recording in read_recordings(folder / EXAMPLE_RECORDINGS, 0.3).learnt:
        assert 0.65 < len(recording.wave) / 16_000 < 0.85
        assert np.abs(recording.wave).max() == pytest.approx(0.6, abs=1e-3)


def test_digital_silence_holds_no_event() -> None:
    assert len(around_event(np.zeros(16_000, np.float32))) == 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("broken.wav", b"RIFF", "broken.wav: "),
        ("silent.flac", as_flac(np.zeros(16_000, np.float32)), "nothing can be heard"),
        (
            "long.flac",
            as_flac(np.random.default_rng(1).normal(0, 0.1, 200_000).astype(np.float32)),
            "cut it to at most 8 s",
        ),
        ("copy.flac", whistle(3), "are the same recording"),
    ],
)
def test_a_bad_recording_is_named(folder: Path, name: str, content: bytes, said: str) -> None:
    (folder / EXAMPLE_RECORDINGS / name).write_bytes(content)
    with pytest.raises(UnusableRecordings) as error:
        read_recordings(folder / EXAMPLE_RECORDINGS, 0.3)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_too_few_are_refused_with_the_number_that_is_enough(folder: Path) -> None:
    for path in sorted((folder / EXAMPLE_RECORDINGS).iterdir())[3:]:
        path.unlink()
    with pytest.raises(UnusableRecordings, match="holds 3 recordings; 4 are the fewest"):
        read_recordings(folder / EXAMPLE_RECORDINGS, 0.3)


def test_one_recording_cannot_mean_two_things(
    folder: Path, domain: DomainFile, cache: Path
) -> None:
    (folder / IGNORED_RECORDINGS / "again.flac").write_bytes(whistle(3))
    with pytest.raises(UnusableRecordings, match=r"of 'kettle' and of 'ignored'"):
        read_material(domain, folder, cache)
