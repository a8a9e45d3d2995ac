"""A model comes to its device, or one line says why not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.capacity import (
    LEAST_MARGIN_BYTES,
    MOST_SLOTS,
    footprint,
    margin,
    slot_bytes,
)
from interject.model_runtime.checkpoint import NANO, load_checkpoint, read_config
from interject.model_runtime.checkpoint.native import CONFIG_FILE, FORMAT, VERSION
from interject.model_runtime.device_choice import DeviceChoice
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.loading import CPU_SLOTS, ModelPlan, plan_model
from interject.model_runtime.network.architecture import ModelConfig
from interject.model_runtime.network.e4m3 import E4M3
from interject.model_runtime.network.kv_cache import KVCache
from interject.model_runtime.protocol import RuntimeFailure
from interject.model_runtime.real_time import measured_load
from interject.model_runtime.resolved_device import ResolvedDevice
from tests.fakes.cuda import GIB, FakeCuda, card

if TYPE_CHECKING:
    from pathlib import Path

H200 = FakeCuda((card(),))


def test_on_a_cpu_slots_are_as_asked_or_eight() -> None:
    assert plan_model("nano", cuda=FakeCuda()).slots == CPU_SLOTS
    assert plan_model("nano", slots=3, cuda=FakeCuda()).slots == 3
    assert plan_model("no such model", slots=3, cuda=FakeCuda()).slots == 3, "not looked at yet"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, E4M3])
def test_a_slot_takes_what_the_cache_takes(dtype: torch.dtype) -> None:
    shape = read_config(NANO).decoder
    cache = KVCache(shape, 3, stored=dtype, device="meta")
    scales = 0 if cache.scales is None else cache.scales.nbytes
    assert 3 * slot_bytes(shape, dtype) == cache.keys.nbytes + cache.values.nbytes + scales


def test_weights_take_what_they_take() -> None:
    model = load_checkpoint("nano", dtype=torch.bfloat16)
    assert footprint(model.config, torch.bfloat16).weights == 2 * model.parameter_count()


def test_the_released_shape_on_an_h200() -> None:
    """Without a card: slots of 144 MiB in bfloat16, some 7 GiB of weights."""
    size = footprint(ModelConfig(), torch.bfloat16)
    assert slot_bytes(ModelConfig().decoder, torch.bfloat16) == 144 * 2**20
    assert 6 * GIB < size.weights < 9 * GIB
    fit = size.slots_in(138 * GIB, 140 * GIB)
    assert 700 < fit < 870
    assert size.needed(fit, 140 * GIB) <= 138 * GIB < size.needed(fit + 1, 140 * GIB)


def test_a_margin_is_left_and_no_more_slots_than_a_process_can_serve() -> None:
    assert margin(140 * GIB) == 7 * GIB
    assert margin(15 * GIB) == LEAST_MARGIN_BYTES
    assert plan_model("nano", cuda=H200).slots == MOST_SLOTS


def test_slots_shrink_with_free_memory() -> None:
    small = FakeCuda((card(gib=15),), free_gib=2.0)
    slots = plan_model("nano", cuda=small).slots
    assert 1 <= slots < MOST_SLOTS
    wide = plan_model("nano", DeviceChoice(dtype="float32"), cuda=small).slots
    assert wide < slots


@pytest.mark.parametrize(
    ("context", "reason"),
    [
        ("1025", "context 1025: nano remembers 1024 positions at most"),
        ("55", "context 55: a session takes at least 56 positions"),
    ],
)
def test_a_context_that_no_slot_can_have(context: str, reason: str) -> None:
    with pytest.raises(RuntimeFailure, match=f"^{reason}$"):
        plan_model("nano", DeviceChoice(context=context), cuda=FakeCuda())


@pytest.mark.parametrize("context", [56, 1024])
def test_a_context_at_its_bounds(context: int) -> None:
    plan = plan_model("nano", DeviceChoice(context=str(context)), cuda=FakeCuda())
    assert plan.load().config.decoder.context == context


def test_slots_in_eight_bits_leave_room_for_more() -> None:
    small = FakeCuda((card(gib=15),), free_gib=2.0)
    choice = DeviceChoice(kv_cache_dtype="fp8_e4m3")
    plain, coarse = (plan_model("nano", c, cuda=small).slots for c in (DeviceChoice(), choice))
    assert 1.4 * plain < coarse < 2 * plain
    assert plan_model("nano", choice, cuda=FakeCuda()).load().kv_cache_dtype is E4M3
    plan = plan_model("nano", choice, cuda=small)
    assert plan.resolved.note == "cuda:0 (NVIDIA H200), bfloat16, slots in fp8_e4m3"


def test_shorter_slots_leave_room_for_more() -> None:
    small = FakeCuda((card(gib=15),), free_gib=2.0)
    slots = [
        plan_model("nano", DeviceChoice(context=context), cuda=small).slots
        for context in ("auto", "768", "512")
    ]
    assert slots[0] < slots[1] < slots[2]


@pytest.mark.parametrize(
    ("slots", "free_gib", "said"),
    [
        (100_000, 138.0, r"nano with 100000 slots needs \d+\.\d GiB, 138.0 GiB are free; 1024 "),
        (None, 0.5, r"nano with 1 slots needs 1\.\d GiB, 0.5 GiB are free; 0 slots fit"),
    ],
)
def test_memory_that_is_too_small(slots: int | None, free_gib: float, said: str) -> None:
    small = FakeCuda((card(),) if slots else (card(gib=15),), free_gib=free_gib)
    with pytest.raises(RuntimeFailure, match=said) as caught:
        plan_model("nano", slots=slots, cuda=small)
    assert str(caught.value).startswith("cuda:0 (NVIDIA H200): ")


def test_what_was_planned_is_loaded() -> None:
    """`meta` stands for a GPU: every tensor must be there, in the planned type."""
    plan = ModelPlan("nano", ResolvedDevice(torch.device("meta"), torch.bfloat16, card()), 4)
    model = plan.load()
    tensors = [
        tensor
        for module in (model.tower, model.decoder)
        for tensor in (*module.parameters(), *module.buffers())
    ]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert model.dtype is torch.bfloat16


OUT = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of "
    "which 1.21 GiB is free. Including non-PyTorch memory, this process has 77.88 GiB in use."
)


def test_memory_that_somebody_else_took_meanwhile() -> None:
    plan = plan_model("nano", slots=4, cuda=H200)
    with pytest.raises(RuntimeFailure) as caught, plan.told():
        raise torch.OutOfMemoryError(OUT)
    assert str(caught.value) == (
        "nano cannot be loaded with 4 slots: the GPU has no memory left (CUDA out of memory. Tried "
        "to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB of which 1.21 GiB is free); "
        "start with fewer slots"
    )


def test_what_is_no_fault_of_the_device_keeps_its_own_words() -> None:
    plan = plan_model("nano", slots=4, cuda=H200)
    with pytest.raises(ZeroDivisionError), plan.told():
        raise ZeroDivisionError
    with pytest.raises(RuntimeFailure, match=r"^no such folder$"), plan.told():
        raise RuntimeFailure("no such folder")


def test_a_card_that_does_not_answer_is_told_in_one_line() -> None:
    with pytest.raises(RuntimeFailure, match=r"^cuda:0 \(NVIDIA H200\) cannot be used \(busy\); "):
        plan_model("nano", cuda=FakeCuda((card(),), fault="busy\nmore of it"))


@pytest.mark.parametrize(
    ("name", "eviction", "sessions"),
    [
        ("NVIDIA H200", Eviction.EXACT, 512),
        ("NVIDIA H200", Eviction.ROTATE, 1_000),
        ("NVIDIA H100 80GB HBM3", Eviction.EXACT, 440),
        ("NVIDIA H100 80GB HBM3", Eviction.ROTATE, None),
        ("NVIDIA L40S", Eviction.EXACT, None),
    ],
)
def test_what_a_card_decides_for_in_time_is_known_where_it_was_measured(
    name: str, eviction: Eviction, sessions: int | None
) -> None:
    shape = ModelConfig().with_context(3_328)
    assert measured_load(card(name=name), shape).of(eviction) == sessions
    assert measured_load(card(name=name), read_config(NANO)).of(eviction) is None


def test_slots_are_as_many_as_are_decided_for_in_time_unless_more_are_asked_for(
    tmp_path: Path,
) -> None:
    """Memory alone has room for 800."""
    described = {"format": FORMAT, "version": VERSION, "model": asdict(ModelConfig())}
    (tmp_path / CONFIG_FILE).write_text(json.dumps(described))
    plans = [
        plan_model(tmp_path, slots=slots, eviction=eviction, cuda=H200)
        for slots, eviction in (
            (None, Eviction.EXACT), (None, Eviction.ROTATE), (700, Eviction.EXACT),
        )
    ]  # fmt: skip
    assert [plan.in_time for plan in plans] == [512, 1_000, 512]
    assert plans[0].slots == 512
    assert 700 < plans[1].slots < 870
    assert plans[2].slots == 700
