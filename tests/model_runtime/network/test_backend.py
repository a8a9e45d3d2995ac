"""Kernels that a card computes wrongly are not used there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.network.backend import Backend, EncodedChunks, TorchBackend, checked
from interject.model_runtime.network.kv_cache import KVCache
from tests.model_runtime.worlds import small_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from interject.model_runtime.network.attention import Segment


class AnotherRow(TorchBackend):
    """Hands out each row's neighbour."""

    def forward(self, rows: Tensor, segments: Sequence[Segment], wanted: Sequence[int]) -> Tensor:
        return super().forward(rows, segments, wanted).roll(1, dims=0)


class Deaf(TorchBackend):
    """Encodes nothing that is a number."""

    def encode(
        self, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> EncodedChunks:
        chunks = super().encode(windows, sessions, loudest)
        return chunks._replace(embeddings=chunks.embeddings * torch.nan)


def backend(kind: type[TorchBackend] = TorchBackend) -> TorchBackend:
    model = small_model()
    cache = KVCache(model.config.decoder, 2)
    return kind(model.tower, model.decoder, cache, model.config.features)


def test_kernels_that_compute_what_the_modules_do_are_used(
    caplog: pytest.LogCaptureFixture,
) -> None:
    kernels, modules = backend(), backend()
    assert checked(lambda: kernels, modules) is kernels
    assert caplog.text == ""
    assert not modules.cache.keys.any()
    assert not modules.cache.values.any()


@pytest.mark.parametrize("kind", [AnotherRow, Deaf])
def test_kernels_that_compute_something_else_are_not(
    kind: type[TorchBackend], caplog: pytest.LogCaptureFixture
) -> None:
    modules = backend()
    assert checked(lambda: backend(kind), modules) is modules
    assert "compute something else" in caplog.text


def test_kernels_that_do_not_compile_are_not(caplog: pytest.LogCaptureFixture) -> None:
    def no_kernels() -> Backend:
        raise ValueError("no such instruction")

    modules = backend()
    assert checked(no_kernels, modules) is modules
    assert "PyTorch's modules compute there" in caplog.text


def test_a_device_that_has_failed_is_not_the_kernels_fault() -> None:
    def no_device() -> Backend:
        raise torch.AcceleratorError("an illegal memory access was encountered")

    with pytest.raises(torch.AcceleratorError):
        checked(no_device, backend())
