"""What training is for: a model that has learnt a few streams decides rightly in the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.embedded import EmbeddedRuntime
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_RATE_HZ,
    Decision,
    Emotion,
    ReplyEnded,
    ReplyStarted,
    SessionOptions,
)
from interject.model_runtime.rounding import assert_same, model_terms
from interject.training.sequences.hearing import DirectHearing
from interject.training.sequences.packed_model import PackedModel
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence_writer import SequenceWriter
from interject.training.streams.ability import Ability
from interject.training.streams.stream import TrainingStream
from tests.contract.runtime_contract import heard, of
from tests.model_runtime.worlds import frames
from tests.training.fine_tuning.runs import MemoryStore, a_run, go
from tests.training.sequences.streams import turn

if TYPE_CHECKING:
    from pathlib import Path

    from interject.model_runtime.protocol import Event
    from interject.training.streams.turn import StreamTurn

CHUNKS = 7


def a_scene(name: str, *beeps: tuple[int, float, StreamTurn | None]) -> TrainingStream:
    """Quiet noise, with a tone (chunk, Hz) in the middle of some chunks; what the engine hears is
    16 bits, so this is on their grid.
    """
    rng = np.random.default_rng(len(name))
    sound = 0.003 * rng.standard_normal(CHUNKS * FRAME_SAMPLES)
    for chunk, hz, _ in beeps:
        first = chunk * FRAME_SAMPLES + 1_600
        t = np.arange(3_200) / SAMPLE_RATE_HZ
        sound[first : first + 3_200] += 0.3 * np.sin(2 * np.pi * hz * t)
    turns = tuple(answer for _, _, answer in beeps if answer is not None)
    grid = (np.round(sound * 32_768) / 32_768).astype(np.float32)
    return TrainingStream(name, Ability.PROACTIVE, grid, turns, (), 0, system_prompt="")


def scenes() -> list[TrainingStream]:
    """A low tone is answered, a high one otherwise, the one between them not at all."""
    low, high, between = 400.0, 3_000.0, 1_100.0

    def hi(chunk: int) -> tuple[int, float, StreamTurn]:
        return chunk, low, turn(chunk, "Hi", emotion=Emotion.HAPPY)

    def ok(chunk: int) -> tuple[int, float, StreamTurn]:
        return chunk, high, turn(chunk, "OK", emotion=Emotion.URGENT)

    def nothing(chunk: int) -> tuple[int, float, None]:
        return chunk, between, None

    return [
        a_scene("a", hi(1), ok(4)),
        a_scene("b", ok(2), nothing(3), hi(5)),
        a_scene("c", nothing(1), nothing(5)),
        a_scene("d", hi(3), hi(6)),
    ]


async def events_of(runtime: EmbeddedRuntime, scene: TrainingStream) -> list[Event]:
    pcm = np.round(scene.sound * 32_768).astype(np.int16)
    session = await runtime.open(SessionOptions(scene.stream_id, system_prompt=""))
    return list(await heard(session, frames(pcm)))


@pytest.mark.numerics
async def test_a_model_that_learnt_a_few_streams_decides_rightly_in_the_engine(
    tmp_path: Path,
) -> None:
    learnt = scenes()
    run = a_run(
        tmp_path, steps=70, learning_rate=4e-3, streams_per_step=4, streams_per_device=4,
        trains=["tower", "adapter", "decoder"],
    )  # fmt: skip
    outcome = go(run, MemoryStore(*learnt))
    assert outcome.model is not None
    model = load_checkpoint(outcome.model)
    packed = PackedModel(model, DirectHearing(model.config))
    async with EmbeddedRuntime(model, slots=1) as runtime:
        for scene in learnt:
            events = await events_of(runtime, scene)
            decided = of(Decision, events)
            wanted = {t.response_chunk: t for t in scene.turns}
            assert [d.seq for d in decided if d.respond] == sorted(map(int, filter(None, wanted)))
            said = zip(of(ReplyStarted, events), of(ReplyEnded, events), strict=True)
            assert [(s.seq, s.emotion, e.text) for s, e in said] == [
                (t.response_chunk, t.emotion, t.assistant) for t in scene.turns
            ]
            with torch.no_grad():
                odds = packed(pack([SequenceWriter(model).online(scene)])).odds
            assert_same(
                [d.respond_logit - d.silent_logit for d in decided],
                odds,
                terms=model_terms(model.config),
                condition=32.0,
            )
