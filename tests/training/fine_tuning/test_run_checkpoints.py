"""A checkpoint is whole or not there."""

from __future__ import annotations

import multiprocessing
import random
import time
from typing import TYPE_CHECKING

import pytest
import torch

from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.fine_tuning.run_checkpoints import RunCheckpoints

if TYPE_CHECKING:
    from multiprocessing.synchronize import Event
    from pathlib import Path


def save_for_ever(folder: Path, ready: Event) -> None:
    """Goes on from what is there, as a run does."""
    checkpoints = RunCheckpoints(folder, keep=2)
    state = checkpoints.load()
    step = 0 if state is None else state["step"]
    ready.set()
    while True:
        step += 1
        checkpoints.save(step, {"step": step, "numbers": torch.full((200_000,), float(step))})


def numbers(step: int) -> dict[str, object]:
    return {"step": step, "numbers": torch.full((1_000,), float(step))}


def test_the_newest_is_read_and_only_so_many_are_kept(tmp_path: Path) -> None:
    checkpoints = RunCheckpoints(tmp_path / "c", keep=2)
    assert checkpoints.load() is None
    for step in (1, 2, 10, 100):
        checkpoints.save(step, numbers(step))
    assert checkpoints.steps() == [10, 100]
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 100


def test_a_step_can_be_saved_again(tmp_path: Path) -> None:
    checkpoints = RunCheckpoints(tmp_path, keep=2)
    checkpoints.save(3, numbers(3))
    checkpoints.save(3, numbers(4))
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 4


def test_a_process_that_is_killed_at_any_moment_leaves_whole_checkpoints(tmp_path: Path) -> None:
    rng, reached = random.Random(7), 0
    fork = multiprocessing.get_context("fork")
    for _ in range(12):
        ready = fork.Event()
        process = fork.Process(target=save_for_ever, args=(tmp_path, ready))
        process.start()
        assert ready.wait(20)
        time.sleep(rng.uniform(0.0, 0.1))
        process.kill()
        process.join()
        checkpoints = RunCheckpoints(tmp_path, keep=2)
        state = checkpoints.load()
        if state is not None:
            assert bool((state["numbers"] == state["step"]).all())
            assert state["step"] >= reached
            reached = state["step"]
    assert reached > 5
    checkpoints.save(reached + 1, numbers(reached + 1))
    assert checkpoints.steps()[-1] == reached + 1
    assert len(list(tmp_path.iterdir())) == 2


def test_a_full_disk_is_told_and_the_last_checkpoint_stays(
    tmp_path: Path, small_disk: None
) -> None:
    checkpoints = RunCheckpoints(tmp_path, keep=1)
    checkpoints.save(1, numbers(1))
    with pytest.raises(TrainingFailure) as caught:
        checkpoints.save(2, {"step": 2, "numbers": torch.zeros(1_000_000)})
    assert str(caught.value) == (
        f"{tmp_path}/step-000000002: cannot be written (file too large); "
        f"{tmp_path}/step-000000001 is whole"
    )
    state = checkpoints.load()
    assert state is not None
    assert state["step"] == 1


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    checkpoints = RunCheckpoints(tmp_path, keep=1)
    checkpoints.save(1, numbers(1))
    (tmp_path / "step-000000001" / "state.pt").write_bytes(b"nothing")
    with pytest.raises(TrainingFailure, match="step-000000001: cannot be read; remove it"):
        checkpoints.load()
