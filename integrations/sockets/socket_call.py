"""One agent on one call, over as many sockets, one after another, as that takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING

from interject.agent.voice.base import VoiceFailure
from interject.integrations.audio.paced_sink import PacedSink
from interject.integrations.conversation.call_log import lines_of
from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.sockets.call_tracks import MOST_TRACKS, CallTracks
from interject.integrations.sockets.early_events import EarlyEvents
from interject.integrations.sockets.listening_wish import ListeningWish
from interject.integrations.sockets.socket_ending import SocketEnding
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    HoldBack,
    MarkReached,
    PlaybackBegan,
)
from interject.model_runtime.protocol import RuntimeFailure, SessionClosed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.conversation.switchboard import Switchboard
    from interject.integrations.sockets.platform import SocketPlatform
    from interject.integrations.sockets.socket_codec import SocketCodec
    from interject.integrations.sockets.socket_events import Message, SocketEvent, StreamOpened

logger = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 8.0
LEAVE_TIMEOUT_S = 5.0
MOST_UNSENT = 64
"""Messages that the agent writes while no socket takes them; then the oldest is dropped."""


class SocketCall:
    """Its agent stays for `linger_s` when the socket is cut, and hears nothing meanwhile. A socket
    that comes while another is there takes its place: the other one may be dead without anybody
    knowing.
    """

    def __init__(self, platform: SocketPlatform, opened: StreamOpened, codec: SocketCodec) -> None:
        self.platform = platform
        self.call_id = opened.call_id
        self._opening = opened
        self._terms = platform.terms(opened, codec, self._write)
        pace = codec.pace if self._terms.speaks else None
        self.sink: PacedSink[Message] | None = (
            None if pace is None else PacedSink(sounds_rate_hz=pace.rate_hz)
        )
        self.agent: CallAgent | None = None
        self.ending = SocketEnding.NO_AGENT
        self.over = asyncio.Event()
        self.finished = asyncio.Event()
        self.answered = asyncio.Event()
        self.unsent: deque[Message] = deque(maxlen=MOST_UNSENT)
        self.news = asyncio.Event()
        self.listening = ListeningWish(self.news.set)
        self.speaking = asyncio.Lock()
        self._tracks: CallTracks | None = None
        self._early = EarlyEvents()
        self._hung_up = asyncio.Event()
        self._place: asyncio.Event | None = None
        self._present, self._absent = asyncio.Event(), asyncio.Event()

    def goes_on_with(self, opened: StreamOpened) -> bool:
        return opened.terms == self._opening.terms

    @property
    def waits(self) -> bool:
        """For a socket to come back."""
        return self._absent.is_set() and not self.over.is_set()

    @property
    def lasts(self) -> bool:
        return not (self._hung_up.is_set() or self.over.is_set())

    @property
    def missing_s(self) -> float:
        return 0.0 if self._tracks is None else self._tracks.missing_s

    @property
    def lost_marks(self) -> int:
        return 0 if self.sink is None else self.sink.lost_marks

    async def run(self, board: Switchboard) -> None:
        """Until it is over; what goes wrong here is this call's alone."""
        with lines_of(self.call_id):
            try:
                await self._serve(board)
            except (RuntimeFailure, VoiceFailure, SwitchboardFull, TimeoutError) as error:
                logger.warning(
                    "A call found no agent",
                    extra={"door": self.platform.name, "error_type": type(error).__name__},
                )
            except Exception:
                self.ending = SocketEnding.AGENT_LOST
                logger.exception("A call failed", extra={"door": self.platform.name})
            finally:
                self.over.set()
                self.answered.set()
                self.finished.set()

    @contextlib.contextmanager
    def carried(self) -> Iterator[asyncio.Event]:
        """A socket is there, until the event that this gives is set, or it leaves."""
        if self._place is not None:
            self._place.set()
        place = self._place = asyncio.Event()
        self._absent.clear()
        self._present.set()
        try:
            yield place
        finally:
            if self._place is place:
                self._place = None
                self._present.clear()
                self._absent.set()

    def take(self, event: SocketEvent) -> None:
        """Never waits. What comes before there is an agent waits for it, within bounds."""
        if isinstance(event, ClosedByPeer):
            self.hang_up()
        elif self._tracks is not None:
            self._take(self._tracks, event)
        else:
            self._early.add(event)

    def hang_up(self) -> None:
        self._hung_up.set()

    async def leave(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                if self.agent is not None:
                    await self.agent.leave()
        self.hang_up()

    async def _serve(self, board: Switchboard) -> None:
        terms = self._terms
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                agent = await stack.enter_async_context(
                    board.call(
                        await board.admit(),
                        door="sockets",
                        platform=self.platform.name,
                        call_id=self.call_id,
                        line=terms.line,
                        sink=self.sink,
                        profile=terms.profile,
                        cue_to=terms.cue_to,
                        speakers=tuple(self._opening.identities.values())[:MOST_TRACKS],
                    )
                )
            self._begin(agent)
            await self._until_over(agent)
            self.ending = _ending_of(agent)
            self.over.set()

    def _begin(self, agent: CallAgent) -> None:
        tracks = CallTracks(agent, self._opening.identities)
        for event in self._early.taken():
            self._take(tracks, event)
        agent.consent.attach(self.listening)
        self.agent, self._tracks = agent, tracks
        self.answered.set()

    def _take(self, tracks: CallTracks, event: SocketEvent) -> None:
        if isinstance(event, MarkReached):
            if self.sink is not None:
                self.sink.mark_came_back(event.name)
        elif isinstance(event, PlaybackBegan):
            if self.sink is not None:
                self.sink.playback_began()
        elif isinstance(event, HoldBack):
            if self.sink is not None:
                self.sink.hold_back(event.seconds)
        else:
            tracks.take(event)

    async def _until_over(self, agent: CallAgent) -> None:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(work, name="socket-call")
                for work in (agent.ended.wait(), self._hung_up.wait(), self._missed(agent))
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()

    async def _missed(self, agent: CallAgent) -> None:
        """Returns when no socket was there for too long. What was being said when it went is not
        said to nobody.
        """
        while True:
            await self._absent.wait()
            with contextlib.suppress(SessionClosed):
                await agent.interrupt()
            try:
                async with asyncio.timeout(self.platform.linger_s):
                    await self._present.wait()
            except TimeoutError:
                return

    def _write(self, message: Message) -> None:
        self.unsent.append(message)
        self.news.set()


def _ending_of(agent: CallAgent) -> SocketEnding:
    if not agent.ended.is_set():
        return SocketEnding.HUNG_UP
    return SocketEnding.AGENT_LEFT if agent.failure is None else SocketEnding.AGENT_LOST
