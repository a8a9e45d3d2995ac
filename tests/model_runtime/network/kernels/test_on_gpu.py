"""The tests of `cases.py`, compiled, on a GPU."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from interject.model_runtime.threads import cores

pytest.importorskip("triton", reason="Triton is not installed here")

CASES = Path(__file__).with_name("cases.py")
MOST_PROCESSES = 12


@pytest.mark.gpu
@pytest.mark.timeout(300)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_every_kernel_equals_the_modules() -> None:
    """Each in a process of its own: it is compiling, on one core each, that takes time."""
    names = re.findall(r"^def (test_\w+)", CASES.read_text(), re.MULTILINE)
    assert len(names) > 10
    with ThreadPoolExecutor(min(MOST_PROCESSES, cores())) as processes:
        failed = [text for code, text in processes.map(run, names) if code]
    assert not failed, "\n".join(text[-4_000:] for text in failed)


def run(name: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{CASES}::{name}"]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr
