"""A build that is killed with -9 at any moment goes on, and leaves no process behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from interject.training.dataset.build import build
from interject.training.dataset.dataset import Dataset
from interject.training.dataset.journal import JOURNAL_NAME
from tests.cli.command_process import started
from tests.training.dataset.building import STREAMS
from tests.training.dataset.test_build import files
from tests.training.dataset.worlds import TinySource, settings

if TYPE_CHECKING:
    from pathlib import Path

WAIT_S = 30.0


def wait_for_shards(folder: Path, count: int) -> None:
    deadline = time.monotonic() + WAIT_S
    while len(list(folder.glob("*.tar"))) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("shards", [0, 3])
def test_a_build_that_was_killed_goes_on(tmp_path: Path, shards: int) -> None:
    folder = tmp_path / "set"
    words = [sys.executable, "-m", "tests.training.dataset.building", str(folder), "2"]
    with started(words) as process:
        wait_for_shards(folder, shards)
        if not shards:
            deadline = time.monotonic() + WAIT_S
            while not (folder / JOURNAL_NAME).exists() and time.monotonic() < deadline:
                time.sleep(0.005)
        beneath = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        gone, alive = psutil.wait_procs(beneath, timeout=WAIT_S)
        assert alive == [], "workers end with the process that began them"
        assert len(gone) == len(beneath)
    finished = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.tar")}
    build(TinySource(), settings(STREAMS), folder)
    build(TinySource(), settings(STREAMS), tmp_path / "whole")
    assert files(folder) == files(tmp_path / "whole")
    assert len(list(Dataset(folder))) == STREAMS
    kept = {
        path.name
        for path in folder.glob("*.tar")
        if path.stat().st_mtime_ns == finished.get(path.name)
    }
    assert len(kept) >= len(finished) - 1, "all but one that was renamed and not yet noted"
