"""How a device is written, on the command line and in a runtime's URL."""

from __future__ import annotations

import pytest

from interject.model_runtime import open_runtime
from interject.model_runtime.device_choice import DeviceChoice, read_slots, split_place
from interject.model_runtime.protocol import RuntimeFailure


@pytest.mark.parametrize(
    ("place", "name", "choice"),
    [
        ("nano", "nano", DeviceChoice()),
        ("nano?device=cuda", "nano", DeviceChoice("cuda")),
        ("/a/b?device=cuda:3&dtype=float32", "/a/b", DeviceChoice("cuda:3", "float32")),
        ("nano?dtype=bfloat16", "nano", DeviceChoice(dtype="bfloat16")),
        ("nano?context=768", "nano", DeviceChoice(context="768")),
        (
            "nano?dtype=float32&kv_cache_dtype=fp8_e4m3",
            "nano",
            DeviceChoice(dtype="float32", kv_cache_dtype="fp8_e4m3"),
        ),
        ("a?b", "a?b", DeviceChoice()),
    ],
)
def test_a_place_comes_apart(place: str, name: str, choice: DeviceChoice) -> None:
    assert split_place(place) == (name, choice)


@pytest.mark.parametrize(
    ("url", "choice", "wanted"),
    [
        ("embedded:nano", DeviceChoice(), "embedded:nano"),
        ("redis://h:1/0", DeviceChoice(), "redis://h:1/0"),
        ("embedded:nano", DeviceChoice("cuda:1"), "embedded:nano?device=cuda:1"),
        ("local:/m", DeviceChoice("cpu", "bfloat16"), "local:/m?device=cpu&dtype=bfloat16"),
        ("embedded:nano", DeviceChoice(context="768"), "embedded:nano?context=768"),
        (
            "embedded:nano",
            DeviceChoice(kv_cache_dtype="fp8_e4m3"),
            "embedded:nano?kv_cache_dtype=fp8_e4m3",
        ),
        ("embedded:nano?device=cpu", DeviceChoice(), "embedded:nano?device=cpu"),
    ],
)
def test_options_go_into_a_url_and_come_out_of_it(
    url: str, choice: DeviceChoice, wanted: str
) -> None:
    assert choice.applied_to(url) == wanted
    if choice != DeviceChoice():
        assert split_place(wanted)[1] == choice


@pytest.mark.parametrize("url", ["redis://h:1/0", "rediss://h:1/0", "local:unix:/tmp/a.sock"])
def test_what_runs_already_has_a_device(url: str) -> None:
    with pytest.raises(RuntimeFailure, match="runs already: give them to its worker or server"):
        DeviceChoice("cuda").applied_to(url)


def test_a_device_is_named_once() -> None:
    with pytest.raises(RuntimeFailure, match="has settings already; leave out"):
        DeviceChoice("cuda").applied_to("embedded:nano?device=cpu")


@pytest.mark.parametrize("device", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cuda:1000"])
def test_a_device_that_is_none(device: str) -> None:
    with pytest.raises(RuntimeFailure, match="must be auto, cpu, cuda, or cuda:N"):
        DeviceChoice(device)


@pytest.mark.parametrize("context", ["", "0", "-1", "1e3", "07", "12345678", "all"])
def test_a_context_that_is_none(context: str) -> None:
    with pytest.raises(RuntimeFailure, match=r"must be auto, or the positions that a session's"):
        DeviceChoice(context=context)


@pytest.mark.parametrize("dtype", ["", "fp8", "fp8_e5m2", "bfloat16"])
def test_a_type_that_no_slot_has(dtype: str) -> None:
    with pytest.raises(RuntimeFailure, match="must be one of auto, fp8_e4m3"):
        DeviceChoice(kv_cache_dtype=dtype)


@pytest.mark.parametrize("dtype", ["", "float16", "bf16"])
def test_a_type_that_is_none(dtype: str) -> None:
    with pytest.raises(RuntimeFailure, match="must be one of auto, float32, bfloat16"):
        DeviceChoice(dtype=dtype)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("embedded:nano?device=gpu", "device 'gpu': must be"),
        ("embedded:nano?dtype=int8", "dtype 'int8': must be"),
        ("embedded:nano?context=0", "context '0': must be auto, or the positions"),
        ("embedded:nano?context=1025", "context 1025: nano remembers 1024 positions at most"),
        ("local:nano?context=many", "context 'many': must be auto, or the positions"),
        ("embedded:nano?kv_cache_dtype=fp8", "kv_cache_dtype 'fp8': must be one of auto, fp8_e4m3"),
        ("embedded:nano?colour=red", "'colour': no setting of a model's URL"),
        ("embedded:nano?device=", "device '': must be"),
        ("local:nano?device=gpu", "device 'gpu': must be"),
        ("local:unix:/tmp/a.sock?device=cuda", "has settings of its own"),
    ],
)
def test_a_url_that_cannot_be_meant(url: str, said: str) -> None:
    with pytest.raises(RuntimeFailure, match=said.replace("?", r"\?")):
        open_runtime(url)


def test_slots_are_a_number_or_auto() -> None:
    assert read_slots("auto") is None
    assert read_slots("12") == 12
    for text in ("0", "-1", "many", "", "1.5"):
        with pytest.raises(RuntimeFailure, match="a worker needs at least one slot"):
            read_slots(text)
