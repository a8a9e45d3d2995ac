"""A data set is the same bytes however it is built, and nothing finished is made twice."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import threading
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest

from interject.training.dataset.build import build
from interject.training.dataset.build_watch import BuildWatch
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.journal import JOURNAL_NAME, locked
from interject.training.dataset.manifest import MANIFEST_NAME, read_manifest
from interject.training.dataset.problem import DatasetError
from interject.training.dataset.validation import problems_of
from interject.training.streams.ability import Ability
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn
from tests.training.dataset.worlds import SHORT, DeadlySource, TinySource, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.training.streams.stream_source import StreamSource


def files(folder: Path) -> dict[str, str]:
    """Every file's name with the digest of its bytes."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@dataclass(frozen=True)
class CountingSource:
    """Writes down what it was asked for."""

    notes: Path

    def make(self, number: int, seed: int) -> TrainingStream:
        with self.notes.open("a") as file:
            file.write(f"{number}\n")
        return TinySource().make(number, seed)

    def made(self) -> list[int]:
        found = (
            [int(line) for line in self.notes.read_text().split()] if self.notes.exists() else []
        )
        self.notes.unlink(missing_ok=True)
        return found


def stop_after(streams: int) -> BuildWatch:
    asked = count()
    return BuildWatch(is_stopped=lambda: next(asked) >= streams)


def test_the_number_of_workers_changes_no_byte(tmp_path: Path) -> None:
    one = build(SHORT, settings(10), tmp_path / "one", workers=1)
    two = build(SHORT, settings(10), tmp_path / "two", workers=3)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert one.manifest == two.manifest
    assert sorted(files(tmp_path / "one")) == [
        "manifest.json", "shard-00000.tar", "shard-00001.tar", "shard-00002.tar"
    ]  # fmt: skip
    other = build(SHORT, settings(10, seed=2), tmp_path / "other")
    assert other.manifest is not None
    assert one.manifest is not None
    assert [e.sha256 for e in other.manifest.shards] != [e.sha256 for e in one.manifest.shards]


def test_the_manifest_counts_what_is_there(tmp_path: Path) -> None:
    manifest = build(SHORT, settings(6), tmp_path / "set").manifest
    assert manifest is not None
    assert manifest == read_manifest(tmp_path / "set")
    streams = [SHORT.make(number, 1) for number in range(6)]
    assert manifest.total.streams == 6
    assert manifest.total.samples == sum(len(stream.sound) for stream in streams)
    assert manifest.total.turns == sum(len(stream.turns) for stream in streams)
    assert manifest.total.licences == {"Apache-2.0": sum(len(s.spans) for s in streams)}
    assert sum(manifest.total.abilities.values()) == 6
    digests = files(tmp_path / "set")
    assert {entry.name: entry.sha256 for entry in manifest.shards}.items() <= digests.items()


@pytest.mark.parametrize("streams", [0, 1, 4, 7, 9])
def test_a_stopped_build_goes_on_without_making_finished_shards_again(
    tmp_path: Path, streams: int
) -> None:
    source = CountingSource(tmp_path / "notes")
    build(source, settings(10), tmp_path / "whole")
    source.made()
    stopped = build(source, settings(10), tmp_path / "set", watch=stop_after(streams))
    assert stopped.manifest is None
    assert stopped.kept == streams // 4 * 4
    with pytest.raises(DatasetError, match="is finished by the command that began it"):
        Dataset(tmp_path / "set")
    source.made()
    done = build(source, settings(10), tmp_path / "set")
    assert done.kept == 10
    assert source.made() == list(range(stopped.kept, 10))
    assert files(tmp_path / "set") == files(tmp_path / "whole")
    build(source, settings(10), tmp_path / "set")
    assert source.made() == [], "what is whole is not made again"


def test_more_streams_may_be_asked_for_later(tmp_path: Path) -> None:
    source = CountingSource(tmp_path / "notes")
    build(source, settings(10), tmp_path / "whole")
    build(source, settings(6), tmp_path / "set")
    source.made()
    build(source, settings(10), tmp_path / "set")
    assert source.made() == [4, 5, 6, 7, 8, 9], "the last shard was not full"
    assert files(tmp_path / "set") == files(tmp_path / "whole")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"seed": 2}, "was begun with the seed 1, not 2"),
        ({"recipe": "other"}, "was begun with the recipe 'test', not 'other'"),
        ({"streams_per_shard": 5}, "was begun with the streams_per_shard 4, not 5"),
        ({"settings": {"a": 1}}, "was begun with other settings of its recipe"),
        ({"count": 5}, "holds 6 streams already, more than 5"),
    ],
)
def test_other_settings_need_another_folder(
    tmp_path: Path, changed: dict[str, Any], problem: str
) -> None:
    build(TinySource(), settings(6), tmp_path / "set", watch=stop_after(5))
    before = files(tmp_path / "set")
    with pytest.raises(DatasetError, match=problem):
        build(TinySource(), settings(**{"count": 6, **changed}), tmp_path / "set")
    assert files(tmp_path / "set") == before


