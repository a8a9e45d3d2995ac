"""What the tests of the runtime share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

# Small matrices are faster on one thread, and tests share the machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of cases made with the reference implementation."""
    return Path(__file__).parent.parent / "conformance"


@pytest.fixture(scope="session")
def tiny_checkpoint(conformance: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint that the cases were made on, rebuilt bit for bit."""
    out = tmp_path_factory.mktemp("checkpoint") / "tiny"
    script = conformance / "tiny_checkpoint.py"
    command = [sys.executable, str(script), str(out), "--seed", "5", "--silence-bias", "2"]
    subprocess.run(command, check=True)
    return out
