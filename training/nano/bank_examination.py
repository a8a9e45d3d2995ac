"""A short examination at the end of a run, with what its bank holds out, until the time is over.

Each voice and recording is played alone, with a pause around it. `nano.examine` asks more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import FRAME_SAMPLES, LOOKAHEAD_SAMPLES, SAMPLE_RATE_HZ
from interject.training.nano.evaluation import Score, listen
from interject.training.nano.language import HELP, INTENTS, RESPOND_REPLIES
from interject.training.nano.scene import Happening, Scene, WantedReply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from interject.model_runtime.checkpoint import Model
    from interject.training.bank.bank import BankPart
    from interject.training.sounds.waves import Wave
    from interject.training.speech.utterance import Pcm

_BEFORE_S, _AFTER_S, _LONGEST_S = 1.2, 1.6, 10.0
_LEVEL, _ROOM_LEVEL = 0.06, 0.0005
_REQUESTS = "requests, natural voices"


@dataclass(frozen=True, slots=True)
class Examined:
    """A set that a clip belongs to, and its stream."""

    name: str
    scene: Scene = field(repr=False)


def examine_with_bank(
    model: Model, part: BankPart, seed: int, is_over: Callable[[], bool]
) -> dict[str, Any]:
    """What was found, said wrongly and answered though it asks nothing, by set. On the CPU: what a
    card is good for is many streams at once.
    """
    engine = Engine(model, slots=1)
    scores: dict[str, Score] = {}
    clips = list(examined(part))
    for number in np.random.default_rng(seed).permutation(len(clips)):
        if is_over():
            break
        replies, _ = listen(engine, clips[number].scene)
        scores.setdefault(clips[number].name, Score()).add(clips[number].scene, replies)
    return {name: _summary(score) for name, score in sorted(scores.items())}


def examined(part: BankPart) -> Iterator[Examined]:
    """All clips; "what was that" depends on what was heard before, and is left out."""
    requests = {r.key: WantedReply(r.reply, r.emotion, r.key) for r in (*INTENTS, HELP)}
    answered = {key: WantedReply(*reply, key) for key, reply in RESPOND_REPLIES.items()}
    for bank in (part.natural, part.synthetic):
        for key, said in () if bank is None else bank.items():
            if key in requests:
                yield Examined(_REQUESTS, _alone(key, said.pcm, requests[key]))
    for recording in part.recordings:
        about = recording.about
        wanted = answered.get(about.label) if about.kind == "sound" else None
        name = "recorded alarms" if wanted else f"recorded {about.kind}"
        yield Examined(name, _alone(about.label, recording.pcm, wanted))


def _alone(key: str, pcm: Pcm, reply: WantedReply | None) -> Scene:
    heard = pcm[: int(_LONGEST_S * SAMPLE_RATE_HZ)].astype(np.float32) / np.float32(32_768)
    heard *= np.float32(_LEVEL / (float(np.sqrt(np.mean(np.square(heard)))) + 1e-6))
    start = int(_BEFORE_S * SAMPLE_RATE_HZ)
    end = start + len(heard)
    chunks = -(-(end + int(_AFTER_S * SAMPLE_RATE_HZ)) // FRAME_SAMPLES)
    rng = np.random.default_rng(len(heard))
    room = rng.standard_normal(chunks * FRAME_SAMPLES + LOOKAHEAD_SAMPLES) * _ROOM_LEVEL
    sound: Wave = room.astype(np.float32)
    sound[start:end] += heard
    return Scene(
        sound, [Happening(key, start, end, reply)], np.zeros(0, np.int8), np.zeros((0, 0), np.uint8)
    )


def _summary(score: Score) -> dict[str, Any]:
    return {
        "wanted": score.wanted,
        "found": score.found,
        "right_words": sum(counts.exact for counts in score.kinds.values()),
        "false": score.false,
        "minutes": round(score.hours * 60, 2),
    }