def test_a_build_that_has_finished_nothing_binds_nobody(tmp_path: Path) -> None:
    build(TinySource(), settings(6), tmp_path, watch=stop_after(2))
    assert files(tmp_path).keys() == {JOURNAL_NAME}
    build(TinySource(), settings(3, seed=9), tmp_path)
    assert {stream.seed for stream in Dataset(tmp_path)} == {9}


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DatasetError, match="is not empty, and no data set"):
        build(TinySource(), settings(2), tmp_path)
    assert files(tmp_path).keys() == {"thesis.txt"}


def test_two_builds_do_not_share_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(DatasetError, match="another process is building there"):
        build(TinySource(), settings(2), tmp_path)
    build(TinySource(), settings(2), tmp_path)


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_journal_whose_last_line_a_kill_has_cut_loses_that_shard_only(
    tmp_path: Path, cut: int
) -> None:
    source = CountingSource(tmp_path / "notes")
    folder = tmp_path / "set"
    build(source, settings(12), folder, watch=stop_after(9))
    source.made()
    journal = folder / JOURNAL_NAME
    journal.write_bytes(journal.read_bytes()[:-cut])
    (folder / "shard-00002.tar.part").write_bytes(b"half")
    build(source, settings(12), folder)
    assert source.made() == list(range(8 if cut == 1 else 4, 12))
    assert sorted(files(folder)) == [MANIFEST_NAME, *(f"shard-0000{n}.tar" for n in range(3))]


def test_a_journal_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_NAME).write_bytes(b"\xff\0")
    with pytest.raises(DatasetError, match="is damaged; delete it and the shards beside it"):
        build(TinySource(), settings(2), tmp_path)


def test_a_shard_that_has_vanished_is_made_again(tmp_path: Path) -> None:
    build(TinySource(), settings(8), tmp_path)
    before = files(tmp_path)
    (tmp_path / "shard-00000.tar").unlink()
    build(TinySource(), settings(8), tmp_path)
    assert files(tmp_path) == before


def test_what_was_discarded_is_counted_and_no_stream(tmp_path: Path) -> None:
    manifest = build(TinySource(discard_every=3), settings(9), tmp_path).manifest
    assert manifest is not None
    assert manifest.total.discarded == {"borderline": 3}
    assert manifest.total.streams == 6
    assert [stream.stream_id for stream in Dataset(tmp_path)] == [
        "t-1",
        "t-2",
        "t-4",
        "t-5",
        "t-7",
        "t-8",
    ]
    build(TinySource(discard_every=1), settings(2), tmp_path / "none")
    assert len(list(Dataset(tmp_path / "none"))) == 0


def _silence_word(number: int) -> TrainingStream:
    turn = StreamTurn(0.0, 0.1, "", "<no need to response>", response_chunk=0)
    return TrainingStream(
        f"w-{number}", Ability.PROACTIVE, np.zeros(6_400, np.float32), (turn,), (), 0
    )


def _same_id(_number: int) -> TrainingStream:
    return TinySource().make(0, 0)


def _late(number: int) -> TrainingStream:
    turn = StreamTurn(0.0, 9.0, "")
    return TrainingStream(
        f"l-{number}", Ability.PROACTIVE, np.zeros(6_400, np.float32), (turn,), (), 0
    )


@dataclass(frozen=True)
class WrongSource:
    how: Callable[[int], TrainingStream]

    def make(self, number: int, _seed: int) -> TrainingStream:
        return self.how(number)


@pytest.mark.parametrize(
    ("how", "workers", "problem"),
    [
        (_silence_word, 1, "stream 0 of seed 1: turns.0.assistant: says the format's word for no"),
        (_same_id, 1, "stream 1: has the id of another one"),
        (_late, 2, "stream 0 of seed 1: turns.0.end_s: is 9; the sound ends at 0.4 s"),
    ],
)
def test_a_source_that_makes_no_stream_is_told(
    tmp_path: Path, how: Callable[[int], TrainingStream], problem: str, workers: int
) -> None:
    with pytest.raises(DatasetError, match=problem):
        build(WrongSource(how), settings(8), tmp_path, workers=workers)
    assert list(tmp_path.glob("*.part")) == []


