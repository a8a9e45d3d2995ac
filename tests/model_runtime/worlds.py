"""Small models and sounds that tests of the engine share."""

from __future__ import annotations

from functools import cache

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from interject.model_runtime.checkpoint import Model, random_model
from interject.model_runtime.network.architecture import (
    UNGROUPED,
    DecoderShape,
    ModelConfig,
    TowerShape,
)
from interject.model_runtime.network.layout import TokenLayout
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_RATE_HZ,
    Emotion,
    Frame,
)

TEXT_TOKENS = 256
SMALL_CONDITION = 32.0
"""The small model enlarges a relative error of what it hears so much: its weights are large."""


@cache
def byte_tokenizer() -> Tokenizer:
    """One token a byte."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: i for i, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def small_layout() -> TokenLayout:
    """Control ids right above the bytes."""
    first = TEXT_TOKENS
    return TokenLayout(
        user=first,
        assistant=first + 1,
        keep_silence=first + 2,
        audio_slot=first + 3,
        online=first + 4,
        offline=first + 5,
        language=first + 6,
        text_end=first + 7,
        text_begin=first + 8,
        system=first + 8,
        offline_audio_slot=first + 9,
        audio_begin=first + 10,
        audio_end=first + 11,
        emotions={emotion: first + 12 + n for n, emotion in enumerate(Emotion)},
        banned=((first, first + 31),),
    )


@cache
def small_model(
    context: int = 512, seed: int = 2, layers: int = 2, grouping: int = UNGROUPED
) -> Model:
    """Random weights, tuned so that both decisions occur and replies end by their limit."""
    config = ModelConfig(
        name="small",
        tower=TowerShape(
            width=32, layers=1, heads=2, feed_forward=64, output=48, grouping=grouping
        ),
        decoder=DecoderShape(
            width=48, layers=layers, heads=4, kv_heads=2, head_dim=16, feed_forward=96,
            vocabulary=TEXT_TOKENS + 32, context=context,
        ),
        layout=small_layout(),
    )  # fmt: skip
    model = random_model(config, seed=seed, tokenizer=byte_tokenizer())
    for module in (model.tower, model.decoder):
        for parameter in module.parameters():
            parameter.data *= 3.0
            parameter.requires_grad_(False)
    steering = [config.layout.keep_silence, config.layout.text_begin]
    model.decoder.head.weight[steering] *= 2.0
    model.decoder.embedding.weight *= 0.1
    return model


def noise(seconds: float, seed: int = 0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    """Bursts of noise at changing levels, so that no two chunks are alike."""
    rng = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE_HZ)
    level = np.repeat(rng.uniform(0.001, 0.3, count // 1600 + 1), 1600)[:count]
    return (rng.standard_normal(count) * level * 10_000).clip(-32768, 32767).astype(np.int16)


def frames(pcm: np.ndarray[tuple[int], np.dtype[np.int16]], first_seq: int = 0) -> list[Frame]:
    """Whole frames of a clip, each with its look-ahead."""
    count = len(pcm) // FRAME_SAMPLES
    return [
        Frame(
            first_seq + k,
            (first_seq + k) * 0.4,
            pcm[k * FRAME_SAMPLES : (k + 1) * FRAME_SAMPLES].tobytes(),
            _lookahead(pcm, (k + 1) * FRAME_SAMPLES),
        )
        for k in range(count)
    ]


def _lookahead(pcm: np.ndarray[tuple[int], np.dtype[np.int16]], start: int) -> bytes:
    ahead = pcm[start : start + LOOKAHEAD_SAMPLES]
    return ahead.tobytes() if len(ahead) == LOOKAHEAD_SAMPLES else b""
