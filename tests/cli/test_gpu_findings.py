"""What `doctor` says of GPUs."""

from __future__ import annotations

import pytest

from interject.cli.doctor.finding import State
from interject.cli.doctor.gpu import gpus
from interject.model_runtime.device_choice import DeviceChoice
from tests.fakes.cuda import FakeCuda, card

BUSY = "CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors might be"


def test_every_card_has_a_row_with_its_room() -> None:
    cards = (card(), card(1, name="Tesla T4", capability=(7, 5), gib=15))
    first, second = gpus(FakeCuda(cards, free_gib=14.0), DeviceChoice())
    assert [first.part, second.part] == ["gpu cuda:0", "gpu cuda:1"]
    assert first.state is second.state is State.OK
    assert first.detail.startswith(
        "NVIDIA H200 (sm_90), 14.0 of 140.0 GiB free, driver 580.65.06, CUDA 13.0; room for "
    )
    assert first.detail.endswith(
        " sessions of the released shape (each remembers 126 s) in bfloat16; measured to decide in "
        "time for 512 with --eviction exact or 1000 with --eviction rotate"
    )
    assert "1024 sessions of nano (each remembers 31 s) or" in first.detail
    assert second.detail.endswith(
        "0 sessions of the released shape (each remembers 126 s) in float32"
    ), "14 GiB of weights"


def test_shorter_memories_leave_room_for_more_sessions() -> None:
    cuda = FakeCuda((card(),), free_gib=139.0)
    (whole,), (shorter,), (none,) = (
        gpus(cuda, DeviceChoice(context=context)) for context in ("auto", "3328", "5000")
    )
    assert "or 838 sessions of the released shape (each remembers 126 s) in" in whole.detail
    assert (
        "room for 1024 sessions of the released shape with 3328 positions (each remembers 102 s) in"
        in shorter.detail
    )
    assert "room for no model: none remembers 5000 positions" in none.detail


def test_slots_in_eight_bits_leave_room_for_more_sessions() -> None:
    choice = DeviceChoice(kv_cache_dtype="fp8_e4m3")
    cards = (card(gib=79), card(1, name="NVIDIA A100", capability=(8, 0), gib=79))
    first, second = gpus(FakeCuda(cards, free_gib=79.0), choice)
    assert "or 840 sessions of the released shape (each remembers 126 s) in" in first.detail
    assert first.detail.partition(";")[2].partition(";")[0].endswith("slots in fp8_e4m3")
    assert second.detail.endswith("room for no slots in fp8_e4m3: they need sm_89 or later")


@pytest.mark.parametrize(
    ("cuda", "reason"),
    [
        (FakeCuda(built_for=None), "this PyTorch is built for CPUs only"),
        (FakeCuda(loaded=None), "no NVIDIA driver is loaded"),
        (FakeCuda(), "see nvidia-smi and CUDA_VISIBLE_DEVICES"),
    ],
)
def test_without_a_gpu_the_reason_is_said_and_nothing_blocks(cuda: FakeCuda, reason: str) -> None:
    (finding,) = gpus(cuda, DeviceChoice())
    assert (finding.part, finding.state, finding.blocks) == ("gpu", State.OPTIONAL, False)
    assert reason in finding.detail
    assert finding.remedy == "see docs/gpu.md"


def test_a_card_that_does_not_answer_is_a_row_as_well() -> None:
    (finding,) = gpus(FakeCuda((card(),), fault=BUSY), DeviceChoice())
    assert (finding.part, finding.state) == ("gpu cuda:0", State.OPTIONAL)
    assert finding.detail == (
        "cuda:0 (NVIDIA H200) cannot be used (CUDA error: CUDA-capable device(s) is/are busy or "
        "unavailable); see nvidia-smi, or use cpu"
    )