def test_an_id_that_two_shards_hold_is_found_when_the_set_is_checked(tmp_path: Path) -> None:
    build(WrongSource(_same_id), settings(2, streams_per_shard=1), tmp_path)
    found = list(problems_of(Dataset(tmp_path), quick=True, done=lambda: None))
    assert [problem.text for problem in found] == ["the id t-0 is there twice"]


def test_a_killed_worker_is_replaced_and_changes_no_byte(tmp_path: Path) -> None:
    build(TinySource(), settings(12), tmp_path / "whole")
    source = DeadlySource(7, mark=str(tmp_path / "mark"))
    notes: list[str] = []
    watch = BuildWatch(told=notes.append)
    build(source, settings(12), tmp_path / "set", workers=2, watch=watch)
    assert notes == ["a worker process was killed; another takes its place"]
    assert files(tmp_path / "set") == files(tmp_path / "whole")


class ServerlessSource(TinySource):
    """The server that forks workers is killed while it begins the first one."""

    def __init__(self, mark: Path) -> None:
        super().__init__()
        object.__setattr__(self, "mark", mark)

    def __reduce__(self) -> tuple[type[TinySource], tuple[()]]:
        mark: Path = vars(self)["mark"]
        if not mark.exists():
            mark.touch()
            server = next(
                child
                for child in psutil.Process().children()
                if any("forkserver" in word for word in child.cmdline())
            )
            server.suspend()  # It is asked for a worker, and dies before it has answered.
            threading.Timer(0.2, server.kill).start()
        return TinySource, ()


def test_the_server_that_forks_workers_is_replaced_too(tmp_path: Path) -> None:
    notes: list[str] = []
    watch = BuildWatch(told=notes.append)
    build(
        ServerlessSource(tmp_path / "mark"), settings(8), tmp_path / "set", workers=2, watch=watch
    )
    assert notes == ["a worker process was killed; another takes its place"]
    build(TinySource(), settings(8), tmp_path / "whole")
    assert files(tmp_path / "set") == files(tmp_path / "whole")


@dataclass(frozen=True)
class InterruptedSource:
    """Ctrl-C comes while a worker still reads what it is to do."""

    def __reduce__(self) -> tuple[Callable[[], InterruptedSource], tuple[()]]:
        return _interrupted, ()

    def make(self, number: int, seed: int) -> TrainingStream:
        return TinySource().make(number, seed)


def _interrupted() -> InterruptedSource:
    os.kill(os.getpid(), signal.SIGINT)
    return InterruptedSource()


def test_ctrl_c_while_a_worker_begins_is_not_for_the_worker(tmp_path: Path) -> None:
    notes: list[str] = []
    build(
        InterruptedSource(), settings(4), tmp_path, workers=2, watch=BuildWatch(told=notes.append)
    )
    assert notes == []


def test_workers_that_die_every_time_end_it_and_finished_shards_stay(tmp_path: Path) -> None:
    with pytest.raises(
        DatasetError, match=r"were killed 3 times while they made streams \d+ to 11"
    ):
        build(DeadlySource(9), settings(12), tmp_path, workers=2)
    assert (tmp_path / "shard-00000.tar").exists()
    build(TinySource(), settings(12), tmp_path)
    assert len(list(Dataset(tmp_path))) == 12


def test_a_full_disk_is_an_error_of_the_file_and_finished_shards_stay(tmp_path: Path) -> None:
    """A limit on file sizes, since a full disk needs one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    source: StreamSource = GrowingSource()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            build(source, settings(12), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert {path.name for path in tmp_path.iterdir()} == {JOURNAL_NAME, "shard-00000.tar"}
    build(source, settings(12), tmp_path)
    assert len(list(Dataset(tmp_path))) == 12


@dataclass(frozen=True)
class GrowingSource:
    """Later shards are larger."""

    def make(self, number: int, _seed: int) -> TrainingStream:
        rng = np.random.default_rng(number)
        sound = rng.uniform(-0.9, 0.9, 6_400 * (1 + number)).astype(np.float32)
        return TrainingStream(f"g-{number}", Ability.PROACTIVE, sound, (), (), 0)


def test_a_folder_that_cannot_be_written_is_an_error_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file"):
        build(TinySource(), settings(2), tmp_path / "file" / "set")
    with pytest.raises(DatasetError, match="file: is no folder; name a new one"):
        build(TinySource(), settings(2), tmp_path / "file")
