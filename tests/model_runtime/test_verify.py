"""What `verify` counts, and what it says of files that it cannot use."""

from __future__ import annotations

import json
import math
import wave
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from interject.model_runtime.checkpoint import CheckpointError, load_checkpoint, save_native
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.network.architecture import FeatureConfig
from interject.model_runtime.network.features import whole_clip_log_mel
from interject.model_runtime.protocol import (
    Decision,
    Event,
    ReplyDelta,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from interject.model_runtime.verify import CaseResult, Golden, read_golden, verify
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.numerics
CHUNK: dict[str, Any] = {"silent": 0.5, "respond": 1.5, "tokens": [1, 2]}
CONTENT: dict[str, Any] = {
    "tolerance": 0.001,
    "cases": [{"wav": "a.wav", "features": "streaming", "chunks": [CHUNK, CHUNK]}],
    "prompt_ids": [260, 262, 264, 264, 104, 105, 263],
    "max_reply_tokens": 4,
    "made_by": "a later version",
}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("verify")
    save_native(small_model(), directory)
    return directory


def write_wav(path: Path, pcm: Any, *, rate_hz: int = 16_000, channels: int = 1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setframerate(rate_hz)
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.writeframes(np.asarray(pcm, np.int16).tobytes())


def golden(**changes: Any) -> Golden:
    return Golden.model_validate(CONTENT | changes)


def compared(checkpoint: Path, audio: Path, given: Golden) -> CaseResult:
    write_wav(audio / "a.wav", noise(0.7))
    return next(verify(checkpoint, given, audio))


def failure(checkpoint: Path, audio: Path, given: Golden | None = None) -> str:
    with pytest.raises(RuntimeFailure) as caught:
        list(verify(checkpoint, given or golden(), audio))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def case(*chunks: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"wav": "a.wav", "features": "offline", "chunks": list(chunks)}]


def test_differences_are_counted(checkpoint: Path, tmp_path: Path) -> None:
    result = compared(checkpoint, tmp_path, golden())
    assert (result.wav, result.chunks, result.features) == ("a.wav", 2, "streaming")
    assert result.largest_logit_error > 0.1
    assert result.differing_tokens > 0
    assert not result.matches


def test_a_logit_that_is_no_number_does_not_match(checkpoint: Path, tmp_path: Path) -> None:
    broken = case(CHUNK | {"silent": math.nan}, CHUNK)
    result = compared(checkpoint, tmp_path, golden(cases=broken))
    assert result.largest_logit_error == math.inf
    assert not result.matches


@pytest.mark.parametrize(
    ("error", "tokens", "matches"),
    [(0.001, 0, True), (0.0011, 0, False), (0.0, 1, False), (math.nan, 0, False)],
)
def test_what_matches(error: float, tokens: int, matches: bool) -> None:
    assert CaseResult("a.wav", "offline", 2, error, tokens, 0, 0.001).matches is matches


def heard(checkpoint: Path, audio: Path) -> list[dict[str, Any]]:
    """What the engine itself does, as the chunks of a case."""
    write_wav(audio / "a.wav", noise(4.0))
    model = load_checkpoint(checkpoint)
    layout = replace(model.config.layout, banned=(), emotion_slot=False)
    engine = Engine(replace(model, config=replace(model.config, layout=layout)), slots=1)
    events: list[Event] = []
    options = SessionOptions(
        "a",
        prompt_ids=tuple(golden().prompt_ids),
        max_reply_tokens=golden().max_reply_tokens,
        sampling=Sampling(repetition_window=0),
    )
    loudest = whole_clip_log_mel(torch.from_numpy(noise(4.0)) / 32768.0, FeatureConfig()).max()
    engine.open(options, events.append, loudest=float(loudest))
    for frame in frames(noise(4.0)):
        engine.push("a", frame)
        while engine.step():
            pass
    chunks: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, Decision):
            chunks.append({"silent": event.silent_logit, "respond": event.respond_logit})
            chunks[-1]["tokens"] = []
        elif isinstance(event, ReplyDelta):
            chunks[-1]["tokens"] += event.token_ids
    return chunks


