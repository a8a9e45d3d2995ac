"""A machine that has only what a GPU needs: everything else that is installed cannot be imported.

A plugin of pytest (`-p tests.fakes.bare_machine`), or imported first.
"""

from __future__ import annotations

import sys

from tests.fakes.absent_packages import AbsentPackages

THERE = (
    "torch", "triton", "numpy", "safetensors", "tokenizers", "pydantic",
    "pytest", "pytest-timeout", "pytest-asyncio", "hypothesis",
)  # fmt: skip

sys.meta_path.insert(0, AbsentPackages(THERE))
