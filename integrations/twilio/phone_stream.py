"""One media stream of a call, between its start message and its end."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING

from interject.integrations.audio.paced_sink import PacedSink
from interject.integrations.twilio.inbound_track import InboundTrack
from interject.integrations.twilio.messages import (
    ConnectedMessage,
    DtmfMessage,
    MarkMessage,
    MediaMessage,
    StopMessage,
)
from interject.integrations.twilio.phone_call import CALLER, CallKind
from interject.integrations.twilio.telephone_wire import TelephoneWire
from interject.integrations.web.audio_socket import SlowReader, SocketLeft, StreamRefused
from interject.integrations.web.token_bucket import TokenBucket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.twilio.message_reader import MessageReader
    from interject.integrations.twilio.messages import Message, Outgoing
    from interject.integrations.twilio.phone_call import PhoneCall
    from interject.integrations.twilio.sound_codec import SoundCodec
    from interject.integrations.twilio.twilio_metrics import TwilioMetrics
    from interject.integrations.web.audio_socket import AudioSocket

KEYS_A_S, MOST_KEYS_AT_ONCE = 5, 40


class Ending(StrEnum):
    """What a stream ended by."""

    HUNG_UP = "hung_up"
    AGENT_LEFT = "agent_left"
    AGENT_LOST = "agent_lost"
    SLOW_READER = "slow_reader"
    REFUSED = "refused"


class PhoneStream:
    """Sound of each track goes to the agent; what he says goes out by `sink`, if he may speak."""

    def __init__(
        self,
        socket: AudioSocket,
        reader: MessageReader,
        call: PhoneCall,
        codec: SoundCodec,
        stream_sid: str,
    ) -> None:
        self._socket = socket
        self._reader = reader
        self._stream_sid = stream_sid
        self._identities = call.tracks
        self._tracks = {track: InboundTrack(codec) for track in call.tracks}
        self._keys = TokenBucket(per_s=KEYS_A_S, burst=MOST_KEYS_AT_ONCE)
        self.refusal: StreamRefused | None = None
        self._wire = TelephoneWire(codec, stream_sid)
        speaks = call.kind is CallKind.BOT
        self.sink: PacedSink[Outgoing] | None = (
            PacedSink(sounds_rate_hz=codec.rate_hz) if speaks else None
        )

    async def run(self, agent: CallAgent, hang_up: Callable[[], Awaitable[None]]) -> Ending:
        """Until the first of both sides ends it. An agent that leaves ends the call first, while
        the socket is still read: Twilio waits for that.
        """
        works = [self._hear(agent), _left(agent, hang_up)]
        if self.sink is not None:
            works.append(self._speak(self.sink))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work, name="phone-stream") for work in works]
            done, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                task.cancel()
        ending = next(iter(done)).result()
        if ending is Ending.HUNG_UP and agent.ended.is_set():
            return _ending_of(agent)
        return ending

    @property
    def gap_ms(self) -> float:
        return sum(track.gap_ms for track in self._tracks.values())

    async def _hear(self, agent: CallAgent) -> Ending:
        try:
            while not isinstance(message := await self._reader.next(), StopMessage):
                self._take(message, agent)
        except SocketLeft:
            return Ending.HUNG_UP
        except StreamRefused as refusal:
            self.refusal = refusal
            return Ending.REFUSED
        return Ending.HUNG_UP

    def _take(self, message: Message, agent: CallAgent) -> None:
        if isinstance(message, ConnectedMessage) or message.stream_sid != self._stream_sid:
            self._socket.count_bad("it belongs to no stream of this socket")
        elif isinstance(message, MediaMessage):
            self._sound(message, agent)
        elif isinstance(message, MarkMessage) and self.sink is not None:
            self.sink.mark_came_back(message.mark.name)
        elif isinstance(message, DtmfMessage):
            if self._keys.take():
                agent.digit(CALLER, message.dtmf.digit)
        else:
            self._socket.count_bad("it comes at the wrong time")

    def _sound(self, message: MediaMessage, agent: CallAgent) -> None:
        track = self._tracks.get(message.media.track)
        if track is None:
            self._socket.count_bad("it is of an unknown track")
            return
        try:
            pieces = track.hear(message.media)
        except ValueError:
            self._socket.count_bad("it ends in the middle of a sample")
            return
        for samples, missing in pieces:
            agent.hear(self._identities[message.media.track], samples, missing)

    async def _speak(self, sink: PacedSink[Outgoing]) -> Ending:
        try:
            await sink.run(self._wire, self._wire.pace, self._send)
        except SlowReader:
            return Ending.SLOW_READER
        except SocketLeft:
            return Ending.HUNG_UP

    async def _send(self, message: Outgoing) -> None:
        await self._socket.send(message.model_dump_json())

    def count(self, metrics: TwilioMetrics) -> None:
        metrics.bad_messages.inc(self._socket.bad_messages)
        metrics.gap_s.inc(self.gap_ms / 1_000)
        metrics.late_chunks.inc(sum(track.late_chunks for track in self._tracks.values()))
        if self.sink is not None:
            metrics.lost_marks.inc(self.sink.lost_marks)


async def _left(agent: CallAgent, hang_up: Callable[[], Awaitable[None]]) -> Ending:
    await agent.ended.wait()
    ending = _ending_of(agent)
    if ending is Ending.AGENT_LEFT:
        await hang_up()
    return ending


def _ending_of(agent: CallAgent) -> Ending:
    return Ending.AGENT_LEFT if agent.failure is None else Ending.AGENT_LOST
