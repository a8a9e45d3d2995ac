"""What `make demo` does, with the model that ships."""

from __future__ import annotations

import json
import shutil
import wave
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.cli.sounds import read_stereo

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Outcome

KITCHEN = Path(__file__).parents[3] / "examples" / "kitchen.wav"
QUESTION_ENDS_S = 11.3


def test_the_kitchen_is_a_small_plain_wav() -> None:
    assert KITCHEN.stat().st_size < 1_000_000
    with wave.open(str(KITCHEN), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.getnframes() / 16_000 >= 30


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
@pytest.mark.timeout(180)
def test_the_kitchen_is_answered(interject: Callable[..., Outcome], tmp_path: Path) -> None:
    out, plot = tmp_path / "demo.wav", tmp_path / "demo.png"
    words = ("listen", str(KITCHEN), "--json", "--out", str(out), "--plot", str(plot))
    outcome = interject(*words)
    assert outcome.code == 0, outcome.err
    told = [json.loads(line) for line in outcome.out.splitlines()]
    responds = [e["time"] for e in told if e.get("decision") == "respond"]
    assert len([e for e in told if e["event"] == "decision"]) == 78
    assert not [at_s for at_s in responds if at_s < QUESTION_ENDS_S]
    assert [at_s for at_s in responds if QUESTION_ENDS_S <= at_s <= QUESTION_ENDS_S + 0.8]
    replies = [e["text"] for e in told if e["event"] == "reply_ended"]
    assert replies[0] == "The capital of France is Paris."
    spoken = np.flatnonzero(np.abs(read_stereo(out)[:, 1]) > 500) / 16_000
    assert responds[0] <= spoken[0] < responds[0] + 0.2
    assert plot.stat().st_size > 10_000
