"""Twilio's end of a call's sound: who is let in, and what becomes of the call afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.websockets import WebSocket

from interject.agent.voice.base import VoiceFailure
from interject.integrations.conversation.call_log import lines_of
from interject.integrations.conversation.masked_number import masked
from interject.integrations.conversation.switchboard import SwitchboardFull
from interject.integrations.twilio.call_control import CallControlFailure
from interject.integrations.twilio.live_calls import LiveCall
from interject.integrations.twilio.message_reader import MessageReader
from interject.integrations.twilio.phone_call import AGENT, CallKind
from interject.integrations.twilio.phone_stream import Ending, PhoneStream
from interject.integrations.twilio.sound_codec import SoundCodec, UnknownFormat
from interject.integrations.twilio.twiml import MEDIA_PATH, TOKEN_PARAMETER
from interject.integrations.web.audio_socket import (
    FAULT,
    NORMAL,
    POLICY_VIOLATION,
    TRY_AGAIN,
    UNSUPPORTED,
    AudioSocket,
    SocketLeft,
    StreamRefused,
)
from interject.integrations.web.screen_line import ScreenLine
from interject.model_runtime.protocol import RuntimeFailure

if TYPE_CHECKING:
    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.conversation.switchboard import Seat
    from interject.integrations.twilio.exchange import Exchange
    from interject.integrations.twilio.messages import StartMessage
    from interject.integrations.twilio.phone_call import PhoneCall
    from interject.integrations.twilio.tickets import Ticket

logger = logging.getLogger(__name__)

MOVE_TIMEOUT_S = 5.0
FORMER_TIMEOUT_S = 3.0
"""A stream that takes another's place opens while that one ends."""
NO_AGENT = "no agent can take this call now"
OPEN_TIMEOUT_S = 8.0
"""So long a caller may hear nothing before he is told that nobody can take his call."""
CLOSINGS = {
    Ending.HUNG_UP: (NORMAL, "the call is over"),
    Ending.AGENT_LEFT: (NORMAL, "the agent has left the call"),
    Ending.AGENT_LOST: (FAULT, "the agent was lost"),
    Ending.SLOW_READER: (POLICY_VIOLATION, "the stream is read too slowly"),
}


class MediaSocket:
    """The endpoint of all calls' sockets."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def serve(self, socket: WebSocket) -> None:
        if not self._exchange.signatures.socket_passes(socket, MEDIA_PATH):
            self._exchange.metrics.refused.labels("signature").inc()
            await socket.close(POLICY_VIOLATION)
            return
        await socket.accept()
        await self._read(AudioSocket(socket))

    async def _read(self, socket: AudioSocket) -> None:
        reader = MessageReader(socket)
        with contextlib.ExitStack() as naming:
            try:
                start = await reader.start()
                naming.enter_context(lines_of(start.start.call_sid))
                await self._converse(socket, reader, start)
            except SocketLeft:
                return
            except StreamRefused as refusal:
                self._exchange.metrics.refused.labels("stream").inc()
                logger.warning("A media stream was refused", extra={"reason": refusal.reason})
                await socket.close(refusal.code, refusal.reason)

    async def _converse(
        self, socket: AudioSocket, reader: MessageReader, start: StartMessage
    ) -> None:
        ticket = self._admitted(start)
        try:
            stream = PhoneStream(socket, reader, ticket.call, _codec(start), start.stream_sid)
            await self._with_agent(socket, stream, ticket.call, await self._seat(ticket))
        finally:
            self._exchange.tickets.finished(ticket)

    def _admitted(self, start: StartMessage) -> Ticket:
        details = start.start
        ticket = self._exchange.tickets.redeem(
            details.parameters.get(TOKEN_PARAMETER, ""),
            call_sid=details.call_sid,
            account_sid=details.account_sid,
        )
        if ticket is None:
            raise StreamRefused(POLICY_VIOLATION, "the token is not one of this call, or was used")
        return ticket

    async def _seat(self, ticket: Ticket) -> Seat:
        """:raises StreamRefused: when the call's former stream goes on, or its seat is gone."""
        if ticket.seat is not None:
            return ticket.seat
        try:
            async with asyncio.timeout(FORMER_TIMEOUT_S):
                await self._exchange.tickets.others_finished(ticket)
            return self._exchange.switchboard.reserve()
        except (SwitchboardFull, TimeoutError):
            raise StreamRefused(TRY_AGAIN, NO_AGENT) from None

    async def _with_agent(
        self, socket: AudioSocket, stream: PhoneStream, call: PhoneCall, seat: Seat
    ) -> None:
        async with AsyncExitStack() as stack:
            agent = await self._opened(stack, stream, call, seat)
            live = LiveCall(call, agent, time.monotonic())
            stack.enter_context(self._exchange.calls.holding(live))
            ending = await stream.run(agent, lambda: self._hang_up(live))
            self._note(stream, live, ending)
            if stream.refusal is not None:
                raise stream.refusal
            await socket.close(*CLOSINGS[ending])

    async def _opened(
        self, stack: AsyncExitStack, stream: PhoneStream, call: PhoneCall, seat: Seat
    ) -> CallAgent:
        """:raises StreamRefused: when no agent can be had. The seat is given back at the end."""
        copilot = call.kind is CallKind.COPILOT
        agent = self._exchange.switchboard.call(
            seat,
            door="twilio",
            call_id=call.sid,
            line=ScreenLine(call.sid, self._exchange.screens),
            sink=stream.sink,
            speakers=tuple(call.tracks.values()),
            profile=self._exchange.copilot_profile if copilot else None,
            cue_to=(AGENT,) if copilot else None,
            label=masked(call.number),
        )
        try:
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                return await stack.enter_async_context(agent)
        except (RuntimeFailure, VoiceFailure, SwitchboardFull, TimeoutError) as error:
            logger.warning("A call found no agent", extra={"error_type": type(error).__name__})
            raise StreamRefused(TRY_AGAIN, NO_AGENT) from None

    async def _hang_up(self, live: LiveCall) -> None:
        """Before the socket is closed: what follows a stream is for an agent that was lost."""
        if live.call.kind is CallKind.COPILOT:
            return
        if live.leaving:
            await asyncio.sleep(MOVE_TIMEOUT_S)
            return
        try:
            await self._exchange.control.hang_up(live.call.sid)
        except CallControlFailure as failure:
            if failure.over:
                return
            logger.warning(
                "A call could not be ended; its caller hears the sentence for a failure",
                extra={"call": live.call.sid, "error_code": failure.code},
            )

    def _note(self, stream: PhoneStream, live: LiveCall, ending: Ending) -> None:
        stream.count(self._exchange.metrics)
        self._exchange.metrics.endings.labels(ending.value).inc()
        logger.info(
            "A media stream has ended",
            extra={
                "call": live.call.sid,
                "reason": ending.value,
                "seconds": round(time.monotonic() - live.began_at, 1),
            },
        )


def _codec(start: StartMessage) -> SoundCodec:
    try:
        return SoundCodec(start.start.media_format)
    except UnknownFormat as error:
        raise StreamRefused(UNSUPPORTED, str(error)) from None
