"""Comparing a checkpoint with what the reference implementation did on it.

Each case runs through the engine. `streaming` cases are pushed frame by frame; since the reference
clamps features below the whole clip's maximum, the running maximum starts from that: where the
loudest mel value comes first, this changes nothing. `offline` cases take the same path with
the clip's maximum, which is what whole-clip features are.

Logits may differ by the tolerance that a file of cases states, or by what rounding explains
(`model_runtime.rounding`) where that is more. Decisions and tokens are the same exactly. Where two
scores are a near tie the engine takes the reference's choice: that is counted, and the rest of the
case is still compared.
"""

from __future__ import annotations

import dataclasses
import json
import math
import wave
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from interject.model_runtime.checkpoint import CheckpointError, Model, load_checkpoint
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.near_tie import DECISION, Choice, Choices, GuidedEngine
from interject.model_runtime.network.features import whole_clip_log_mel
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    SAMPLE_BYTES,
    SAMPLE_RATE_HZ,
    Decision,
    Frame,
    ReplyDelta,
    ReplyEnded,
    RuntimeFailure,
    Sampling,
    SessionOptions,
)
from interject.model_runtime.rounding import allowed, model_terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from interject.model_runtime.engine.near_tie import ChoicePoint
    from interject.model_runtime.protocol import Event

SESSION = "verify"


class GoldenChunk(BaseModel):
    """Both logits and the reply's token ids after one chunk."""

    silent: float
    respond: float
    tokens: list[int]

    @property
    def responds(self) -> bool:
        """What was decided."""
        return self.respond > self.silent


class GoldenCase(BaseModel):
    """One WAV and what followed each of its chunks."""

    wav: str
    features: Literal["streaming", "offline"]
    chunks: list[GoldenChunk]


class Golden(BaseModel):
    """A file of cases, made with the reference implementation."""

    model_config = ConfigDict(extra="ignore")

    tolerance: float
    cases: list[GoldenCase]
    prompt_ids: list[int]
    max_reply_tokens: int


@dataclass(frozen=True, slots=True)
class CaseResult:
    """How far one case is off. `loudest_chunk` is where the clip's mel maximum lies.

    `near_ties` are choices in which the engine was made to follow the reference.
    """

    wav: str
    features: str
    chunks: int
    largest_logit_error: float
    differing_tokens: int
    loudest_chunk: int
    tolerance: float
    near_ties: int = 0

    @property
    def matches(self) -> bool:
        """Whether logits are within the tolerance and every token is the same."""
        return self.largest_logit_error <= self.tolerance and self.differing_tokens == 0


