"""A session that is listened to keeps a record like any other, where its profile keeps one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from interject.agent.records.lines import RecordedCue, RecordedDecision, RecordedReply
from interject.agent.records.session_record import RecordState
from interject.agent.records.store import RecordStore
from interject.cli.process.failures import EXIT_BAD_INPUT, InputFailure
from tests.cli.listen.test_listening import listen
from tests.cli.records.test_records_commands import records
from tests.cli.sounds import room, write_wav
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.full_disk import full_disk

if TYPE_CHECKING:
    from pathlib import Path

WORDS = "Somebody is at the door."
PROFILE = """
name: kept
system_prompt: Listen.
mode: assist
outputs: [cue]
privacy: {{retention: {retention}, audio: {audio}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "records").mkdir()
    return tmp_path / "records"


def profile(tmp_path: Path, retention: str = "everything", *, audio: bool = True) -> str:
    path = tmp_path / "kept.yaml"
    path.write_text(PROFILE.format(retention=retention, audio=str(audio).lower()))
    return str(path)


def hear(tmp_path: Path, folder: Path | None, **given: object) -> int:
    sound = write_wav(tmp_path / "room.wav", room(4.0, loud_at_s=(1.0,)))
    where = None if folder is None else str(folder)
    runtime = FakeRuntime({4: Scripted(WORDS)})
    return listen(runtime, source=str(sound), records=where, json=True, **given)


def test_a_file_s_decisions_cards_summary_and_sound_are_kept(tmp_path: Path, folder: Path) -> None:
    end = tmp_path / "end.json"
    assert hear(tmp_path, folder, profile=profile(tmp_path), summary=str(end)) == 0
    store = RecordStore(folder)
    (head,) = store.list()
    assert (head.state, head.seconds) == (RecordState.ENDED, 4.0)
    record = store.read(head.id)
    chunks = [line.chunk for line in record.lines if isinstance(line, RecordedDecision)]
    assert chunks == list(range(10))
    said = [line for line in record.lines if isinstance(line, RecordedReply | RecordedCue)]
    assert [(type(line), line.text) for line in said] == [
        (RecordedReply, WORDS),
        (RecordedCue, WORDS),
    ]
    assert record.summary is not None
    assert record.summary.markdown == json.loads(end.read_text())["markdown"]
    (path,) = store.audio(head.id)
    with av.open(str(path)) as file:
        kept = np.concatenate([one.to_ndarray()[0] for one in file.decode(audio=0)])
    assert np.array_equal(kept, room(4.0, loud_at_s=(1.0,)))


def test_it_is_reviewed_and_deleted_as_any_other(tmp_path: Path, folder: Path) -> None:
    hear(tmp_path, folder, profile=profile(tmp_path))
    call = str(tmp_path / "room.wav")
    assert f"  4 s  kept  {call}  with sound  until " in records(folder, "list").output
    assert f"card, note: {WORDS}" in records(folder, "show", call).output
    assert records(folder, "delete", call).exit_code == 0
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("retention", "named", "note"),
    [
        ("nothing", True, "--records has no effect: the profile keeps nothing"),
        ("without_personal_data", False, "privacy.retention has no effect: there is no --records"),
    ],
)
def test_it_takes_a_profile_and_a_folder(
    tmp_path: Path,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    retention: str,
    named: bool,
    note: str,
) -> None:
    keeping = profile(tmp_path, retention, audio=False)
    assert hear(tmp_path, folder if named else None, profile=keeping) == 0
    assert f"note: {note}" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_not_there_is_told_before_anything_is_heard(tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match="no such folder; make it first"):
        hear(tmp_path, tmp_path / "recrods", profile=profile(tmp_path))


def test_a_disk_that_is_full_costs_the_record_and_not_the_session(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keeping = profile(tmp_path)
    sound = write_wav(tmp_path / "room.wav", room(4.0))
    with full_disk(at=600):
        code = listen(FakeRuntime(), source=str(sound), profile=keeping, records=str(folder))
    out, err = capsys.readouterr()
    assert code == EXIT_BAD_INPUT
    assert err.count("\n") == 1
    assert f"--records {folder}: could not be written (no space left on device)" in err
    assert json.loads(out.splitlines()[-1])["chunks"] == 10
