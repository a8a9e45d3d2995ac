"""What the tools of the desk have been called with, from the beginning of each test."""

from __future__ import annotations

import pytest

from tests.agent.responder import desk_tools


@pytest.fixture(autouse=True)
def called() -> list[tuple[str, object]]:
    desk_tools.CALLED.clear()
    return desk_tools.CALLED
