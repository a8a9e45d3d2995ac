"""What a session does with the replies of its model: say them, show them, or take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.agent.cues.suppressed import is_read_on
from interject.agent.cues.tagged_runtime import untagged
from interject.agent.floor import Verdict
from interject.agent.outputs import shown_events
from interject.agent.spoken_reply import SpokenReply
from interject.model_runtime.protocol import Cause, Emotion, EndReason, FloorMode, ReplyStarted

if TYPE_CHECKING:
    from interject.agent.floor import Floor
    from interject.agent.output_dispatcher import OutputDispatcher
    from interject.agent.reply_reports import ReplyReports
    from interject.agent.speech_player import SpeechPlayer
    from interject.config import Profile
    from interject.model_runtime.protocol import (
        ReplyDelta,
        ReplyEnded,
    )

OWN_WORDS_ID = -1
"""No reply of a runtime: words that the session says and the model never learns of."""


class ReplyWatcher(Protocol):
    """Who is told what becomes of replies, as it is decided."""

    def started(self, started: ReplyStarted, verdict: Verdict) -> None: ...

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None: ...


class _NoWatcher:
    def started(self, started: ReplyStarted, verdict: Verdict) -> None:
        pass

    def ended(self, started: ReplyStarted, ended: ReplyEnded, verdict: Verdict) -> None:
        pass


class Replies:
    """Follows each reply from its start to its last heard word."""

    def __init__(
        self,
        profile: Profile,
        floor: Floor,
        player: SpeechPlayer,
        reports: ReplyReports,
        outputs: OutputDispatcher,
        watcher: ReplyWatcher | None = None,
    ) -> None:
        self._profile = profile
        self._floor = floor
        self._player = player
        self._reports = reports
        self._outputs = outputs
        self._open: dict[int, tuple[ReplyStarted, Verdict]] = {}
        self._speech: dict[int, SpokenReply] = {}
        self._suppressed: dict[int, str] = {}
        self._taken_back: set[int] = set()
        self._watcher = watcher or _NoWatcher()
        self._muted = False
        self.deaf = False
        """What the model still says to what it heard before is taken back."""

    async def started(self, event: ReplyStarted) -> None:
        taken_back = self._muted or (self.deaf and event.cause is not Cause.SAY)
        verdict = Verdict.SUPPRESS if taken_back else self._floor.judge(event)
        if taken_back:
            self._taken_back.add(event.reply_id)
        self._open[event.reply_id] = (event, verdict)
        self._reports.on_started()
        self._watcher.started(event, verdict)
        if verdict is Verdict.SHOW:
            self._reports.on_shown()
        elif verdict is Verdict.SUPPRESS:
            self._reports.on_suppressed()
            self._suppressed[event.reply_id] = ""
            await self._read_on(event.reply_id)
        else:
            reply = SpokenReply(event)
            self._speech[event.reply_id] = reply
            await self._player.offer(reply)
            if verdict is Verdict.INTERRUPT:
                await self._player.make_way()

    async def delta(self, event: ReplyDelta) -> None:
        if reply := self._speech.get(event.reply_id):
            reply.feed.push(event.text)
        elif event.reply_id in self._suppressed:
            await self._read_on(event.reply_id, event.text)

    async def ended(self, event: ReplyEnded) -> None:
        if reply := self._speech.pop(event.reply_id, None):
            reply.feed.close()
        opened = self._open.pop(event.reply_id, None)
        if event.reply_id in self._taken_back:
            self._taken_back.discard(event.reply_id)
            event = untagged(event)
        if opened is None:
            return
        self._watcher.ended(opened[0], event, opened[1])
        if opened[1] is Verdict.SUPPRESS:
            if self._suppressed.pop(event.reply_id, None) is not None:
                await self._reports.on_taken_back(event.reply_id)
            return
        if opened[0].cause is Cause.MODEL and not event.text.strip():
            self._floor.uncount()
        events = shown_events(self._profile, self._floor.mode, opened[0], event)
        for shown in events:
            self._outputs.put(shown)
        cancelled = event.reason is EndReason.CANCELLED
        if events and opened[1] is Verdict.SHOW and not cancelled:
            await self._reports.on_read(event.reply_id, chars=len(event.text))

    def closed(self) -> None:
        """No event follows: what has been begun is said with the text that there is."""
        for reply in self._speech.values():
            reply.feed.close()
        self._speech.clear()
        self._suppressed.clear()
        self._taken_back.clear()
        self._open.clear()

    async def say_own(self, text: str) -> None:
        """Words that are no reply: the model neither chose nor remembers them.

        Return when they have been said or cut.
        """
        words = ReplyStarted(
            session_id="",
            reply_id=OWN_WORDS_ID,
            seq=-1,
            emotion=Emotion.NORMAL,
            cause=Cause.SAY,
            mode=self._floor.mode,
        )
        reply = SpokenReply(words, own_words=True)
        reply.feed.push(text)
        reply.feed.close()
        await self._player.offer(reply)
        await reply.settled.wait()

    async def change_mode(self, mode: FloorMode) -> None:
        """Whoever may not be heard any more stops in the middle of the word."""
        self._floor.mode = mode
        if mode is not FloorMode.SPEAK:
            await self.stop()

    async def stop(self) -> None:
        """Be silent now: cut what is said and forget the replies that wait."""
        await self._player.drop_waiting(own_words=self._muted)
        await self._player.cut()

    async def mute(self) -> None:
        """Be silent now and for the rest of the session."""
        self._muted = True
        await self.stop()

    async def _read_on(self, reply_id: int, text: str = "") -> None:
        so_far = self._suppressed.pop(reply_id) + text
        if not self._muted and is_read_on(so_far, self._profile):
            self._suppressed[reply_id] = so_far
        else:
            await self._reports.on_taken_back(reply_id)
