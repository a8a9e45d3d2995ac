"""A data set is read as it was written; what is damaged is named, and the rest is read."""

from __future__ import annotations

import io
import json
import pickle
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from webdataset.tariterators import group_by_keys, tar_file_expander

from interject.agent.sound_file import as_flac
from interject.training.dataset.build import build
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.manifest import MANIFEST_NAME
from interject.training.dataset.problem import BadRecord, BadShard, DatasetError
from interject.training.dataset.stream_item import as_item
from tests.training.dataset.worlds import TinySource, noise, rich_stream, settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from interject.training.streams.stream import TrainingStream


class RichSource:
    def make(self, number: int, _seed: int) -> TrainingStream:
        return rich_stream(f"a-{number}", 20_000 + number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    build(RichSource(), settings(10), tmp_path / "set")
    return tmp_path / "set"


def test_every_stream_comes_back_as_it_was(folder: Path) -> None:
    dataset = Dataset(folder)
    assert len(dataset) == 10
    read = list(dataset)
    assert read == [RichSource().make(number, 1) for number in range(10)]
    assert all(
        np.array_equal(stream.sound, noise(20_000 + number)) for number, stream in enumerate(read)
    )
    assert dataset.read("a-7") == read[7]
    assert dataset.flac("a-7") == as_flac(read[7].sound)


def test_records_are_the_streams_without_their_sound(folder: Path) -> None:
    records = list(Dataset(folder).records())
    for stream, record in zip(Dataset(folder), records, strict=True):
        assert record.samples == len(stream.sound)
        for name in ("stream_id", "ability", "turns", "spans", "seed", "system_prompt", "skipped"):
            assert getattr(record, name) == getattr(stream, name)
    assert records[9].place == "shard-00002.tar, a-9"


def test_a_data_set_travels_to_another_process(folder: Path) -> None:
    dataset = Dataset(folder)
    dataset.read("a-1")
    again = pickle.loads(pickle.dumps(dataset))
    assert again.read("a-9") == dataset.read("a-9")


def test_webdataset_reads_the_shards(folder: Path) -> None:
    samples = []
    for number in range(3):
        with (folder / f"shard-0000{number}.tar").open("rb") as file:
            samples += list(group_by_keys(tar_file_expander([{"url": "", "stream": file}])))
    assert [sample["__key__"] for sample in samples] == [f"a-{n}" for n in range(10)]
    assert json.loads(samples[3]["json"])["turns"][0]["assistant"] == "Hello."
    assert samples[3]["flac"].startswith(b"fLaC")


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    return data[:9_000] + bytes([data[9_000] ^ 1]) + data[9_001:]


@pytest.mark.parametrize(
    "harm", [cut, flipped, lambda data: b"", lambda data: bytes(len(data)), None]
)
@pytest.mark.parametrize("verified", [True, False])
def test_a_damaged_shard_is_named_and_the_rest_is_read(
    folder: Path, harm: Callable[[bytes], bytes] | None, verified: bool
) -> None:
    path = folder / "shard-00001.tar"
    if harm is None:
        path.unlink()
    else:
        path.write_bytes(harm(path.read_bytes()))
    problems: list[DatasetError] = []
    read = [s.stream_id for s in Dataset(folder, verified=verified).streams(problems.append)]
    assert {"a-0", "a-1", "a-2", "a-3", "a-8", "a-9"} <= set(read)
    assert problems
    assert all(str(problem).startswith("shard-00001.tar") for problem in problems)
    with pytest.raises(DatasetError, match=r"shard-00001\.tar"):
        list(Dataset(folder, verified=verified))
    if verified:
        assert isinstance(problems[0], BadShard)
        with pytest.raises(DatasetError, match=r"holds no stream 'a-5'; shard-00001\.tar"):
            Dataset(folder).read("a-5")
        assert Dataset(folder).read("a-8").stream_id == "a-8"


def tar_of(path: Path, files: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


STREAM = rich_stream("a-0")
ITEM = as_item(STREAM, "a-0.flac").model_dump_json().encode()
FLAC = as_flac(STREAM.sound)


def item_with(**changed: object) -> bytes:
    return json.dumps({**json.loads(ITEM), **changed}).encode()


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"a-0.flac": FLAC, "a-0.json": b"{"}, "shard-00000.tar, a-0: is no whole JSON"),
        ({"a-0.flac": FLAC, "a-0.json": item_with(id="b")}, "shard-00000.tar, a-0: 'id' is 'b'"),
        ({"a-0.flac": FLAC, "a-0.json": item_with(ability=None)}, "the key 'ability' is missing"),
        ({"a-0.flac": FLAC, "a-0.json": item_with(samples=5)}, "'samples' is 5, but the sound has"),
        ({"a-0.flac": b"fLaC", "a-0.json": ITEM}, "shard-00000.tar, a-0: its sound is no sound"),
        ({"a-0.flac": FLAC}, "shard-00000.tar: holds only half of stream a-0"),
        ({"a-0.flac": FLAC, "a-0.json": ITEM, "x.txt": b""}, "holds 'x.txt', which is no stream's"),
        ({}, "holds 0 streams, 1 by the manifest"),
    ],
    ids=range(8),
)
def test_what_is_wrong_inside_a_shard_is_named(
    tmp_path: Path, files: dict[str, bytes], problem: str
) -> None:
    build(TinySource(), settings(1), tmp_path)
    tar_of(tmp_path / "shard-00000.tar", files)
    problems: list[DatasetError] = []
    assert list(Dataset(tmp_path, verified=False).streams(problems.append)) == []
    assert problem in str(problems[0])


def test_a_label_past_the_end_of_its_audio_is_refused(tmp_path: Path) -> None:
    turns = (replace(STREAM.turns[0], end_s=0.5), replace(STREAM.turns[1], end_s=1.25))
    late = json.loads(ITEM)
    late["turns"][1]["end_s"] = 1.3
    build(TinySource(), settings(1), tmp_path)
    tar_of(tmp_path / "shard-00000.tar", {"a-0.flac": FLAC, "a-0.json": json.dumps(late).encode()})
    with pytest.raises(BadRecord, match=r"turns\.1\.end_s: is 1\.3; the sound ends at 1\.25 s"):
        list(Dataset(tmp_path, verified=False))
    assert replace(STREAM, turns=turns).turns[1].end_s == 1.25


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no whole JSON"),
        ("{}", "the key 'interject' is missing"),
        ('{"format": "other"}', "'format' is 'other'"),
        ("[]", "Input should be an object"),
    ],
)
def test_a_manifest_that_is_none_is_told(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / MANIFEST_NAME).write_text(text)
    with pytest.raises(DatasetError, match=problem) as caught:
        Dataset(tmp_path)
    assert str(tmp_path / MANIFEST_NAME) in str(caught.value)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such folder"):
        Dataset(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"holds no manifest\.json, so no whole data set"):
        Dataset(tmp_path)


def test_a_shard_of_the_manifest_cannot_lie_elsewhere(folder: Path) -> None:
    path = folder / MANIFEST_NAME
    path.write_text(path.read_text().replace("shard-00000.tar", "../../00000.tar"))
    with pytest.raises(DatasetError, match=r"shards\.0\.name"):
        Dataset(folder)
