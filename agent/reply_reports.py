"""What became of each reply: told to the runtime's memory and to the outputs, and counted."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.agent.outputs import read_instead, spoken
from interject.model_runtime.protocol import SessionClosed

if TYPE_CHECKING:
    from interject.agent.output_dispatcher import OutputDispatcher
    from interject.agent.spoken_reply import SpokenReply
    from interject.model_runtime.protocol import RuntimeSession


@dataclass(frozen=True, slots=True)
class ReplyCounts:
    """Every reply is spoken whole, cut, shown only, or suppressed (the cap of the profile).

    `cut` includes replies that were stopped while they still waited.
    """

    started: int = 0
    spoken: int = 0
    cut: int = 0
    shown: int = 0
    suppressed: int = 0


class ReplyReports:
    """The `SpeechReports` of a session. `attach` comes before any of its events.

    `readers`: somebody reads what no voice says.
    """

    def __init__(self, outputs: OutputDispatcher, *, readers: bool = False) -> None:
        self._outputs = outputs
        self._readers = readers
        self._runtime: RuntimeSession | None = None
        self._counts = dict.fromkeys(("started", "spoken", "cut", "shown", "suppressed"), 0)

    def attach(self, runtime: RuntimeSession) -> None:
        self._runtime = runtime

    def counts(self) -> ReplyCounts:
        return ReplyCounts(**self._counts)

    def on_started(self) -> None:
        self._counts["started"] += 1

    def on_shown(self) -> None:
        self._counts["shown"] += 1

    def on_suppressed(self) -> None:
        self._counts["suppressed"] += 1

    async def on_taken_back(self, reply_id: int) -> None:
        """It was suppressed, and nothing of it stays."""
        await self._cancel(reply_id, heard_chars=0)

    async def on_read(self, reply_id: int, *, chars: int) -> None:
        """It was posted, or put on a card, whole."""
        await self._heard(reply_id, chars=chars)

    async def on_heard(self, reply: SpokenReply, *, chars: int) -> None:
        if not reply.own_words:
            await self._heard(reply.started.reply_id, chars=chars)

    async def on_spoken(self, reply: SpokenReply, *, heard_chars: int, whole: bool) -> None:
        if reply.own_words:
            return
        if self._readers and reply.failed and not reply.cut:
            await self._read_instead(reply)
            return
        self._counts["spoken" if whole else "cut"] += 1
        started = reply.started
        if reply.feed.text.strip():
            self._outputs.put(
                spoken(started, reply.feed.text, heard_chars=heard_chars, whole=whole)
            )
        if whole:
            await self._heard(started.reply_id, chars=heard_chars)
        else:
            await self._cancel(started.reply_id, heard_chars=heard_chars)

    async def _read_instead(self, reply: SpokenReply) -> None:
        text = reply.feed.text
        self.on_shown()
        self._outputs.put(read_instead(reply.started, text))
        await self._heard(reply.started.reply_id, chars=len(text))

    async def _heard(self, reply_id: int, *, chars: int) -> None:
        """After the end of the session there is no memory left to correct."""
        assert self._runtime is not None, "attach comes before any event"
        with contextlib.suppress(SessionClosed):
            await self._runtime.heard(reply_id, chars=chars)

    async def _cancel(self, reply_id: int, *, heard_chars: int) -> None:
        assert self._runtime is not None, "attach comes before any event"
        with contextlib.suppress(SessionClosed):
            await self._runtime.cancel(reply_id, heard_chars=heard_chars)
