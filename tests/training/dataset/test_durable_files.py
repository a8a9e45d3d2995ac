"""A file is there whole or not at all, and a device stays a device."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from pathlib import Path

import pytest

from interject.training.dataset.durable_files import whole_file


def test_what_was_not_written_to_its_end_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with contextlib.suppress(KeyError), whole_file(path) as file:
        file.write("half")
        raise KeyError
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "old"
    with whole_file(path) as file:
        file.write("new")
    assert path.read_text() == "new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with whole_file(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    with whole_file(path) as file:
        file.write("all of it")
    reader.join(10)
    assert read == ["all of it"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_write_that_fails_names_its_file() -> None:
    full = Path("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught, whole_file(full) as file:
        file.write("x" * 100_000)
    assert caught.value.filename == str(full)
    assert stat.S_ISCHR(full.stat().st_mode)
