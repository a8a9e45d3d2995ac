"""What a session does with the replies of its model: say them, show them, or take them back."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from interject.agent.floor import Floor, Verdict
from interject.agent.outputs import Spoken, shown_events, stream_time_s
from interject.agent.speech_player import SpeechPlayer, SpokenReply
from interject.model_runtime.protocol import EndReason, FloorMode, SessionClosed

if TYPE_CHECKING:
    from interject.agent.output_dispatcher import OutputDispatcher
    from interject.agent.sinks import AudioSink
    from interject.agent.voice.base import Voice
    from interject.config import Profile
    from interject.model_runtime.protocol import (
        ReplyDelta,
        ReplyEnded,
        ReplyStarted,
        RuntimeSession,
    )


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


class Replies:
    """Follows each reply from its start to its last heard word."""

    def __init__(
        self,
        profile: Profile,
        floor: Floor,
        voice: Voice,
        sink: AudioSink,
        outputs: OutputDispatcher,
    ) -> None:
        self._profile = profile
        self._floor = floor
        self._outputs = outputs
        self._runtime: RuntimeSession | None = None
        self._open: dict[int, tuple[ReplyStarted, Verdict]] = {}
        self._speech: dict[int, SpokenReply] = {}
        self._counts = dict.fromkeys(("started", "spoken", "cut", "shown", "suppressed"), 0)
        self._muted = False
        self.speaking = SpeechPlayer(voice, sink, floor, self)

    def attach(self, runtime: RuntimeSession) -> None:
        self._runtime = runtime

    def counts(self) -> ReplyCounts:
        return ReplyCounts(**self._counts)

    async def started(self, event: ReplyStarted) -> None:
        verdict = Verdict.SUPPRESS if self._muted else self._floor.judge(event)
        self._open[event.reply_id] = (event, verdict)
        self._counts["started"] += 1
        if verdict is Verdict.SHOW:
            self._counts["shown"] += 1
        elif verdict is Verdict.SUPPRESS:
            self._counts["suppressed"] += 1
            await self._cancel(event.reply_id, heard_chars=0)
        else:
            reply = SpokenReply(event)
            self._speech[event.reply_id] = reply
            await self.speaking.offer(reply)
            if verdict is Verdict.INTERRUPT:
                await self.speaking.cut()

    def delta(self, event: ReplyDelta) -> None:
        if reply := self._speech.get(event.reply_id):
            reply.feed.push(event.text)

    async def ended(self, event: ReplyEnded) -> None:
        if reply := self._speech.pop(event.reply_id, None):
            reply.feed.close()
        opened = self._open.pop(event.reply_id, None)
        if opened is None or opened[1] is Verdict.SUPPRESS:
            return
        events = shown_events(self._profile, self._floor.mode, opened[0], event)
        for shown in events:
            self._outputs.put(shown)
        cancelled = event.reason is EndReason.CANCELLED
        if events and opened[1] is Verdict.SHOW and not cancelled:
            await self._heard(event.reply_id, chars=len(event.text))

    def closed(self) -> None:
        """No event follows: what has been begun is said with the text that there is."""
        for reply in self._speech.values():
            reply.feed.close()
        self._speech.clear()
        self._open.clear()
        self.speaking.close()

    async def change_mode(self, mode: FloorMode) -> None:
        """Whoever may not be heard any more stops in the middle of the word."""
        self._floor.mode = mode
        if mode is not FloorMode.SPEAK:
            await self.stop()

    async def stop(self) -> None:
        """Be silent now: cut what is said and forget what waits."""
        await self.speaking.drop_waiting()
        await self.speaking.cut()

    async def mute(self) -> None:
        """Be silent now and for the rest of the session."""
        self._muted = True
        await self.stop()

    async def on_heard(self, reply: SpokenReply, *, chars: int) -> None:
        await self._heard(reply.started.reply_id, chars=chars)

    async def on_spoken(self, reply: SpokenReply, *, heard_chars: int, whole: bool) -> None:
        self._counts["spoken" if whole else "cut"] += 1
        started = reply.started
        self._outputs.put(
            Spoken(
                session_id=started.session_id,
                reply_id=started.reply_id,
                seq=started.seq,
                at_s=stream_time_s(started.seq),
                emotion=started.emotion,
                text=reply.feed.text,
                heard_chars=heard_chars,
                interrupted=not whole,
            )
        )
        if whole:
            await self._heard(started.reply_id, chars=heard_chars)
        else:
            await self._cancel(started.reply_id, heard_chars=heard_chars)

    async def _heard(self, reply_id: int, *, chars: int) -> None:
        """After the end of the session there is no memory left to correct."""
        assert self._runtime is not None, "attach comes before any event"
        with contextlib.suppress(SessionClosed):
            await self._runtime.heard(reply_id, chars=chars)

    async def _cancel(self, reply_id: int, *, heard_chars: int) -> None:
        assert self._runtime is not None, "attach comes before any event"
        with contextlib.suppress(SessionClosed):
            await self._runtime.cancel(reply_id, heard_chars=heard_chars)
