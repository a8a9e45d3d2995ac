"""Every option has a type, a range and a size; what lies outside is refused with a reason."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import to_json

from interject.config.profile import Profile, SamplingSettings
from interject.model_runtime import limits
from interject.model_runtime.protocol import (
    Emotion,
    Frame,
    InvalidInput,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from interject.model_runtime.remote import options_codec, wire

if TYPE_CHECKING:
    from collections.abc import Callable

NO_NUMBERS: tuple[Any, ...] = (math.nan, math.inf, -math.inf, "0.5", True, None, [], 10**5_000)
WRONG: dict[str, tuple[Any, ...]] = {
    "session_id": ("", "x" * 257, "é" * 129, "\ud800", 7, None, b"a"),
    "system_prompt": ("x" * 16_385, "é" * 8_193, "\ud800", None, 3),
    "prompt_ids": ((1,) * 4_097, [1, 2], (-1,), (2**31,), (1.0,), (True,), "12"),
    "threshold": (*NO_NUMBERS, 7, -0.1, 1.0000001),
    "mode": ("speak", "shout", None, 1),
    "max_reply_tokens": (*NO_NUMBERS, 0, -1, 4_097, 8.0),
    "sampling": (None, {}, "greedy"),
}
WRONG_SAMPLING: dict[str, tuple[Any, ...]] = {
    "temperature": (*NO_NUMBERS, 1e-300, 1e-40, 1e-38, 0.009, 10.1, 1e308, -0.5),
    "top_k": (*NO_NUMBERS, -1, 1_000_001, 3.0),
    "top_p": (*NO_NUMBERS, 0, -0.5, 1.5, 1e-300),
    "seed": (*NO_NUMBERS, 2**63, -(2**63) - 1, 1.0),
    "repetition_window": (*NO_NUMBERS, -1, 257, 10**9),
    "repetition_limit": (*NO_NUMBERS, 0, 1, 17),
}


def cases(
    wrong: dict[str, tuple[Any, ...]], wanted: Callable[[object], bool] = lambda value: True
) -> list[Any]:
    values = [(field, value) for field, some in wrong.items() for value in some if wanted(value)]
    return [pytest.param(*case, id=f"{case[0]}-{n}") for n, case in enumerate(values)]


def refusal(options: type, settings: dict[str, Any]) -> str:
    with pytest.raises(InvalidInput) as caught:
        options(**settings)
    assert isinstance(caught.value, RuntimeFailure)
    assert isinstance(caught.value, ValueError)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 120
    return message


@pytest.mark.parametrize(("field", "value"), cases(WRONG))
def test_an_option_out_of_range_is_refused(field: str, value: object) -> None:
    message = refusal(SessionOptions, {"session_id": "a", field: value})
    assert field in message or "prompt id" in message


@pytest.mark.parametrize(("field", "value"), cases(WRONG_SAMPLING))
def test_sampling_out_of_range_is_refused(field: str, value: object) -> None:
    assert field in refusal(Sampling, {field: value})


def test_the_ends_of_every_range_are_allowed() -> None:
    for threshold in (0, 0.0, 1, 1.0):
        SessionOptions("a", threshold=threshold)
    SessionOptions("é" * 128, "é" * 8_192, (0, 2**31 - 1) * 2_048, max_reply_tokens=4_096)
    Sampling(0, 0, 1e-6, -(2**63), 0, 2)
    Sampling(10, 1_000_000, 1, 2**63 - 1, 256, 16)
    Sampling(0.01)


def json_of(options: SessionOptions, **changes: object) -> bytes:
    """As a client writes it that checks nothing, in another language."""
    return to_json(asdict(options) | changes, inf_nan_mode="constants")


def differs_in_json(value: object) -> bool:
    """JSON has lists for tuples, words for enums, and no half characters."""
    return value not in ([1, 2], "speak", {}, b"a", "\ud800", 10**5_000)


@pytest.mark.parametrize(("field", "value"), cases(WRONG_SAMPLING, differs_in_json))
def test_a_worker_refuses_the_same_sampling_from_the_wire(field: str, value: object) -> None:
    with pytest.raises(wire.WireError, match=r"^options: ") as caught:
        options_codec.decode_options(json_of(SessionOptions("a"), sampling={field: value}))
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(("field", "value"), cases(WRONG, differs_in_json))
def test_a_worker_refuses_the_same_options_from_the_wire(field: str, value: object) -> None:
    with pytest.raises(wire.WireError, match=r"^options: ") as caught:
        options_codec.decode_options(json_of(SessionOptions("a"), **{field: value}))
    assert "xxx" not in str(caught.value)


def test_a_worker_refuses_a_number_of_any_length() -> None:
    with pytest.raises(wire.WireError, match=r"^options: "):
        options_codec.decode_options(
            b'{"session_id":"a","sampling":{"seed":1' + b"0" * 5_000 + b"}}"
        )


def test_options_have_a_size() -> None:
    with pytest.raises(wire.WireError, match="70000 bytes, at most 65536"):
        options_codec.decode_options(b" " * 70_000)
    with pytest.raises(InvalidInput, match="at most 65536 are taken"):
        options_codec.encode_options(SessionOptions("a", "\x01" * limits.MAX_PROMPT_BYTES))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("update", '{"threshold":7}'),
        ("update", '{"threshold":NaN}'),
        ("update", '{"threshold":"0.5"}'),
        ("update", '{"threshold":true}'),
        ("cancel", '{"reply_id":-1,"heard_chars":0}'),
        ("cancel", '{"reply_id":0,"heard_chars":-3}'),
        ("cancel", '{"reply_id":0,"heard_chars":1e300}'),
        ("cancel", '{"reply_id":99999999999999999999,"heard_chars":0}'),
        ("heard", '{"reply_id":0,"chars":2147483648}'),
        ("heard", '{"reply_id":true,"chars":0}'),
        ("say", '{"text":"%s"}' % ("x" * 8_193)),
        ("say", '{"text":3}'),
        ("text_turn", '{"text":"%s"}' % ("é" * 4_097)),
        ("text_turn", '{"text":"x","answer":"yes"}'),
    ],
)
def test_a_control_out_of_range_is_refused(kind: str, data: str) -> None:
    with pytest.raises(wire.WireError, match=rf"^{kind}: ") as caught:
        wire.decode_input({b"v": b"2", b"k": kind.encode(), b"d": data.encode()})
    assert "xxx" not in str(caught.value)


def test_a_client_learns_of_it_before_anything_is_sent() -> None:
    with pytest.raises(InvalidInput, match="text has at least 8193 bytes"):
        wire.Say("x" * 8_193, Emotion.HAPPY)
    with pytest.raises(InvalidInput, match="threshold is 7"):
        wire.Update(7)
    with pytest.raises(ValueError, match="seq is 4294967296; it must be from 0 to 4294967295"):
        Frame(2**32, 0.0, bytes(12_800))


numbers = st.one_of(st.floats(), st.integers(), st.sampled_from([0.01, 10, 1e-6, 1, 0]))


@given(st.sampled_from(["temperature", "top_k", "top_p", "seed"]), numbers)
def test_a_profile_takes_what_a_session_takes(field: str, value: float) -> None:
    try:
        Sampling(**{field: value})  # type: ignore[arg-type]
    except InvalidInput:
        with pytest.raises(ValidationError):
            SamplingSettings(**{field: value})  # type: ignore[arg-type]
    else:
        assert getattr(SamplingSettings(**{field: value}), field) == value  # type: ignore[arg-type]


@pytest.mark.parametrize("prompt", ["x" * 16_384, "é" * 8_192])
def test_a_profile_has_a_prompt_of_the_same_length(prompt: str) -> None:
    profile = Profile(name="a", system_prompt=prompt)
    assert replace(SessionOptions("a"), system_prompt=profile.system_prompt)
    with pytest.raises(ValidationError, match="16384 bytes"):
        Profile(name="a", system_prompt=prompt + "x")
