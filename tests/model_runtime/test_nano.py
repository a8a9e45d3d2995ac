"""The model that ships with Interject, on the sound of the demo."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from interject.model_runtime.checkpoint import NANO, Model, load_checkpoint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.protocol import Decision, Event, ReplyEnded, SessionOptions
from tests.model_runtime.worlds import frames

KITCHEN = Path(__file__).parents[2] / "examples" / "kitchen.wav"
WEIGHTS_LIMIT_BYTES = 16 * 2**20


@cache
def nano() -> Model:
    return load_checkpoint("nano")


def kitchen(times: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    with wave.open(str(KITCHEN)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    return np.tile(sound, times)


def hear(
    sound: np.ndarray[tuple[int], np.dtype[np.int16]], eviction: Eviction = Eviction.ROTATE
) -> list[Event]:
    events: list[Event] = []
    engine = Engine(nano(), slots=1, eviction=eviction)
    engine.open(SessionOptions("kitchen"), events.append)
    for frame in frames(sound):
        engine.push("kitchen", frame)
        while engine.step():
            pass
    return events


def test_it_is_small_and_of_the_real_architecture() -> None:
    assert sum(path.stat().st_size for path in NANO.iterdir()) < WEIGHTS_LIMIT_BYTES
    assert 5e6 < nano().parameter_count() < 16e6
    assert nano().config.decoder.heads > nano().config.decoder.kv_heads
    assert (NANO / "MODEL_CARD.md").is_file()


@pytest.mark.numerics
def test_it_answers_the_question_and_the_alarm_and_nothing_else() -> None:
    events = hear(kitchen(1))
    texts = [event.text for event in events if isinstance(event, ReplyEnded)]
    assert texts == [
        "The capital of France is Paris.",
        "That is a smoke alarm! Leave the building.",
        "That was a smoke alarm.",
    ]


@pytest.mark.numerics
def test_noise_and_digital_silence_are_met_with_silence() -> None:
    rng = np.random.default_rng(5)
    for level in (0.0, 30.0, 1_000.0):
        sound = (rng.standard_normal(20 * 16_000) * level).astype(np.int16)
        decisions = [event for event in hear(sound) if isinstance(event, Decision)]
        assert len(decisions) == 50
        assert not any(decision.respond for decision in decisions)


def test_rotating_and_exact_eviction_agree() -> None:
    """Two minutes fill nano's slot of 31 s many times over."""
    runs = []
    for eviction in Eviction:
        decisions = [e for e in hear(kitchen(4), eviction) if isinstance(e, Decision)]
        runs.append([decision.respond for decision in decisions])
    assert len(runs[0]) == 310
    same = sum(a == b for a, b in zip(*runs, strict=True))
    assert same >= 0.98 * len(runs[0]), f"{len(runs[0]) - same} decisions differ"
