"""aiortc leaves 127.0.0.1 out of its candidates; in tests it has nothing else."""

from __future__ import annotations

import wave
from pathlib import Path

import aioice.ice
import pytest

KITCHEN = Path(__file__).parents[3] / "examples" / "kitchen.wav"
ALARM_S = (19.5, 28.0)
"""Somebody laughs, and an alarm goes off 3.3 s later."""


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


def cut_from_kitchen(path: Path, span_s: tuple[float, float]) -> Path:
    """A microphone's file: from so many seconds to so many."""
    begin_s, end_s = span_s
    with wave.open(str(KITCHEN)) as whole, wave.open(str(path), "wb") as part:
        part.setparams(whole.getparams())
        whole.setpos(round(begin_s * whole.getframerate()))
        part.writeframes(whole.readframes(round((end_s - begin_s) * whole.getframerate())))
    return path


@pytest.fixture
def alarm(tmp_path: Path) -> Path:
    return cut_from_kitchen(tmp_path / "alarm.wav", ALARM_S)
