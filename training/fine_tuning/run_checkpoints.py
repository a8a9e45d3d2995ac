"""A run's checkpoints: whole or not there, whenever the process or the machine stops."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import torch

from interject.training.dataset.durable_files import sync_folder
from interject.training.fine_tuning.disk import writing
from interject.training.fine_tuning.failure import TrainingFailure

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"step-(\d{9})")
_PART = ".part"
_STATE = "state.pt"


class RunCheckpoints:
    """The newest `keep` of them stay in `folder`, one folder a step.

    A checkpoint is written under another name, forced to the disk, and renamed.
    """

    def __init__(self, folder: Path, *, keep: int) -> None:
        self._folder, self._keep = folder, keep

    def steps(self) -> list[int]:
        """Of those that are whole, in order."""
        if not self._folder.is_dir():
            return []
        found = (_NAME.fullmatch(path.name) for path in self._folder.iterdir())
        return sorted(int(match[1]) for match in found if match)

    def newest(self) -> Path | None:
        steps = self.steps()
        return self._path(steps[-1]) if steps else None

    def save(self, step: int, state: dict[str, Any]) -> None:
        """:raises TrainingFailure: when it cannot be written; those that were there stay."""
        target = self._path(step)
        part = target.with_name(target.name + _PART)
        with writing(target, kept=self._kept()):
            self._folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            part.mkdir()
            with (part / _STATE).open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            sync_folder(part)
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
            sync_folder(self._folder)
        for old in self.steps()[: -self._keep]:
            shutil.rmtree(self._path(old), ignore_errors=True)

    def load(self) -> dict[str, Any] | None:
        """The newest; None: there is none.

        :raises TrainingFailure: when it cannot be read.
        """
        path = self.newest()
        if path is None:
            return None
        try:
            state: dict[str, Any] = torch.load(path / _STATE, map_location="cpu", weights_only=True)
        except Exception as error:  # damaged bytes make PyTorch's reader raise anything
            raise TrainingFailure(
                f"{path}: cannot be read; remove it to go on from the one before"
            ) from error
        return state

    def _kept(self) -> str:
        newest = self.newest()
        return "nothing was saved before" if newest is None else f"{newest} is whole"

    def _path(self, step: int) -> Path:
        return self._folder / f"step-{step:09d}"

    def _sweep(self) -> None:
        """What a killed process left half written."""
        for path in self._folder.glob(f"*{_PART}"):
            shutil.rmtree(path, ignore_errors=True)
