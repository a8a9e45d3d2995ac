from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from interject.agent.sound_file import as_flac
from interject.training.recordings.collection import (
    BadCollection,
    RecordingCollection,
    write_index,
)
from interject.training.recordings.recording import CollectedRecording, RecordingKind, RecordingUse

if TYPE_CHECKING:
    from pathlib import Path


def recording(**changed: Any) -> CollectedRecording:
    given = {
        "file": "toys/bell.flac", "source": "toys", "licence": "CC0", "credit": "Ann",
        "use": "train", "kind": "sound", "label": "bell", "seconds": 0.5,
    }  # fmt: skip
    return CollectedRecording.model_validate({**given, **changed})


def test_what_is_written_is_read_and_selected(tmp_path: Path) -> None:
    bell = recording()
    talk = recording(file="toys/talk.flac", kind="speech", label="word", use="evaluate", text="one")
    write_index(tmp_path, [bell, talk])
    collection = RecordingCollection.open(tmp_path)
    assert collection.recordings == (bell, talk)
    assert collection.select(use=RecordingUse.TRAIN) == [bell]
    assert collection.select(kind=RecordingKind.SPEECH) == [talk]
    assert collection.select(use=RecordingUse.TRAIN, label="word") == []


def test_a_recording_is_read_as_it_was_kept(tmp_path: Path) -> None:
    tone = (np.sin(np.arange(8_000) / 9) * 0.5).astype(np.float32)
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys/bell.flac").write_bytes(as_flac(tone))
    write_index(tmp_path, [recording()])
    collection = RecordingCollection.open(tmp_path)
    assert float(np.abs(collection.read(collection.recordings[0]) - tone).max()) < 1e-4


def test_a_recording_that_is_gone_says_which_source_to_fetch(tmp_path: Path) -> None:
    write_index(tmp_path, [recording()])
    collection = RecordingCollection.open(tmp_path)
    with pytest.raises(BadCollection, match=r"toys/bell\.flac: there is no such file; fetch toys"):
        collection.read(collection.recordings[0])


def test_no_index_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BadCollection, match=r"index\.jsonl: no such file; .*recordings fetch"):
        RecordingCollection.open(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: Invalid JSON"),
        (recording().model_dump_json().replace('"bell"', '"The Bell"'), "line 2, field label"),
        (recording().model_dump_json().replace("toys/bell", "../bell"), "inside the collection"),
        (recording().model_dump_json().replace("train", "teach"), "line 2, field use"),
        (recording().model_dump_json(), "line 2: toys/bell.flac is named above"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    good = recording().model_dump_json()
    (tmp_path / "index.jsonl").write_text(f"{good}\n{line}\n")
    with pytest.raises(BadCollection, match=said):
        RecordingCollection.open(tmp_path)


def test_an_empty_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.jsonl").write_text("\n")
    with pytest.raises(BadCollection, match="holds no recording"):
        RecordingCollection.open(tmp_path)
