"""Steps of usual sizes, each filled up to one of a few sizes that were recorded (buckets).

Their tensors stay where they are, so that one thread alone may use them. What belongs to nobody is
padding: it reads no slot, writes nothing, and nobody reads what comes of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.network.features import WINDOW_SAMPLES
from interject.model_runtime.network.kernels.step_tables import HostTables, StepSize, StepTables
from interject.model_runtime.network.transfer import overwrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from interject.model_runtime.network.kernels.decoder import FusedDecoder
    from interject.model_runtime.network.kernels.recording import Recorder

CHUNKS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64)
TOKENS = (16, 32, 64, 128, 256)
FILLED_CHUNKS = (8, 16, 32, 64)
"""Of sessions that come back: what they heard since their last snapshot."""
FILLED_SHARES = 4
LONG = (96, 128)
"""Full tiles: slots that are computed anew beside the chunks of many sessions."""
_NOBODY = -1


def usual_steps(*, slots: int, tile_rows: int, chunk_rows: int) -> tuple[StepSize, ...]:
    """No more tokens are drawn in a step than there are slots. Narrow tiles are several a chunk."""
    tokens = [most for fewer, most in pairwise((0, *TOKENS)) if fewer < slots]
    tiles = -(-chunk_rows // tile_rows)
    long = [
        StepSize(tiles * several, single, tile_rows * tiles * several + single, several + single)
        for several in LONG
        for single in (0, *tokens)
        if slots > CHUNKS[-1]
    ]
    return (*step_sizes(CHUNKS, tokens, chunk_rows=chunk_rows, tiles=tiles), *long)


def step_sizes(
    chunks: Sequence[int], tokens: Sequence[int], *, chunk_rows: int, tiles: int = 1
) -> tuple[StepSize, ...]:
    """So many chunks of `tiles` each, or pieces of text as long as one, beside so many tokens."""
    return tuple(
        StepSize(tiles * several, single, chunk_rows * several + single, several + single)
        for several in (0, *chunks)
        for single in (0, *tokens)
        if several or single
    )


def fill_sizes(rows: int, *, tile_rows: int) -> tuple[StepSize, ...]:
    """To fill a slot with at most so many rows at a time, of which none is read: that many, and
    parts of it for what is left in the end.
    """
    tiles = -(-rows // tile_rows)
    shares = {-(-tiles * share // FILLED_SHARES) for share in range(1, FILLED_SHARES + 1)}
    return tuple(StepSize(count, 0, count * tile_rows, 0) for count in sorted(shares))


class BucketedDecoder:
    """`decoder` on steps of these sizes. The largest is recorded first: others reuse its memory."""

    def __init__(
        self,
        decoder: FusedDecoder,
        rows: Tensor,
        *,
        sizes: Sequence[StepSize],
        recorder: Recorder,
    ) -> None:
        """`rows` [R, width] are where the largest step lies; they are written to."""
        self._decoder = decoder
        self._rows = rows
        most = max(size.numbers for size in sizes)
        self._numbers = torch.zeros(most, dtype=torch.int32, device=rows.device)
        self._recordings: dict[StepSize, Callable[[], Tensor]] = {}
        for size in sorted(sizes, key=lambda size: size.rows, reverse=True):
            # A recording must touch no slot.
            nobody = HostTables((), (), tile_rows=decoder.tile_rows).numbers(size)
            self._numbers[: size.numbers].copy_(nobody)
            self._recordings[size] = recorder.record(self._call(size))

    def _call(self, size: StepSize) -> Callable[[], Tensor]:
        rows = self._rows[: size.rows]
        tables = StepTables.within(self._numbers[: size.numbers], size)
        return lambda: self._decoder(rows, tables)

    def size_for(self, step: StepSize) -> StepSize | None:
        """The smallest that holds a step."""
        return next((size for size in reversed(self._recordings) if size.holds(step)), None)

    def __call__(self, size: StepSize, rows: Tensor, tables: HostTables) -> Tensor:
        """As the decoder itself does."""
        overwrite(self._numbers[: size.numbers], tables.numbers(size))
        self._rows[: len(rows)].copy_(rows)
        hidden = self._recordings[size]()
        return hidden[: tables.size.wanted].clone()


class BucketedEncoder:
    """`encode` on so many chunks: windows [P, 6640], whose each is, int64 [P], and how loud each
    session was before -> embeddings, and the loudest value up to each chunk [P].
    """

    def __init__(
        self,
        encode: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
        device: torch.device,
        *,
        sizes: Sequence[int],
        recorder: Recorder,
    ) -> None:
        most = max(sizes)
        self._windows = torch.zeros(most, WINDOW_SAMPLES, device=device)
        self._sessions = torch.full((most,), _NOBODY, device=device)
        self._loudest = torch.zeros(most, device=device)
        self._recordings: dict[int, Callable[[], tuple[Tensor, Tensor]]] = {}
        for size in sorted(sizes, reverse=True):
            inputs = self._windows[:size], self._sessions[:size], self._loudest[:size]
            self._recordings[size] = recorder.record(_bound(encode, *inputs))

    def size_for(self, chunks: int) -> int | None:
        """The smallest that holds so many. No session among them has none."""
        return next((size for size in reversed(self._recordings) if size >= chunks), None)

    def __call__(
        self, size: int, windows: Tensor, sessions: Sequence[int], loudest: Sequence[float]
    ) -> tuple[Tensor, Tensor]:
        """Of those that are real."""
        count = len(windows)
        whose = torch.full((size,), _NOBODY)
        whose[:count] = torch.tensor(sessions)
        before = torch.zeros(size)
        before[: len(loudest)] = torch.tensor(loudest)
        overwrite(self._windows[:count], windows)
        overwrite(self._sessions[:size], whose)
        overwrite(self._loudest[:size], before)
        embeddings, running = self._recordings[size]()
        return embeddings[:count].clone(), running[:count].clone()


def _bound(
    encode: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]], *inputs: Tensor
) -> Callable[[], tuple[Tensor, Tensor]]:
    return lambda: encode(*inputs)
