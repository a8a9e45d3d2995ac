"""What makes streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from interject.training.streams.stream import TrainingStream


class DiscardedStream(Exception):
    """A stream that was made and must not be used, as a borderline one or one that nobody
    understands. The message is a short reason, the same for the same kind: reasons are counted.
    """


class StreamSource(Protocol):
    """Can be pickled: streams are made in several processes."""

    def make(self, number: int, seed: int) -> TrainingStream:
        """The same stream for the same two numbers, whoever makes it and whatever came before.

        `seed` is the data set's; `number` counts its streams from 0. Ids differ by `number`.

        :raises DiscardedStream: when this number has no stream; the others are not renumbered.
        """
