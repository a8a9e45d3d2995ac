"""What the network computes in a step, for the rows of many sessions at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.faults import check_finite, is_own
from interject.model_runtime.engine.forward import forward
from interject.model_runtime.engine.sampling import TokenMasks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from torch import Tensor

    from interject.model_runtime.checkpoint import Model
    from interject.model_runtime.engine.forward_input import Feed
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.network.kv_cache import SlotMemory

Work = Sequence[tuple["Stream", "Feed"]]
"""Sessions, and what each is fed in this step."""


class Passes:
    """`alone` is what one session's part runs in, so that what it causes ends that one."""

    def __init__(
        self,
        model: Model,
        memory: SlotMemory,
        *,
        alone: Callable[[Stream], AbstractContextManager[None]],
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._memory = memory
        self._alone = alone
        self._clock = clock
        layout = model.config.layout
        self._masks = TokenMasks(layout, model.config.decoder.vocabulary, model.device)
        self._decision_ids = torch.tensor(
            [layout.keep_silence, layout.text_begin], device=model.device
        )

    def run(self, work: Work) -> None:
        """Feed everybody's rows; decide, and draw, where something is to be."""
        work, hidden = self._fed(work)
        self._decide(work, hidden)
        self._draw(work, hidden)

    def _fed(self, work: Work) -> tuple[Work, Tensor]:
        """All rows at once. Where that fails, each session's by themselves: whose fault it is ends
        alone. If that is everybody, it is the engine's.
        """
        try:
            return work, self._hidden(work)
        except Exception as error:
            if not is_own(error):
                raise
            done = [(one, hidden) for one in work for hidden in self._hidden_alone(*one)]
            if not done and len(work) > 1:
                raise
        hidden = [hidden for _, hidden in done]
        return [one for one, _ in done], torch.cat(hidden) if hidden else torch.empty(0)

    def _hidden(self, work: Work) -> Tensor:
        return forward(self._model, self._memory, [(s.memory.slot, feed) for s, feed in work])

    def _hidden_alone(self, stream: Stream, feed: Feed) -> Iterator[Tensor]:
        with self._alone(stream):
            yield self._hidden([(stream, feed)])

    def _decide(self, work: Work, hidden: Tensor) -> None:
        ends: list[int] = []
        first = 0
        for _, feed in work:
            ends += [first + end for end in feed.block_ends]
            first += len(feed.ids)
        if not ends:
            return
        pairs = self._model.decoder.logits(hidden[ends], self._decision_ids).float().tolist()
        now = self._clock()
        taken = 0
        for stream, feed in work:
            if feed.block_ends:
                mine = pairs[taken : taken + len(feed.block_ends)]
                with self._alone(stream):
                    stream.decided(feed, mine, now)
                taken += len(feed.block_ends)

    def _draw(self, work: Work, hidden: Tensor) -> None:
        drawing: list[tuple[Stream, Feed]] = []
        lasts: list[int] = []
        first = 0
        for stream, feed in work:
            first += len(feed.ids)
            if feed.wants_token:
                drawing.append((stream, feed))
                lasts.append(first - 1)
        if not drawing:
            return
        masks = [self._masks.emotion if feed.emotion else self._masks.text for _, feed in drawing]
        logits = self._model.decoder.logits(hidden[lasts]).float() + torch.stack(masks)
        largest = logits.max(-1)
        best, scores = largest.indices.tolist(), largest.values.tolist()
        now = self._clock()
        for (stream, feed), row, token, score in zip(drawing, logits, best, scores, strict=True):
            greedy = stream.sampler.greedy or feed.emotion
            with self._alone(stream):
                check_finite(score)
                stream.drew(token if greedy else stream.draw(row), now)
