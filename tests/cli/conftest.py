"""What the tests of the command line share."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from typer.testing import CliRunner

from interject.cli.commands import app
from interject.model_runtime.checkpoint import save_native
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

torch.set_num_threads(1)


@dataclass(frozen=True)
class Outcome:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture
def interject() -> Callable[..., Outcome]:
    """Runs the command line in this process. Where a command logs to is its own affair."""

    def call(*words: str) -> Outcome:
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        try:
            result = CliRunner().invoke(app, list(words))
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with random weights and a tokenizer of bytes."""
    folder = tmp_path_factory.mktemp("model") / "small"
    save_native(small_model(context=1_024), folder)
    return folder
