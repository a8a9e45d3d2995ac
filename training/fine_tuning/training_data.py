"""Streams of a data set, as sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import FRAME_SAMPLES
from interject.training.fine_tuning.failure import TrainingFailure
from interject.training.sequences.packing import pack
from interject.training.sequences.sequence import SequenceMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.training.sequences.packing import PackedBatch
    from interject.training.sequences.sequence import TrainingSequence
    from interject.training.sequences.sequence_writer import SequenceWriter
    from interject.training.streams.stream import TrainingStream
    from interject.training.streams.turn import StreamTurn

_LETTERS_A_TOKEN = 4


class KnownStream(Protocol):
    """A stream without its sound."""

    @property
    def stream_id(self) -> str: ...

    @property
    def samples(self) -> int: ...

    @property
    def turns(self) -> tuple[StreamTurn, ...]: ...


class StreamStore(Protocol):
    """Where streams come from: a `Dataset`."""

    def records(self) -> Iterable[KnownStream]:
        """All of them, without decoding any sound."""

    def read(self, stream_id: str) -> TrainingStream:
        """May be called from a thread of its own."""


class TrainingData:
    """What of a store a run can use. `sizes` are the positions of each stream, about.

    In batches, which are learnt from, `late_share` of the replies come a chunk late.

    :raises TrainingFailure: when that is nothing.
    """

    def __init__(
        self,
        store: StreamStore,
        writer: SequenceWriter,
        mode: SequenceMode,
        *,
        late_share: float = 0.0,
    ) -> None:
        self._store, self._mode, self._late_share = store, mode, late_share
        self.writer = writer
        self.sizes: dict[str, int] = {}
        self.left_out = 0
        for record in store.records():
            if mode is SequenceMode.ONLINE or _is_asked_about(record, writer.most_chunks):
                self.sizes[record.stream_id] = _size(record, writer)
            else:
                self.left_out += 1
        if not self.sizes:
            raise TrainingFailure(
                f"the data holds no stream to learn from ({self.left_out} have not one answer, or "
                f"more than {writer.most_chunks} chunks)"
                if self.left_out
                else "the data holds no stream"
            )

    def stream(self, stream_id: str) -> TrainingStream:
        return self._store.read(stream_id)

    def sequence(self, stream: TrainingStream, *, late_share: float = 0.0) -> TrainingSequence:
        """In the layout of the run."""
        if self._mode is SequenceMode.ONLINE:
            return self.writer.online(stream, late_share=late_share)
        return self.writer.offline(stream)

    def batch(self, stream_ids: Sequence[str]) -> PackedBatch:
        """These, in one row."""
        streams = map(self.stream, stream_ids)
        return pack([self.sequence(stream, late_share=self._late_share) for stream in streams])


def _is_asked_about(record: KnownStream, most_chunks: int) -> bool:
    answers = sum(turn.response_chunk is not None for turn in record.turns)
    return answers == 1 and -(-record.samples // FRAME_SAMPLES) <= most_chunks


def _size(record: KnownStream, writer: SequenceWriter) -> int:
    letters = sum(len(turn.assistant) for turn in record.turns)
    chunks = min(-(-record.samples // FRAME_SAMPLES), writer.most_chunks)
    return chunks * writer.tower.chunk_positions + letters // _LETTERS_A_TOKEN
