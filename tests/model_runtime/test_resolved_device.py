"""What was asked for, held against what a machine has."""

from __future__ import annotations

import pytest
import torch

from interject.model_runtime.cuda import TorchCuda
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.network.e4m3 import E4M3
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.resolved_device import ResolvedDevice, resolve_device
from tests.fakes.cuda import FakeCuda, card

OLD = card(name="Tesla T4", capability=(7, 5), gib=15)
TWO = FakeCuda((card(), card(1, name="NVIDIA L4", capability=(8, 9), gib=22)))


def test_auto_is_the_cpu_where_there_is_no_gpu() -> None:
    wanted = ResolvedDevice(torch.device("cpu"), torch.float32)
    for cuda in (FakeCuda(), FakeCuda(loaded=None), FakeCuda(built_for=None)):
        assert resolve_device(DeviceChoice(), cuda) == wanted


def test_auto_takes_the_first_gpu_and_bfloat16() -> None:
    found = resolve_device(DeviceChoice(), TWO)
    assert found == ResolvedDevice(torch.device("cuda:0"), torch.bfloat16, TWO.found[0])
    assert found.note == "cuda:0 (NVIDIA H200), bfloat16"


@pytest.mark.parametrize(
    ("choice", "device", "dtype"),
    [
        (DeviceChoice("cpu"), "cpu", torch.float32),
        (DeviceChoice("cpu", "bfloat16"), "cpu", torch.bfloat16),
        (DeviceChoice("cuda"), "cuda:0", torch.bfloat16),
        (DeviceChoice("cuda:1"), "cuda:1", torch.bfloat16),
        (DeviceChoice("cuda:1", "float32"), "cuda:1", torch.float32),
    ],
)
def test_what_was_asked_for(choice: DeviceChoice, device: str, dtype: torch.dtype) -> None:
    found = resolve_device(choice, TWO)
    assert (found.device, found.dtype) == (torch.device(device), dtype)


def test_an_older_gpu_computes_in_float32_and_says_why() -> None:
    assert resolve_device(DeviceChoice(), FakeCuda((OLD,))).dtype is torch.float32
    with pytest.raises(RuntimeFailure, match=r"Tesla T4 \(sm_75\) cannot compute with it"):
        resolve_device(DeviceChoice("cuda", "bfloat16"), FakeCuda((OLD,)))


def test_slots_in_eight_bits_need_a_gpu_that_converts_them_or_a_cpu() -> None:
    choice = DeviceChoice(kv_cache_dtype="fp8_e4m3")
    for cuda in (TWO, FakeCuda()):
        assert resolve_device(choice, cuda).kv_cache_dtype is E4M3
        assert resolve_device(DeviceChoice(), cuda).kv_cache_dtype is None
    a100 = FakeCuda((card(name="NVIDIA A100", capability=(8, 0)),))
    with pytest.raises(RuntimeFailure) as caught:
        resolve_device(choice, a100)
    assert str(caught.value) == (
        "kv_cache_dtype fp8_e4m3: NVIDIA A100 (sm_80) cannot convert it, sm_89 and later can; "
        "leave it out"
    )


@pytest.mark.parametrize(
    ("cuda", "said"),
    [
        (FakeCuda(built_for=None), "this PyTorch is built for CPUs only; install one for CUDA"),
        (FakeCuda(loaded=None), "no NVIDIA driver is loaded; install one"),
        (
            FakeCuda(),
            "driver 580.65.06 offers PyTorch, built for CUDA 13.0, no GPU; see nvidia-smi",
        ),
        (TWO, r"no such GPU; here are cuda:0 \(NVIDIA H200\), cuda:1 \(NVIDIA L4\)"),
    ],
)
def test_a_gpu_that_is_not_there(cuda: FakeCuda, said: str) -> None:
    with pytest.raises(RuntimeFailure, match=f"device cuda:2: .*{said}") as caught:
        resolve_device(DeviceChoice("cuda:2"), cuda)
    assert "\n" not in str(caught.value)


def test_pytorch_answers() -> None:
    """Whatever this machine has."""
    cuda = TorchCuda()
    for found in cuda.cards():
        assert 0 < cuda.free_bytes(found) <= found.total_bytes
    assert cuda.cards() == () or cuda.build() is not None
    assert cuda.driver() is None or cuda.driver()
