"""The sessions that are open, each with its slot, and what ends one of them alone."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from interject.model_runtime.engine.faults import failure, is_session_fault
from interject.model_runtime.protocol import (
    CloseReason,
    RuntimeBusy,
    RuntimeFailure,
    SessionClosed,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from interject.model_runtime.engine.stream import Stream
    from interject.model_runtime.network.kv_cache import KVCache

BUSY_RETRY_S = 5.0

logger = logging.getLogger(__name__)


class StreamTable:
    """Streams by name. A slot is taken before its stream is there, and freed behind it.

    Most of a thousand wait for their next frame at any moment. Those that wanted nothing when they
    were asked `rest` until somebody gets them by name, which is how anything reaches them.
    """

    def __init__(self, cache: KVCache) -> None:
        self._cache = cache
        self._streams: dict[str, Stream] = {}
        self._places: dict[Stream, int] = {}
        self._awake: dict[int, Stream] = {}
        self._added = 0

    def __getitem__(self, name: str) -> Stream:
        """:raises SessionClosed: when there is none of that name."""
        try:
            stream = self._streams[name]
        except KeyError:
            raise SessionClosed(f"session {name} is not open") from None
        self._awake[self._places[stream]] = stream
        return stream

    @property
    def awake(self) -> list[Stream]:
        """Those that may want something, in the order in which they were opened."""
        return [self._awake[place] for place in sorted(self._awake)]

    def rest(self, streams: Iterable[Stream]) -> None:
        """They want nothing."""
        for stream in streams:
            self._awake.pop(self._places[stream], None)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the sessions that are open."""
        return tuple(self._streams)

    def allocate(self, name: str, session_id: str) -> int:
        """A slot for a new stream.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the name is in use.
        """
        if name in self._streams:
            raise RuntimeFailure(f"session {session_id} is open already")
        slot = self._cache.allocate()
        if slot is None:
            raise RuntimeBusy(
                f"all {len(self._cache.lengths)} slots are taken", retry_after_s=BUSY_RETRY_S
            )
        return slot

    def free(self, stream: Stream) -> None:
        """A slot that the device does not clean is not used again."""
        try:
            self._cache.free(stream.memory.slot)
        except Exception:
            logger.exception("a slot is lost", extra={"session": shown(stream.name)})

    def add(self, stream: Stream) -> None:
        """From now on it takes part in steps."""
        assert stream.name not in self._streams, "a name is one session's"
        self._streams[stream.name] = stream
        self._places[stream] = self._added
        self._awake[self._added] = stream
        self._added += 1

    def _remove(self, name: str) -> Stream | None:
        stream = self._streams.pop(name, None)
        if stream is not None:
            self._awake.pop(self._places.pop(stream), None)
        return stream

    def close(self, name: str, reason: CloseReason, detail: str = "") -> None:
        """End a session and free its slot. Its owner is told first, whatever the device does."""
        stream = self._remove(name)
        if stream is None:
            return
        try:
            stream.close(reason, detail)
        except Exception:
            logger.exception(
                "nobody can be told of a session's end", extra={"session": shown(name)}
            )
        self.free(stream)

    def abandon(self, name: str) -> None:
        """Free a session's slot without a word: it is another engine's now."""
        stream = self._remove(name)
        if stream is not None:
            self.free(stream)

    def is_open(self, stream: Stream | None) -> bool:
        """Whether this very session is open, and not another one under its name."""
        return stream is not None and self._streams.get(stream.name) is stream

    @contextlib.contextmanager
    def contained(self, stream: Stream | None = None) -> Iterator[None]:
        """What one session causes ends that one alone: another engine would fail as well.

        :raises RuntimeFailure: what it is told.
        """
        try:
            yield
        except RuntimeFailure:
            raise
        except Exception as error:
            if not is_session_fault(error):
                raise
            self._fail(stream, error)
            raise RuntimeFailure(failure(error)) from error

    def isolated(self, stream: Stream) -> AbstractContextManager[None]:
        """The same within a step, where nobody waits for an answer and nothing is refused."""
        return _Isolation(self, stream)

    def _fail(self, stream: Stream | None, error: Exception) -> None:
        name = "" if stream is None else stream.name
        logger.error("a session failed", exc_info=error, extra={"session": shown(name)})
        if self.is_open(stream):
            self.close(name, CloseReason.FAILURE, failure(error))


class _Isolation:
    """Entered some hundred times a step: a generator would take three times as long."""

    __slots__ = ("_stream", "_streams")

    def __init__(self, streams: StreamTable, stream: Stream) -> None:
        self._streams = streams
        self._stream = stream

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Exception) or not is_session_fault(error):
            return False
        self._streams._fail(self._stream, error)
        return True
