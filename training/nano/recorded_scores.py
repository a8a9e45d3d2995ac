"""What a model did with streams of recordings, counted, with intervals of 95 %."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.nano.evaluation import LATEST_CHUNKS, listen_together
from interject.training.nano.language import RESPOND_REPLIES
from interject.training.sound_benchmark.bootstrap import estimate_of_rows, wilson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from interject.model_runtime.checkpoint import Model
    from interject.training.nano.evaluation import GivenReply
    from interject.training.nano.scene import Happening, Scene
    from interject.training.sound_benchmark.bootstrap import Estimate

TOGETHER = 8
_SEED = 95_002
_HOUR = 3_600 * SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class HeardScene:
    """A stream, and what a model said to it and after which chunk."""

    scene: Scene = field(repr=False)
    replies: tuple[GivenReply, ...]
    p_respond: tuple[float, ...] = field(repr=False)

    def answers(self) -> dict[int, list[GivenReply]]:
        """Replies by the number of the sound that had last begun."""
        found: dict[int, list[GivenReply]] = defaultdict(list)
        for reply in self.replies:
            heard = (reply.chunk + 1) * FRAME_SAMPLES
            begun = sum(happening.start < heard for happening in self.scene.happenings)
            found[max(begun - 1, 0)].append(reply)
        return found

    def labelled(self) -> Iterator[tuple[float, bool]]:
        """P(respond), and whether it was the moment: of a window, its largest stands for it."""
        windows = [_window(h) for h in self.scene.happenings if h.reply is not None]
        moments = {max(window, key=self.p_respond.__getitem__) for window in windows}
        within = {chunk for window in windows for chunk in window}
        for chunk, p in enumerate(self.p_respond):
            if chunk in moments or chunk not in within:
                yield p, chunk in moments


@dataclass(frozen=True, slots=True)
class FalseReplies:
    """`an_hour` of streams, with the pauses in them; `minutes_of_sound` are without."""

    recordings: int
    minutes: float
    minutes_of_sound: float
    false: int
    an_hour: Estimate
    an_hour_of_sound: Estimate
    answered: int
    share_answered: Estimate
    said: Counter[str]


@dataclass(frozen=True, slots=True)
class FoundReplies:
    """`found` begin in time, `exact` are right word for word, `mean_late` is in chunks after the
    end of what was heard.
    """

    asked: int
    found: float
    share_found: Estimate
    exact: float
    share_exact: Estimate
    mean_late: float | None
    said: Counter[str]


def hear(
    model: Model, scenes: Iterable[Scene], threshold: float, tell: Callable[[int], None]
) -> list[HeardScene]:
    """Through the product's engine, each stream in a session of its own. Tells after each few how
    many seconds have been heard.
    """
    engine = Engine(model, slots=TOGETHER)
    waiting: list[Scene] = []
    heard: list[HeardScene] = []
    for scene in scenes:
        waiting.append(scene)
        if len(waiting) == TOGETHER:
            heard += _heard(engine, waiting, threshold)
            tell(sum(len(one.scene.sound) for one in heard) // SAMPLE_RATE_HZ)
            waiting = []
    return heard + (_heard(engine, waiting, threshold) if waiting else [])


def _heard(engine: Engine, scenes: Sequence[Scene], threshold: float) -> list[HeardScene]:
    played = listen_together(engine, scenes, threshold)
    return [
        HeardScene(scene, tuple(replies), tuple(p))
        for scene, (replies, p) in zip(scenes, played, strict=True)
    ]


def false_replies(heard: Sequence[HeardScene]) -> FalseReplies:
    """Every reply to streams that ask nothing is false."""
    rows, said = [], Counter[str]()
    for one in heard:
        answers = one.answers()
        begins = [happening.start for happening in one.scene.happenings[1:]]
        lasting = np.diff([0, *begins, len(one.scene.sound)])
        for number, happening in enumerate(one.scene.happenings):
            replies = answers.get(number, [])
            said.update(reply.text for reply in replies)
            rows.append((len(replies), lasting[number], happening.end - happening.start))
    counts = np.array(rows, np.float64).reshape(-1, 3) / (1, _HOUR, _HOUR)
    answered = int((counts[:, 0] > 0).sum())
    return FalseReplies(
        recordings=len(rows),
        minutes=float(counts[:, 1].sum()) * 60,
        minutes_of_sound=float(counts[:, 2].sum()) * 60,
        false=int(counts[:, 0].sum()),
        an_hour=estimate_of_rows(counts, lambda sums: sums[:, 0] / sums[:, 1], seed=_SEED),
        an_hour_of_sound=estimate_of_rows(counts, lambda sums: sums[:, 0] / sums[:, 2], seed=_SEED),
        answered=answered,
        share_answered=wilson(answered, len(rows)),
        said=said,
    )


def false_by_key(heard: Sequence[HeardScene]) -> dict[str, tuple[int, int]]:
    """Of each label, how many recordings were answered, of how many."""
    found: dict[str, tuple[int, int]] = {}
    for one in heard:
        answers = one.answers()
        for number, happening in enumerate(one.scene.happenings):
            answered, among = found.get(happening.key, (0, 0))
            found[happening.key] = (answered + (number in answers), among + 1)
    return found


def found_replies(heard: Sequence[HeardScene], *, times: int = 1) -> FoundReplies:
    """Of streams with one sound each, which asks for a reply; the same sounds `times` over.

    The intervals count a sound once: to hear it again tells little more.
    """
    late, exact, said = list[int](), 0, Counter[str]()
    for one in heard:
        (happening,) = one.scene.happenings
        said.update(reply.text for reply in one.replies)
        reply = next((r for r in one.replies if r.chunk in _window(happening)), None)
        if reply is None or happening.reply is None:
            continue
        late.append(max(0, reply.chunk - _ended(happening)))
        exact += reply.text == happening.reply.text
    asked = len(heard) // times
    found, right = len(late) / times, exact / times
    mean_late = float(np.mean(late)) if late else None
    return FoundReplies(
        asked, found, wilson(found, asked), right, wilson(right, asked), mean_late, said
    )


def _ended(happening: Happening) -> int:
    return happening.end // FRAME_SAMPLES


def _window(happening: Happening) -> range:
    """A sound may be answered as soon as it is heard, what is said once it has been said."""
    is_sound = happening.reply is not None and happening.key in RESPOND_REPLIES
    first = happening.start // FRAME_SAMPLES if is_sound else _ended(happening)
    return range(first, _ended(happening) + LATEST_CHUNKS + 1)
