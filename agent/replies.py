"""What a session does with the replies of its model: say them, show them, or take them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.floor import Verdict
from interject.agent.outputs import shown_events
from interject.agent.spoken_reply import SpokenReply
from interject.model_runtime.protocol import EndReason, FloorMode

if TYPE_CHECKING:
    from interject.agent.floor import Floor
    from interject.agent.output_dispatcher import OutputDispatcher
    from interject.agent.reply_reports import ReplyReports
    from interject.agent.speech_player import SpeechPlayer
    from interject.config import Profile
    from interject.model_runtime.protocol import (
        ReplyDelta,
        ReplyEnded,
        ReplyStarted,
    )


class Replies:
    """Follows each reply from its start to its last heard word."""

    def __init__(
        self,
        profile: Profile,
        floor: Floor,
        player: SpeechPlayer,
        reports: ReplyReports,
        outputs: OutputDispatcher,
    ) -> None:
        self._profile = profile
        self._floor = floor
        self._player = player
        self._reports = reports
        self._outputs = outputs
        self._open: dict[int, tuple[ReplyStarted, Verdict]] = {}
        self._speech: dict[int, SpokenReply] = {}
        self._muted = False

    async def started(self, event: ReplyStarted) -> None:
        verdict = Verdict.SUPPRESS if self._muted else self._floor.judge(event)
        self._open[event.reply_id] = (event, verdict)
        self._reports.on_started()
        if verdict is Verdict.SHOW:
            self._reports.on_shown()
        elif verdict is Verdict.SUPPRESS:
            await self._reports.on_suppressed(event.reply_id)
        else:
            reply = SpokenReply(event)
            self._speech[event.reply_id] = reply
            await self._player.offer(reply)
            if verdict is Verdict.INTERRUPT:
                await self._player.cut()

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
            await self._reports.on_read(event.reply_id, chars=len(event.text))

    def closed(self) -> None:
        """No event follows: what has been begun is said with the text that there is."""
        for reply in self._speech.values():
            reply.feed.close()
        self._speech.clear()
        self._open.clear()

    async def change_mode(self, mode: FloorMode) -> None:
        """Whoever may not be heard any more stops in the middle of the word."""
        self._floor.mode = mode
        if mode is not FloorMode.SPEAK:
            await self.stop()

    async def stop(self) -> None:
        """Be silent now: cut what is said and forget what waits."""
        await self._player.drop_waiting()
        await self._player.cut()

    async def mute(self) -> None:
        """Be silent now and for the rest of the session."""
        self._muted = True
        await self.stop()