SMALL, EVERYTHING = 0.02, 1_000.0
"""With the large one every choice is a near tie, and every logit close enough."""


@pytest.mark.parametrize(("tolerance", "tie"), [(SMALL, False), (EVERYTHING, True)])
@pytest.mark.parametrize("of", ["decision", "token"])
def test_the_reference_s_choice_is_taken_in_a_near_tie_only(
    of: str, tolerance: float, tie: bool, checkpoint: Path, tmp_path: Path
) -> None:
    chunks = heard(checkpoint, tmp_path)
    same = golden(cases=case(*chunks), tolerance=SMALL)
    assert next(verify(checkpoint, same, tmp_path)).matches
    last = next(chunk for chunk in reversed(chunks) if chunk["tokens"])
    if of == "decision":
        last |= {"silent": last["respond"], "respond": last["silent"], "tokens": []}
    else:
        last["tokens"][-1] ^= 1
    result = next(verify(checkpoint, golden(cases=case(*chunks), tolerance=tolerance), tmp_path))
    assert result.matches is tie
    assert (result.near_ties > 0) is tie


def test_no_tolerance_is_below_what_rounding_explains(checkpoint: Path, tmp_path: Path) -> None:
    large = case(CHUNK | {"silent": 1e6}, CHUNK)
    assert compared(checkpoint, tmp_path, golden(cases=large)).tolerance > 1
    assert compared(checkpoint, tmp_path, golden()).tolerance == 0.001


def test_the_wrong_number_of_chunks(checkpoint: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(1.3))
    assert "has 4 chunks, the cases name 2" in failure(checkpoint, tmp_path)


def test_prompt_ids_outside_the_vocabulary(checkpoint: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(0.7))
    said = failure(checkpoint, tmp_path, golden(prompt_ids=[1, 151_609]))
    assert said == "token id 151609 is outside 0..287"
    assert "empty" in failure(checkpoint, tmp_path, golden(prompt_ids=[]))


def test_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such directory"):
        list(verify(tmp_path / "none", golden(), tmp_path))


def test_wavs_that_cannot_be_used(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    assert "a.wav: cannot be read as WAV" in failure(checkpoint, tmp_path)
    path.write_text("not sound at all, just text")
    assert "a.wav: cannot be read as WAV" in failure(checkpoint, tmp_path)
    path.write_bytes(b"")
    assert "a.wav: cannot be read as WAV" in failure(checkpoint, tmp_path)
    write_wav(path, noise(0.7), rate_hz=8_000)
    assert "a.wav: must be 16 kHz mono with 16 bits a sample" in failure(checkpoint, tmp_path)
    write_wav(path, noise(0.7), channels=2)
    assert "a.wav: must be 16 kHz mono" in failure(checkpoint, tmp_path)
    write_wav(path, [])
    assert "a.wav: holds no sound" in failure(checkpoint, tmp_path)


def test_a_wav_that_was_cut(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write_wav(path, noise(0.7))
    path.write_bytes(path.read_bytes()[:20_001])
    assert "a.wav: is cut short: 19957 of 22400 bytes" in failure(checkpoint, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "valid dictionary"),
        ("{}", "tolerance: Field required"),
        (json.dumps(CONTENT | {"max_reply_tokens": "many"}), "max_reply_tokens: Input should be"),
        (json.dumps(CONTENT | {"cases": [{"wav": "a"}]}), "cases.0.features: Field required"),
        (json.dumps(CONTENT | {"cases": case({"silent": 1})}), "cases.0.chunks.0.respond"),
    ],
)
def test_a_golden_file_of_another_format(content: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(content)
    with pytest.raises(RuntimeFailure) as caught:
        read_golden(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


def test_no_golden_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match=r"golden\.json: cannot be read \(No such file"):
        read_golden(tmp_path / "golden.json")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(RuntimeFailure, match="is not JSON"):
        read_golden(tmp_path / "binary.json")


def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "golden.json"
    path.write_text(json.dumps(CONTENT))
    assert read_golden(path) == golden()
