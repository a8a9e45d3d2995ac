"""The engine does what the reference implementation does."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
import torch
from safetensors.torch import load_file

from interject.model_runtime.checkpoint import load_checkpoint, save_native
from interject.model_runtime.verify import read_golden, verify

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


pytestmark = pytest.mark.numerics


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over the sorted names and their float32 bytes."""
    hasher = hashlib.sha256()
    for name in sorted(tensors):
        hasher.update(name.encode())
        hasher.update(tensors[name].float().contiguous().numpy().tobytes())
    return hasher.hexdigest()


def test_the_checkpoint_is_the_one_that_the_figures_were_made_with(
    tiny_checkpoint: Path, conformance: Path
) -> None:
    stated = json.loads((conformance / "golden.json").read_text())["checkpoint"]
    decoder: dict[str, torch.Tensor] = {}
    for shard in sorted(tiny_checkpoint.glob("*.safetensors")):
        decoder |= load_file(shard)
    tower = torch.load(next(tiny_checkpoint.glob("*.pth")), weights_only=True)
    assert digest(decoder) == stated["lm_sha256"]
    assert digest(tower) == stated["tower_sha256"]


@pytest.mark.parametrize("layout", ["released", "native"])
def test_every_case_matches(
    layout: str, tiny_checkpoint: Path, conformance: Path, tmp_path: Path
) -> None:
    checkpoint = tiny_checkpoint
    if layout == "native":
        checkpoint = tmp_path / "native"
        save_native(load_checkpoint(tiny_checkpoint), checkpoint)
    golden = read_golden(conformance / "golden.json")
    results = list(verify(checkpoint, golden, conformance))
    assert [result.features for result in results] == ["streaming", "offline"]
    assert [result.differing_tokens for result in results] == [0, 0]
    assert max(result.largest_logit_error for result in results) <= golden.tolerance
    assert all(result.matches for result in results)
    # In neither clip does the loudest mel value come first, whatever its name says: the figures
    # are those of features clamped below the maximum of the whole clip.
    assert all(result.loudest_chunk > 0 for result in results)
