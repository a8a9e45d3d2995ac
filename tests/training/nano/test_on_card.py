"""Tensors without numbers stand for a card's: what stayed on the CPU would be refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.symbolic_shapes import ShapeEnv

from interject.model_runtime.network.architecture import CHUNK_MEL_FRAMES
from interject.model_runtime.network.decoder import Decoder
from interject.model_runtime.network.encoder import AudioTower
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES
from interject.training.nano.batch import PaddedBatch, stream_features
from interject.training.nano.losses import AuxiliaryHeads, compute_losses
from interject.training.nano.optimiser import make_optimisers
from interject.training.nano.recipe import NanoSettings
from interject.training.nano.targets import word_vocabulary
from interject.training.sounds.catalogue import CLASSES

if TYPE_CHECKING:
    from torch import Tensor

    from interject.model_runtime.network.architecture import ModelConfig

STREAMS, CHUNKS, POSITIONS = 2, 5, 96
CARD = torch.device("cuda", 0)


def batch(config: ModelConfig) -> PaddedBatch:
    def ids(*shape: int) -> Tensor:
        return torch.zeros(STREAMS, *shape, dtype=torch.int64, device=CARD)

    def values(*shape: int) -> Tensor:
        return torch.zeros(STREAMS, *shape, device=CARD)

    return PaddedBatch(
        mel=values(CHUNKS, config.features.mel_bins, CHUNK_MEL_FRAMES).flatten(0, 1),
        ids=ids(POSITIONS), labels=ids(POSITIONS), audio_at=ids(CHUNKS * 10),
        decision_at=ids(CHUNKS), respond=values(CHUNKS),
        recent_sounds=values(CHUNKS, len(CLASSES)),
        recent_words=values(CHUNKS, len(word_vocabulary())), phones=ids(CHUNKS * 10),
        active=values(CHUNKS * 10, len(CLASSES)),
    )  # fmt: skip


def test_features_stay_where_the_sound_is(config: ModelConfig) -> None:
    sound = torch.zeros(STREAMS, CHUNKS * FRAME_SAMPLES + LOOKAHEAD_SAMPLES, device="meta")
    features = stream_features(sound, config.features)
    assert features.device.type == "meta"
    assert features.shape == (STREAMS, CHUNKS, config.features.mel_bins, CHUNK_MEL_FRAMES)


def test_losses_and_optimisers_stay_on_the_card(config: ModelConfig) -> None:
    settings = NanoSettings().on_card()
    with FakeTensorMode(shape_env=ShapeEnv()):
        with CARD:
            tower, decoder = AudioTower(config.tower), Decoder(config.decoder)
            heads = AuxiliaryHeads(config.decoder.width)
        made = batch(config)
        losses = compute_losses(tower, decoder, heads, config.layout, made, settings, 1.0)
        assert losses.total.device == CARD
        modules = (tower, decoder, heads)
        optimisers = make_optimisers(modules, settings)
        for module in modules:
            for parameter in module.parameters():
                parameter.grad = torch.zeros_like(parameter)
        for optimiser in optimisers:
            optimiser.step()
            held = [
                value
                for state in optimiser.state.values()
                for value in state.values()
                if isinstance(value, torch.Tensor)
            ]
            assert held
            assert {value.device for value in held} == {CARD}
