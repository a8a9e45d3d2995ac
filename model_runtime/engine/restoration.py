"""A session that another engine had, made ready to go on in this one."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from interject.model_runtime.engine.audio_queue import Encoding
from interject.model_runtime.engine.faults import is_session_fault
from interject.model_runtime.engine.forward import fill, gather_rows
from interject.model_runtime.engine.journal import was_never_encoded
from interject.model_runtime.engine.warm_up import make_current
from interject.model_runtime.network.transfer import wait_for_device
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from interject.model_runtime.engine.snapshot import SavedSession
    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.network.backend import Backend

CHUNKS_AT_ONCE = 64
PARTS = 4
"""A slot is filled in so many: at once, half of what attention computes would be masked."""


def part_rows(context: int) -> int:
    """At most so many are computed at a time."""
    return context // PARTS


def filling_turn(backend: Backend) -> AbstractContextManager[object]:
    """Held by whoever has a device fill a part of a slot. On a CPU each thread computes its own."""
    return threading.Lock() if backend.asynchronous else nullcontext()


class Restoration:
    """What takes time touches nothing but the session's own slot: any thread may `run` it while
    the engine goes on with the others. Nothing is said or noted meanwhile.
    """

    def __init__(
        self,
        backend: Backend,
        turn: AbstractContextManager[object],
        stream: Stream,
        known: SavedSession,
        *,
        now: float,
    ) -> None:
        self.stream = stream
        self._known = known
        self._backend = backend
        self._turn = turn
        self._now = now
        self._given_up = False

    def give_up(self) -> None:
        """End `run` soon, whatever has been done by then."""
        self._given_up = True

    @torch.inference_mode()
    def run(self) -> None:
        """Remember everything, replay the journal, and fill the slot.

        :raises RuntimeFailure: when what is known contradicts itself; no other engine can do it.
        """
        make_current(self._backend.cache.keys.device)
        try:
            self._load()
            self._encode()
            if self._given_up:
                return
            self.stream.replay(self._known.journal)
            self.stream.conversation.replied_at = self._now
            self._recompute()
        except RuntimeFailure:
            raise
        except Exception as error:
            if not is_session_fault(error):
                raise
            raise RuntimeFailure(
                f"what the last worker wrote cannot be done again ({type(error).__name__})"
            ) from error

    def _load(self) -> None:
        audio, known = self.stream.audio, self._known
        if known.snapshot is not None:
            dtype = self._backend.decoder.embedding.weight.dtype
            self.stream.resume(known.snapshot.converted(dtype))
        for frame in known.frames:
            audio.push(frame, self._now, limit=len(known.frames))
        audio.skip_encoding({entry.seq for entry in known.journal if was_never_encoded(entry)})

    def _encode(self) -> None:
        audio = self.stream.audio
        while not self._given_up and (chunks := audio.unencoded()[:CHUNKS_AT_ONCE]):
            Encoding([(audio, chunks)], self._backend).take()

    def _recompute(self) -> None:
        memory, cache = self.stream.memory, self._backend.cache
        cache.truncate(memory.slot, 0)
        while memory.unfilled and not self._given_up:
            rows = gather_rows(self._backend, [memory.recompute(part_rows(cache.context))])
            # The engine's steps wait for one part, not for all that threads can queue. Meanwhile
            # another thread makes the next part ready, so that the device does not wait for it.
            with self._turn:
                fill(self._backend, memory.slot, rows)
                wait_for_device(cache.keys.device)
