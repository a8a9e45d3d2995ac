"""How well a model does on streams: played through the product's own engine, at a threshold."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import (
    FRAME_S,
    FRAME_SAMPLES,
    LOOKAHEAD_SAMPLES,
    Decision,
    Event,
    Frame,
    ReplyEnded,
    ReplyStarted,
    SessionOptions,
)
from interject.training.sequences.prompt import VERBATIM_PROMPT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from interject.model_runtime.checkpoint import Model
    from interject.training.nano.scene import Happening, Scene

DEFAULT_THRESHOLD, AT_THRESHOLD = 0.5, ", threshold "
LATEST_CHUNKS = 2
"""A reply counts when it begins in the chunk of the event's end or one of the next two."""


@dataclass(frozen=True, slots=True)
class GivenReply:
    """A reply of the model: after which chunk, and its words."""

    chunk: int
    text: str


@dataclass(slots=True)
class EventCounts:
    """Counts of one kind of event. `late` are the chunks from the event's end to the reply."""

    wanted: int = 0
    found: int = 0
    exact: int = 0
    late: list[int] = field(default_factory=list)

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else 1.0


@dataclass(slots=True)
class Score:
    """What came of many streams. `false_after` counts unwanted replies by what was heard last."""

    kinds: dict[str, EventCounts] = field(default_factory=lambda: defaultdict(EventCounts))
    false_after: Counter[str] = field(default_factory=Counter)
    hours: float = 0.0

    @property
    def wanted(self) -> int:
        return sum(counts.wanted for counts in self.kinds.values())

    @property
    def found(self) -> int:
        return sum(counts.found for counts in self.kinds.values())

    @property
    def false(self) -> int:
        return sum(self.false_after.values())

    @property
    def precision(self) -> float:
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.wanted)

    @property
    def exact(self) -> float:
        """Share of the replies at the right moment that are right word for word."""
        return sum(counts.exact for counts in self.kinds.values()) / max(1, self.found)

    @property
    def false_an_hour(self) -> float:
        return self.false / self.hours if self.hours else 0.0

    def add(self, scene: Scene, replies: Sequence[GivenReply]) -> None:
        """Match every event with the first reply in its window; the rest are false."""
        free = list(replies)
        for happening in scene.happenings:
            if happening.reply is None:
                continue
            counts = self.kinds[happening.key]
            counts.wanted += 1
            ended = happening.known_at // FRAME_SAMPLES
            match = next((s for s in free if ended <= s.chunk <= ended + LATEST_CHUNKS), None)
            if match is not None:
                free.remove(match)
                counts.found += 1
                counts.exact += match.text == happening.reply.text
                counts.late.append(match.chunk - ended)
        for said in free:
            self.false_after[heard_before(scene.happenings, said.chunk)] += 1
        self.hours += scene.chunks * FRAME_S / 3_600


def listen(
    engine: Engine, scene: Scene, threshold: float = 0.5
) -> tuple[list[GivenReply], list[float]]:
    """Play a stream into the engine; returns its replies and P(respond) of every chunk."""
    (heard,) = listen_together(engine, [scene], threshold)
    return heard


def listen_together(
    engine: Engine,
    scenes: Sequence[Scene],
    threshold: float = 0.5,
    told: Callable[[], object] = lambda: None,
) -> list[tuple[list[GivenReply], list[float]]]:
    """As many streams as the engine has slots: a step takes all of them, which is quicker. `told`
    is called after each chunk; what it raises ends the listening, and the engine with it.
    """
    heard: dict[str, list[Event]] = {f"evaluation {n}": [] for n in range(len(scenes))}
    for session, events in heard.items():
        options = SessionOptions(session, system_prompt=VERBATIM_PROMPT, threshold=threshold)
        engine.open(options, events.append)
    for at_once in zip_longest(*map(frames, scenes)):
        for session, frame in zip(heard, at_once, strict=True):
            if frame is not None:
                engine.push(session, frame)
        _run(engine)
        told()
    for session in heard:
        engine.finish(session)
    _run(engine)
    return [_replies(events) for events in heard.values()]


def _run(engine: Engine) -> None:
    while engine.step():
        pass


def _replies(events: Sequence[Event]) -> tuple[list[GivenReply], list[float]]:
    started = {e.reply_id: e.seq for e in events if isinstance(e, ReplyStarted)}
    ended = [e for e in events if isinstance(e, ReplyEnded)]
    probabilities = [e.p_respond for e in events if isinstance(e, Decision)]
    return [GivenReply(started[e.reply_id], e.text) for e in ended], probabilities


def frames(scene: Scene) -> Iterable[Frame]:
    """A scene's sound as an agent would send it."""
    pcm = (np.clip(scene.sound, -1, 1) * 32_767).astype("<i2")
    for chunk in range(scene.chunks):
        start = chunk * FRAME_SAMPLES
        end = start + FRAME_SAMPLES
        ahead = pcm[end : end + LOOKAHEAD_SAMPLES].tobytes()
        yield Frame(chunk, chunk * FRAME_S, pcm[start:end].tobytes(), ahead)


def evaluate(model: Model, scenes: Sequence[Scene], threshold: float = 0.5) -> Score:
    """Every stream in a session of its own."""
    engine, score = Engine(model, slots=1), Score()
    for scene in scenes:
        replies, _ = listen(engine, scene, threshold)
        score.add(scene, replies)
    return score


def heard_before(happenings: Sequence[Happening], chunk: int) -> str:
    """What had last begun when a false reply came."""
    begun = [h for h in happenings if h.start < (chunk + 1) * FRAME_SAMPLES]
    if not begun:
        return "nothing"
    return begun[-1].key