def read_golden(path: Path) -> Golden:
    """Read a file of cases.

    :raises RuntimeFailure: when it cannot be read or has another format.
    """
    try:
        return Golden.model_validate(json.loads(path.read_text()))
    except OSError as error:
        raise RuntimeFailure(f"{path}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RuntimeFailure(f"{path}: {where}: {first['msg']}") from error
    except ValueError as error:
        raise RuntimeFailure(f"{path}: is not JSON") from error


def verify(
    checkpoint: Path,
    golden: Golden,
    audio: Path,
    *,
    load: Callable[[Path], Model] = load_checkpoint,
) -> Iterator[CaseResult]:
    """Run every case, one by one; unless loaded otherwise, in float32 on the CPU.

    :raises RuntimeFailure: when the checkpoint or a WAV cannot be read.
    """
    model = _without_bans(load(checkpoint))
    for case in golden.cases:
        yield _run(model, case, golden, _read_wav(audio / case.wav))


def _without_bans(model: Model) -> Model:
    """The reference draws from the whole vocabulary and has no emotion slot."""
    layout = dataclasses.replace(model.config.layout, banned=(), emotion_slot=False)
    return dataclasses.replace(model, config=dataclasses.replace(model.config, layout=layout))


def _read_wav(path: Path) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    try:
        with wave.open(str(path)) as file:
            shape = (file.getframerate(), file.getnchannels(), file.getsampwidth())
            if shape != (SAMPLE_RATE_HZ, 1, 2):
                raise RuntimeFailure(f"{path}: must be 16 kHz mono with 16 bits a sample")
            stated = file.getnframes() * SAMPLE_BYTES
            sound = file.readframes(file.getnframes())
    except (OSError, wave.Error, EOFError) as error:
        raise RuntimeFailure(f"{path}: cannot be read as WAV ({error})") from error
    if len(sound) != stated:
        raise RuntimeFailure(f"{path}: is cut short: {len(sound)} of {stated} bytes")
    if not sound:
        raise RuntimeFailure(f"{path}: holds no sound")
    pcm = np.frombuffer(sound, np.int16)
    return np.pad(pcm, (0, -len(pcm) % FRAME_SAMPLES))


def _run(
    model: Model, case: GoldenCase, golden: Golden, pcm: np.ndarray[tuple[int], np.dtype[np.int16]]
) -> CaseResult:
    samples = torch.from_numpy(pcm.astype(np.float32) / 32768.0)
    peaks = whole_clip_log_mel(samples, model.config.features).amax(dim=(-2, -1))
    tolerance = max(golden.tolerance, _rounding(model, case))
    choices = Choices()
    while True:
        events = _hear(model, golden, pcm, choices, loudest=float(peaks.max()), tie=2 * tolerance)
        heard = _chunks(case, events)
        difference = _first_difference(heard, case.chunks, model.config.layout.text_end)
        if difference is None or difference[0] in choices.wanted:
            break
        choices.wanted[difference[0]] = difference[1]
    errors, differing = _compare(heard, case.chunks)
    return CaseResult(
        wav=case.wav,
        features=case.features,
        chunks=len(case.chunks),
        largest_logit_error=errors,
        differing_tokens=differing,
        loudest_chunk=int(peaks.argmax()),
        tolerance=tolerance,
        near_ties=len(choices.made),
    )


def _rounding(model: Model, case: GoldenCase) -> float:
    """By how much logits may differ for that reason alone."""
    logits = [abs(logit) for chunk in case.chunks for logit in (chunk.silent, chunk.respond)]
    scale = max(filter(math.isfinite, logits), default=0.0)
    return allowed(scale, terms=model_terms(model.config))


def _hear(
    model: Model,
    golden: Golden,
    pcm: np.ndarray[tuple[int], np.dtype[np.int16]],
    choices: Choices,
    *,
    loudest: float,
    tie: float,
) -> list[Event]:
    events: list[Event] = []
    engine = GuidedEngine(model, slots=1, eviction=Eviction.ROTATE, tie=tie)
    engine.choices[SESSION] = choices
    options = SessionOptions(
        session_id=SESSION,
        prompt_ids=tuple(golden.prompt_ids),
        max_reply_tokens=golden.max_reply_tokens,
        sampling=Sampling(repetition_window=0),
    )
    engine.open(options, events.append, loudest=loudest)
    for frame in _frames(pcm):
        engine.push(SESSION, frame)
        while engine.step():
            pass
    return events


def _frames(pcm: np.ndarray[tuple[int], np.dtype[np.int16]]) -> Iterator[Frame]:
    for seq, start in enumerate(range(0, len(pcm), FRAME_SAMPLES)):
        end = start + FRAME_SAMPLES
        ahead = pcm[end : end + LOOKAHEAD_SAMPLES].tobytes()
        yield Frame(seq, start / SAMPLE_RATE_HZ, pcm[start:end].tobytes(), ahead)


def _chunks(case: GoldenCase, events: list[Event]) -> list[GoldenChunk]:
    """What the engine did, in the form of what the reference did."""
    chunks: list[GoldenChunk] = []
    for event in events:
        if isinstance(event, Decision):
            logits = event.silent_logit, event.respond_logit
            chunks.append(GoldenChunk(silent=logits[0], respond=logits[1], tokens=[]))
        elif isinstance(event, ReplyDelta):
            chunks[-1].tokens += event.token_ids
        else:
            assert not isinstance(event, ReplyEnded) or event.token_count == len(chunks[-1].tokens)
    if len(chunks) != len(case.chunks):
        raise CheckpointError(
            f"{case.wav}: has {len(chunks)} chunks, the cases name {len(case.chunks)}; "
            "is it the right file?"
        )
    return chunks


def _first_difference(
    heard: list[GoldenChunk], expected: list[GoldenChunk], text_end: int
) -> tuple[ChoicePoint, Choice] | None:
    """The first choice that was not the reference's; what follows from it differs as well."""
    reply_id = 0
    for seq, (mine, theirs) in enumerate(zip(heard, expected, strict=True)):
        if mine.responds != theirs.responds:
            return (DECISION, seq), Choice(int(theirs.responds), int(mine.responds))
        for place, (own, wanted) in enumerate(zip_longest(mine.tokens, theirs.tokens)):
            if own != wanted:
                ids = (text_end if token is None else token for token in (wanted, own))
                return (reply_id, place), Choice(*ids)
        reply_id += mine.responds
    return None


def _compare(heard: list[GoldenChunk], expected: list[GoldenChunk]) -> tuple[float, int]:
    error, differing = 0.0, 0
    for mine, theirs in zip(heard, expected, strict=True):
        error = max(
            error,
            _distance(mine.silent, theirs.silent),
            _distance(mine.respond, theirs.respond),
        )
        pairs = zip_longest(mine.tokens, theirs.tokens)
        differing += sum(own != wanted for own, wanted in pairs)
    return error, differing


def _distance(found: float, expected: float) -> float:
    """Infinite where either is no number: comparing with NaN would say that all is well."""
    difference = abs(found - expected)
    return math.inf if math.isnan(difference) else difference
