"""A machine that has only what a GPU needs: everything else that is installed cannot be imported.

A plugin of pytest (`-p tests.fakes.bare_machine`), or imported first.
"""

from __future__ import annotations

from tests.fakes.absent_packages import leave_only

THERE = (
    "torch", "triton", "numpy", "safetensors", "tokenizers", "pydantic",
    "pytest", "pytest-timeout", "pytest-asyncio", "hypothesis",
)  # fmt: skip

leave_only(THERE)
