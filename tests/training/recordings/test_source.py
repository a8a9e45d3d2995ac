from __future__ import annotations

from typing import Any

import pytest

from interject.training.recordings.recording import RecordingUse
from interject.training.recordings.source import (
    RecordingSource,
    SourceUse,
    attribution_at_most,
    read_sources,
    use_of,
)
from interject.training.sounds.catalogue import CLASSES

RESPONDED = {"glass", "siren", "crash", "crying", "cough"}


def source(**changed: Any) -> RecordingSource:
    given = {
        "name": "toys", "registry": "apt", "package": "toys", "about": "toys", "use": "train",
        "licence": "CC0", "credit": "Ann",
        "recordings": [{"kind": "sound", "label": "bell", "files": ["*/bell*.wav"]}],
    }  # fmt: skip
    return RecordingSource.model_validate({**given, **changed})


def test_what_may_train_asks_for_attribution_at_most() -> None:
    for name, known in read_sources().items():
        may_train = known.use in (SourceUse.TRAIN, SourceUse.HALVES) or any(
            rule.use in (SourceUse.TRAIN, SourceUse.HALVES) for rule in known.recordings
        )
        if may_train:
            assert attribution_at_most(known.licence) or known.copyright is not None, name


@pytest.mark.parametrize(
    ("licence", "may"),
    [
        ("CC0", True),
        ("CC0-1.0 and CC-BY-3.0", True),
        ("CC-BY-4.0", True),
        ("BSD-2clause", True),
        ("CC-BY-SA-3.0", False),
        ("CC-BY-NC-3.0", False),
        ("CC0-1.0 and GPL-3+", False),
        ("CC-sampling-plus-1.0", False),
        ("free-art", False),
        ("", False),
    ],
)
def test_licences(licence: str, may: bool) -> None:
    assert attribution_at_most(licence) is may


def test_the_catalogue_has_what_is_answered_and_what_is_not() -> None:
    labels = {rule.label for known in read_sources().values() for rule in known.recordings}
    assert labels >= RESPONDED | {"laugh", "door", "footsteps", "keyboard", "rain", "music"}
    assert set(CLASSES) >= RESPONDED


def test_the_first_rule_that_matches_decides() -> None:
    toys = source(
        recordings=[
            {"kind": "sound", "label": "bell", "files": ["*/bell*.wav"]},
            {"kind": "sound", "label": "toy", "files": ["*.wav"]},
        ],
        leave_out=["*/bellow.wav"],
    )
    labels = [rule and rule.label for rule in map(toys.rule, ("a/bell1.wav", "a/car.wav"))]
    assert labels == ["bell", "toy"]
    assert toys.rule("a/bellow.wav") is None
    assert toys.rule("a/car.txt") is None


def test_a_speaker_is_a_part_of_the_path() -> None:
    assert source().speaker("voices/ann/1.wav") is None
    assert source(speaker_part=0).speaker("voices/ann/1.wav") == "toys"
    assert source(speaker_part=-2).speaker("voices/ann/1.wav") == "toys/ann"


def test_takes_of_one_thing_are_in_the_same_half() -> None:
    uses = [use_of(f"a/step{n}.wav", SourceUse.HALVES, "CC0") for n in range(1, 20)]
    assert len(set(uses)) == 1
    names = (use_of(f"a/{name}.wav", SourceUse.HALVES, "CC0") for name in "abcdefghijkl")
    assert set(names) == set(RecordingUse)


def test_the_licence_of_a_file_decides_where_it_is_told_to() -> None:
    assert use_of("a.wav", SourceUse.BY_LICENCE, "CC-BY-3.0") is RecordingUse.TRAIN
    assert use_of("a.wav", SourceUse.BY_LICENCE, "GPL-2+") is RecordingUse.EVALUATE
