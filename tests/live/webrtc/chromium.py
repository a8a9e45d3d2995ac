"""A real Chromium without a window, where there is one: see `benchmarks.chromium`."""

from __future__ import annotations

import os
from typing import Self

import pytest

from benchmarks.chromium import MISSING, program
from benchmarks.chromium import Chromium as AnyChromium


def need(found: object, missing: str) -> None:
    """Skip a test that lacks something, or fail where nothing may be skipped."""
    if found:
        return
    if os.environ.get("INTERJECT_REQUIRE_LIVE") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


class Chromium(AnyChromium):
    """Used with `async with`; without a browser its test is skipped."""

    async def __aenter__(self) -> Self:
        need(program(), MISSING)
        return await super().__aenter__()
