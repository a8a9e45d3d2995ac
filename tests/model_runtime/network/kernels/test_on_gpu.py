"""The tests of `cases.py`, compiled, on a GPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytest.importorskip("triton", reason="Triton is not installed here")


@pytest.mark.gpu
@pytest.mark.timeout(300)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_every_kernel_equals_the_modules() -> None:
    cases = Path(__file__).with_name("cases.py")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(cases)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8_000:]
