"""A model is recognised by its weights, wherever it is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from interject.model_runtime.checkpoint import fingerprint, load_checkpoint, save_native
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from pathlib import Path


def test_a_checkpoint_has_one_fingerprint(tmp_path: Path) -> None:
    save_native(small_model(), tmp_path)
    known = fingerprint(small_model())
    assert known.startswith("small:")
    assert fingerprint(load_checkpoint(tmp_path)) == known
    assert fingerprint(load_checkpoint(tmp_path, dtype=torch.bfloat16)) == known


def test_another_model_has_another(tmp_path: Path) -> None:
    save_native(small_model(), tmp_path)
    changed = load_checkpoint(tmp_path)
    changed.decoder.head.weight.data[7, 3] += 1.0
    models = [small_model(), small_model(seed=3), small_model(context=256), changed]
    models.append(small_model().with_context(128))
    assert len({fingerprint(model) for model in models}) == len(models)
