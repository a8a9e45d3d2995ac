"""What a model learns whose embeddings are put together is what the engine has it decide on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import Decision, SessionOptions
from interject.model_runtime.rounding import assert_same, model_terms
from interject.training.fine_tuning.tower_cache import CachedHearing
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence_writer import SequenceWriter
from tests.model_runtime.worlds import SMALL_CONDITION, frames, small_model
from tests.training.sequences.streams import stream, turn

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.protocol import Event

MODEL = small_model(grouping=5)
WRITER = SequenceWriter(MODEL, system_prompt="")


def test_a_chunk_has_two_places_for_sound() -> None:
    written = WRITER.online(stream(3, turn(1, "Hi")))
    assert written.audio_at.tolist() == [6, 7, 11, 12, 20, 21]
    assert written.decision_at.tolist() == [8, 13, 22]
    asked = WRITER.offline(stream(1.2, turn(0, "OK", user="Hi")))
    assert len(asked.audio_at) == 4


@pytest.mark.numerics
def test_the_engine_decides_as_the_packed_model() -> None:
    pcm = np.round(stream(8).sound * 32_768).astype(np.int16)
    heard = replace(stream(8), sound=np.divide(pcm, 32_768, dtype=np.float32))
    packed = PackedModel(MODEL, DirectHearing(MODEL.config))
    with torch.no_grad():
        odds = packed(pack([WRITER.online(stream(3)), WRITER.online(heard)])).odds[3:]
    engine = Engine(MODEL, slots=1)
    events: list[Event] = []
    engine.open(SessionOptions("a", system_prompt="", threshold=1.0), events.append)
    for frame in frames(pcm):
        engine.push("a", frame)
    while engine.step():
        pass
    decided = [e.respond_logit - e.silent_logit for e in events if isinstance(e, Decision)]
    assert_same(decided, odds, terms=model_terms(MODEL.config), condition=SMALL_CONDITION)


def test_the_tower_s_states_are_kept_for_both(tmp_path: Path) -> None:
    """They lie below the adapter."""
    for model in (small_model(), MODEL):
        hearing = CachedHearing(model, tmp_path, precision="float32")
        hearing.states(model.tower, SequenceWriter(model).online(stream(3)))
    assert len(list(tmp_path.rglob("*.safetensors"))) == 1
