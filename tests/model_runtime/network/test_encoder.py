"""The tower equals that of transformers, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.checkpoint import load_checkpoint
from interject.model_runtime.network.encoder import MAX_MEL_FRAMES, AudioTower, sinusoids
from interject.model_runtime.rounding import assert_same, tower_terms
from tests.model_runtime.reference import (
    DECODER,
    TOWER,
    litgpt_tensors,
    reference_decoder,
    reference_tower,
    write_released,
)

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor
    from transformers.models.qwen2_5_omni.modeling_qwen2_5_omni import Qwen2_5OmniAudioEncoder

pytestmark = pytest.mark.numerics
TERMS = tower_terms(TOWER)
Pair = tuple["Qwen2_5OmniAudioEncoder", "AudioTower"]


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    theirs = reference_tower()
    directory: Path = tmp_path_factory.mktemp("tower") / "released"
    decoder = litgpt_tensors(reference_decoder(), DECODER)
    write_released(directory, theirs.state_dict(), decoder)
    return theirs, load_checkpoint(directory).tower


def mel(columns: int, seed: int = 0) -> Tensor:
    return torch.randn(128, columns, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("columns", [40, 80, 120, 160, 200])
@torch.inference_mode()
def test_one_window_equals_transformers(towers: Pair, columns: int) -> None:
    theirs, ours = towers
    window = mel(columns, seed=columns)
    wanted = theirs(window, feature_lens=torch.tensor([columns])).last_hidden_state
    assert wanted.shape == (columns // 4, 64)
    terms = tower_terms(TOWER, columns=columns // 2)
    assert_same(ours(window[None])[0], wanted, terms=terms)


@torch.inference_mode()
def test_chunks_of_a_stream_equal_transformers_one_at_a_time(towers: Pair) -> None:
    theirs, ours = towers
    chunks = mel(40 * 6).unflatten(1, (6, 40)).transpose(0, 1)
    wanted = torch.stack(
        [theirs(chunk, feature_lens=torch.tensor([40])).last_hidden_state for chunk in chunks]
    )
    assert_same(ours(chunks), wanted, terms=TERMS)


@torch.inference_mode()
def test_a_chunk_does_not_depend_on_its_batch(towers: Pair) -> None:
    _, ours = towers
    chunks = torch.stack([mel(40, seed) for seed in range(5)])
    alone = torch.cat([ours(chunk[None]) for chunk in chunks])
    assert_same(ours(chunks), alone, terms=TERMS)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_tower_is_whole_wherever_it_is_built(device: str) -> None:
    """As `meta` here, so `cuda` elsewhere: nothing is left behind on the CPU."""
    with torch.device(device):
        tower = AudioTower(TOWER)
    parts = [*tower.parameters(), *tower.buffers()]
    assert {part.device.type for part in parts} == {device}
    assert tower(torch.empty(3, 128, 40, device=device)).shape == (3, 10, TOWER.output)


def test_positions_that_no_checkpoint_has_are_put_where_the_weights_are(towers: Pair) -> None:
    with torch.device("meta"):
        tower = AudioTower(TOWER)
    tower.place_positions("cpu")
    assert torch.equal(tower.positions, sinusoids(MAX_MEL_FRAMES // 2, TOWER.width))
    assert torch.equal(tower.positions, towers[1].positions)
