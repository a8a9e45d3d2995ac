"""One caller, from his first offer until he has gone, over as many connections as that takes."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
import uuid
from typing import TYPE_CHECKING

from interject.integrations.conversation.call_log import lines_of
from interject.integrations.webrtc.client_messages import ClientMessages
from interject.integrations.webrtc.incoming_audio import IncomingAudio
from interject.integrations.webrtc.message_channel import MessageChannel
from interject.integrations.webrtc.peer import Peer
from interject.integrations.webrtc.rtvi import PEER_LEFT, signal
from interject.integrations.webrtc.rtvi_line import RtviLine
from interject.integrations.webrtc.sdp_section import BadOffer
from interject.integrations.webrtc.track_sink import TrackSink
from interject.integrations.webrtc.turn_server import for_aiortc, ice_servers

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    import numpy as np
    from aiortc import MediaStreamTrack
    from numpy.typing import NDArray

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.webrtc.ice_outage import IceOutage
    from interject.integrations.webrtc.offers import Candidate
    from interject.integrations.webrtc.settings import WebRtcSettings

logger = logging.getLogger(__name__)

CALLER = "caller"
LOOK_S = 0.2
LOOKS_A_ROUND_TRIP = 5
FAREWELL_S = 0.1
OVER = ("failed", "closed")


class BrowserCall:
    """Whoever has the `call_id` has the call; others know it by the `public_id`.

    The call ends when its connection fails or is closed, when neither sound nor a message has come
    for long enough (aiortc has no state "disconnected", and notices a caller's absence after half
    a minute), when somebody hangs up, and when the agent ends.
    """

    def __init__(
        self,
        call_id: str,
        settings: WebRtcSettings,
        *,
        outage: IceOutage,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.call_id = call_id
        self.public_id = uuid.uuid4().hex
        self._settings = settings
        self._outage = outage
        self._clock = clock
        self._wall_clock = wall_clock
        self._line = RtviLine(self._send)
        self._channel = MessageChannel(self._take, self._line.refuse, clock=clock)
        self.sink = TrackSink(self._line.voice, clock=clock)
        self._agent: CallAgent | None = None
        self._messages: ClientMessages | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._negotiating = asyncio.Lock()
        self._over = asyncio.Event()
        self._peer: Peer | None = None
        self._peers: set[Peer] = set()
        self._hearing: asyncio.Task[None] | None = None
        self._came = False
        self.ended = asyncio.Event()
        self._began_at = self._sound_at = clock()
        self.reason = ""

    async def run(
        self,
        sdp: str,
        answered: asyncio.Future[str],
        open_agent: Callable[[RtviLine, TrackSink], AbstractAsyncContextManager[CallAgent]],
    ) -> None:
        """Until the call is over. `open_agent` opens its agent, of a line to write to and a sink to
        speak into; for an offer that cannot be answered it is not called.

        :raises BadOffer: when it is none.
        :raises RuntimeBusy, RuntimeFailure, VoiceFailure: as `CallAgent` does.
        """
        try:
            answer, microphone = await self._connect(sdp)
            async with open_agent(self._line, self.sink) as agent, self._group:
                self._begin(agent)
                if not answered.done():
                    answered.set_result(answer)
                self._listen(microphone)
                self._start(self._watch(agent), "watch")
                self._start(self._follow(agent), "agent")
                await self._over.wait()
                await self._say_farewell()
                for task in self._tasks:
                    task.cancel()
        finally:
            self._over.set()
            self.ended.set()
            for peer in tuple(self._peers):
                await peer.close()

    @property
    def arriving(self) -> bool:
        """Its caller is not connected yet."""
        return not (self._came or self._over.is_set())

    async def renegotiate(self, sdp: str, *, restart: bool) -> str:
        """Another offer of the same client, with `restart` from a connection that is new, too.

        :raises BadOffer: when it cannot be answered; the call goes on as before.
        """
        async with self._negotiating:
            with lines_of(self.public_id):
                return await self._renegotiate(sdp, restart=restart)

    async def _renegotiate(self, sdp: str, *, restart: bool) -> str:
        old = self._peer
        if self._over.is_set() or old is None:
            raise BadOffer("the call has ended")
        if restart:
            self._expect_again()
            answer, microphone = await self._connect(sdp)
            self._start(self._replaced(old), "close")
        else:
            answer, microphone = await old.answer(sdp)
        self._listen(microphone)
        return answer

    async def add(self, candidates: Sequence[Candidate]) -> None:
        """:raises BadOffer: when one cannot be read."""
        if self._peer is not None:
            await self._peer.add(candidates)

    def hang_up(self, reason: str = "hung up") -> None:
        self.reason = self.reason or reason
        self._over.set()

    def interrupt(self) -> None:
        if self._agent is not None:
            self._start(self._agent.interrupt(), "interrupt")

    def set_receiver_delay(self, seconds: float) -> None:
        self.sink.receiver_delay_s = seconds

    def _begin(self, agent: CallAgent) -> None:
        agent.followers.add(self._line)
        self._agent = agent
        self._began_at = self._clock()
        self._messages = ClientMessages(agent, self, self._send, identity=CALLER)

    async def _connect(self, sdp: str) -> tuple[str, MediaStreamTrack | None]:
        """A connection takes the last one's place once it is answered."""
        settings = self._settings
        servers = ice_servers(settings.stun, settings.turn, now=self._wall_clock())
        peer = Peer(
            self.sink.track(),
            for_aiortc(servers) if settings.relay_only or not self._outage.lasts else [],
            relay_only=settings.relay_only,
            outage=self._outage,
            on_state=self._changed,
            on_channel=self._channel.attach,
        )
        self._peers.add(peer)
        try:
            answer, microphone = await peer.answer(sdp)
        except BaseException:
            await self._replaced(peer)
            raise
        self._peer = peer
        return answer, microphone

    async def _replaced(self, peer: Peer) -> None:
        await peer.close()
        self._peers.discard(peer)

    def _expect_again(self) -> None:
        """Who comes back by another connection has as long for it as for the first."""
        settings = self._settings
        grace_s = max(0.0, settings.connect_within_s - settings.gone_after_s)
        self._sound_at = self._clock() + grace_s

    def _listen(self, microphone: MediaStreamTrack | None) -> None:
        """A later microphone takes the place of the one before: a caller has one voice."""
        if microphone is None:
            return
        if self._hearing is not None:
            self._hearing.cancel()
        self._hearing = self._start(IncomingAudio().read(microphone, self._hear), "microphone")

    def _hear(self, samples: NDArray[np.int16], missing: int) -> None:
        self._sound_at = self._clock()
        if self._agent is not None:
            self._agent.hear(CALLER, samples, missing)

    def _send(self, text: str) -> None:
        self._channel.send(text)

    def _take(self, text: str) -> None:
        if self._messages is not None:
            self._messages.take(text)

    def _changed(self, peer: Peer, state: str) -> None:
        """Of a connection that another has replaced nobody wants to know."""
        if peer is not self._peer:
            return
        logger.info("A connection has changed", extra={"state": state})
        if state in OVER:
            self.hang_up(state)
        elif state == "connected" and not self._came and self._agent is not None:
            self._came = True
            self._sound_at = self._clock()
            self._agent.came(CALLER)

    async def _watch(self, agent: CallAgent) -> None:
        for look in itertools.count():
            await asyncio.sleep(LOOK_S)
            self._look(agent)
            if look % LOOKS_A_ROUND_TRIP == 0 and self._peer is not None:
                self.sink.round_trip_s = await self._peer.round_trip_s() or 0.0

    def _look(self, agent: CallAgent) -> None:
        now = self._clock()
        if not self._came:
            if now - self._began_at > self._settings.connect_within_s:
                self.hang_up("never connected")
        elif now - max(self._sound_at, self._channel.heard_at) > self._settings.gone_after_s:
            self.hang_up("gone")
        elif self.sink.speaking:
            for statistics in agent.statistics():
                self._line.progress(statistics.saying)

    async def _follow(self, agent: CallAgent) -> None:
        await agent.ended.wait()
        self.hang_up("the agent has ended")

    async def _say_farewell(self) -> None:
        """So that a client does not wait for a connection to come back that was ended."""
        if self._agent is not None:
            self._agent.left(CALLER)
        if self._peer is not None and self._peer.state == "connected":
            self._channel.send(signal(PEER_LEFT))
            await asyncio.sleep(FAREWELL_S)

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None] | None:
        if self._over.is_set():
            work.close()
            return None
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
