"""Whatever lies in a record's folder, it is listed, read as far as it goes, deleted and swept."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from interject.agent.records.export import as_json, as_webvtt
from interject.agent.records.record_folder import NoSuchRecord, RecordGoesOn
from interject.agent.records.session_record import RecordState
from interject.agent.records.store import RecordStore
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    FloorMode,
    Frame,
    SessionOptions,
)
from tests.agent.records.test_records import begun, bytes_below, play, profile, store_at
from tests.fakes.runtime import FakeRuntime
from tests.full_disk import full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.agent.records.session_recorder import SessionRecorder

LIFETIME_S = 720 * 3_600.0
NOBODY = 65_534


def ended(store: RecordStore, **privacy: Any) -> Path:
    """The folder of a record that was ended."""
    recorder = begun(store, **{"retention": "everything", **privacy})
    play(recorder)
    recorder.close()
    return store.folder / recorder.begun.id


def spoil(folder: Path, line: int = 0, **values: Any) -> None:
    lines = [json.loads(one) for one in (folder / "lines.jsonl").read_bytes().splitlines()]
    lines[line].update(values)
    (folder / "lines.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))


@contextmanager
def unprivileged(folder: Path) -> Iterator[None]:
    """Root may delete everything; nobody may do so in his own folder alone."""
    user = os.geteuid()
    if user:
        yield
        return
    os.chown(folder, NOBODY, -1)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


SILENT = np.zeros(FRAME_SAMPLES, "<i2").tobytes()


async def hear(recorder: SessionRecorder, *seqs: int) -> None:
    runtime = recorder.around(FakeRuntime())
    session = await runtime.open(SessionOptions("s", "listen", mode=FloorMode.SPEAK))
    for seq in seqs or (0,):
        await session.push(Frame(seq, 0.0, SILENT))


def heard_s(path: Path) -> float:
    """As far as a player comes."""
    samples = 0
    with av.open(str(path)) as container, suppress(av.FFmpegError):
        for frame in container.decode(audio=0):
            samples += frame.samples
    return samples / SAMPLE_RATE_HZ


async def test_sound_is_on_the_disk_while_it_is_heard(tmp_path: Path) -> None:
    """A process that is killed writes nothing more."""
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", audio=True)
    await hear(recorder, *range(25))
    copy = tmp_path / "as-it-was.flac"
    shutil.copyfile(tmp_path / recorder.begun.id / "heard-1.flac", copy)
    assert heard_s(copy) > 9.0
    recorder.close()


async def test_after_a_long_hold_its_silence_is_written_bit_by_bit(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", audio=True)
    await hear(recorder, 0, 600)
    path = tmp_path / recorder.begun.id / "heard-1.flac"
    copy = tmp_path / "as-it-was.flac"
    shutil.copyfile(path, copy)
    assert heard_s(copy) < 120.0
    recorder.close()
    assert heard_s(path) == 601 * FRAME_S


@pytest.mark.parametrize("left", [b"", b'{"type":"beg', None])
def test_sound_whose_lines_are_lost_is_listed_deleted_and_swept(
    tmp_path: Path, left: bytes | None
) -> None:
    store, clock = store_at(tmp_path)
    folder = ended(store)
    (folder / "heard-1.flac").write_bytes(b"sound")
    (folder / "lines.jsonl").unlink()
    if left is not None:
        (folder / "lines.jsonl").write_bytes(left)
    for path in folder.iterdir():
        os.utime(path, (clock(), clock()))
    (head,) = store.list()
    assert (head.id, head.state, head.has_audio) == (folder.name, RecordState.BROKEN, True)
    assert head.size_bytes == 5 + len(left or b"")
    assert head.began == 1_000_000.0
    record = store.read(head.id)
    assert json.loads(as_json(record)) == {"begun": None, "lines": []}
    assert as_webvtt(record) == "WEBVTT\n"
    copy = tmp_path / f"{head.id[:-8]}00000000"
    shutil.copytree(folder, copy)
    store.delete(head.id)
    clock.advance(LIFETIME_S - 1)
    assert store.sweep().gone == ()
    clock.advance(2)
    assert store.sweep().gone == (copy.name,)
    assert list(tmp_path.iterdir()) == []


def test_lines_after_a_torn_first_one_are_still_read(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    path = ended(store) / "lines.jsonl"
    path.write_bytes(path.read_bytes()[30:])
    (head,) = store.list()
    assert head.state is RecordState.BROKEN
    assert len(store.read(head.id).lines) == 7


def test_where_the_first_line_cannot_be_written_nothing_is_kept(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    with full_disk(at=20):
        assert store.begin(profile(retention="everything", audio=True), "call-7") is None
    assert list(tmp_path.iterdir()) == []


async def test_a_record_that_breaks_off_keeps_no_sound_after_it(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", audio=True)
    folder = tmp_path / recorder.begun.id
    with full_disk(at=(folder / "lines.jsonl").stat().st_size + 20):
        play(recorder)
    await hear(recorder)
    recorder.close()
    assert [path.name for path in folder.iterdir()] == ["lines.jsonl"]
    assert store.list()[0].state is RecordState.CUT


def test_a_deletion_that_fails_halfway_stops_no_other_and_can_be_repeated() -> None:
    with tempfile.TemporaryDirectory() as name, unprivileged(Path(name)):
        store, clock = store_at(Path(name))
        older = ended(store, lifetime_h=1.0)
        clock.advance(1.0)
        folder = ended(store, lifetime_h=1.0)
        (folder / "kept").mkdir()
        (folder / "kept" / "file").touch()
        (folder / "kept").chmod(0o500)
        clock.advance(4_000.0)
        swept = store.sweep()
        assert swept.gone == (older.name,)
        assert list(swept.stayed) == [folder.name]
        (head,) = store.named("call-7")
        with pytest.raises(PermissionError):
            store.delete(head.id)
        (folder / "kept").chmod(0o700)
        assert store.sweep().gone == (folder.name,)
        assert store.list() == ()


def test_a_link_is_no_record_and_stops_no_sweep(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path / "records")
    folder = ended(store, lifetime_h=1.0)
    outside = tmp_path / "outside"
    shutil.copytree(folder, outside)
    link = store.folder / f"99990101T000000Z-{'0' * 8}"
    link.symlink_to(outside)
    inside = ended(store, lifetime_h=1.0)
    (inside / "lines.jsonl").unlink()
    (inside / "lines.jsonl").symlink_to(outside / "lines.jsonl")
    (inside / "heard-1.flac").symlink_to(outside / "lines.jsonl")
    states = {head.id: head.state for head in store.list()}
    assert states == {folder.name: RecordState.ENDED, inside.name: RecordState.BROKEN}
    assert store.audio(inside.name) == ()
    with pytest.raises(NoSuchRecord):
        store.read(link.name)
    clock.advance(4_000.0)
    assert store.sweep().gone == (folder.name,)
    store.delete(inside.name)
    assert (outside / "lines.jsonl").exists()


def test_a_record_is_known_by_its_folder_alone(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path)
    folder = ended(store, lifetime_h=1.0)
    copy = tmp_path / f"20260101T000000Z-{'1' * 8}"
    shutil.copytree(folder, copy)
    spoil(copy, id="../../../etc")
    assert {head.id: head.state for head in store.list()} == {
        folder.name: RecordState.ENDED, copy.name: RecordState.BROKEN,
    }  # fmt: skip
    assert {head.id for head in store.named("call-7")} == {folder.name, copy.name}
    clock.advance(4_000.0)
    assert sorted(store.sweep().gone) == sorted((folder.name, copy.name))
    assert store.list() == ()


@pytest.mark.parametrize(
    ("line", "values", "state"),
    [
        (0, {"began": 1e300}, RecordState.BROKEN),
        (0, {"began": -1.0}, RecordState.BROKEN),
        (0, {"lifetime_h": 1e300}, RecordState.BROKEN),
        (-1, {"seconds": 1e300}, RecordState.CUT),
        (-1, {"seconds": 1e10}, RecordState.ENDED),
        (1, {"chunk": 10**400}, RecordState.ENDED),
        (2, {"at_s": 1e300}, RecordState.ENDED),
    ],
)
def test_a_value_out_of_range_harms_one_record(
    tmp_path: Path, line: int, values: dict[str, Any], state: RecordState
) -> None:
    store, _ = store_at(tmp_path)
    ended(store)
    folder = ended(store)
    spoil(folder, line, **values)
    states = {head.id: head.state for head in store.list()}
    assert len(states) == 2
    assert states[folder.name] is state
    assert as_webvtt(store.read(folder.name)).startswith("WEBVTT")


def test_what_another_process_still_writes_is_neither_deleted_nor_swept(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path)
    recorder = begun(store, retention="everything", lifetime_h=1.0)
    play(recorder)
    os.utime(tmp_path / recorder.begun.id / "lines.jsonl", (clock(), clock()))
    clock.advance(4_000.0)
    other = RecordStore(tmp_path, wall_clock=clock)
    assert other.list()[0].state is RecordState.LIVE
    assert other.sweep().gone == ()
    with pytest.raises(RecordGoesOn):
        other.delete(recorder.begun.id)
    recorder.close()
    other.delete(recorder.begun.id)
    assert bytes_below(tmp_path) == b""
