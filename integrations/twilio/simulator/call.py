"""One telephone call as Twilio carries it: a clock of 20 ms, both ends' sound, its streams."""

from __future__ import annotations

import asyncio
import random
import secrets
from typing import TYPE_CHECKING

import numpy as np

from interject.integrations.twilio.simulator.call_status import CallParties, CallStatus
from interject.integrations.twilio.simulator.debugger import Alert, ErrorCode, TwilioRefusal
from interject.integrations.twilio.simulator.handset import Handset
from interject.integrations.twilio.simulator.media_stream import MediaStream
from interject.integrations.twilio.simulator.mulaw import BLOCK_S, RATE_HZ, SILENCE, decode
from interject.integrations.twilio.simulator.recording import CallRecording
from interject.integrations.twilio.simulator.script import TwimlScript

if TYPE_CHECKING:
    from interject.integrations.twilio.simulator.network import TwilioNetwork
    from interject.integrations.twilio.simulator.twiml import StreamOrder

LOUD = 600
"""Of 32,768: louder than the line's noise."""


class SimulatedCall:
    """`handset` is the one of the person on this call, `callee` that of whoever was dialled."""

    def __init__(
        self,
        network: TwilioNetwork,
        parties: CallParties,
        *,
        status_callback: str = "",
        jitter_s: float = 0.02,
        seed: int = 0,
    ) -> None:
        self.sid = f"CA{secrets.token_hex(16)}"
        self.network, self.parties = network, parties
        self.status = CallStatus.QUEUED
        self.handset, self.callee = Handset(seed), Handset(seed + 1)
        self.recording = CallRecording()
        self.streams: list[MediaStream] = []
        self.alerts: list[Alert] = []
        self.script = TwimlScript(self)
        self.over = asyncio.Event()
        self.answered_by = ""
        self.callee_is_there = False
        self.announcement = b""
        self._status_callback = status_callback
        self._jitter_s, self._draw = jitter_s, random.Random(seed)
        self._group: asyncio.TaskGroup | None = None
        self._script: asyncio.Task[None] | None = None

    @property
    def stream(self) -> MediaStream:
        """The one that began last."""
        return self.streams[-1]

    @property
    def now_s(self) -> float:
        """Seconds of sound so far."""
        return len(self.recording.heard) / RATE_HZ

    def heard_after(self, at_s: float) -> float | None:
        """When something loud was first heard after that, in seconds of the call."""
        heard = decode(bytes(self.recording.heard[round(at_s * RATE_HZ) :])).astype(np.int32)
        loud = np.flatnonzero(np.abs(heard) > LOUD)
        return at_s + float(loud[0]) / RATE_HZ if len(loud) else None

    def press(self, digit: str) -> None:
        for stream in self.streams:
            stream.press(digit)

    async def hang_up(self) -> None:
        await self.end(CallStatus.COMPLETED)

    async def run(self, document: str) -> None:
        """From the answer to the end; nothing where somebody has hung up before."""
        if self.over.is_set():
            return
        self.status = CallStatus.IN_PROGRESS
        self._report_status()
        async with asyncio.TaskGroup() as self._group:
            clock = self._group.create_task(self._keep_time(), name="call-clock")
            await self.follow(document)
            await self.over.wait()
            clock.cancel()
        self.handset.hush()
        self.callee.hush()

    async def follow(self, document: str) -> None:
        """Other TwiML takes the place of what is followed; a stream that it held ends."""
        assert self._group is not None, "the call does not run"
        if self._script is not None and self._script is not asyncio.current_task():
            self._script.cancel()
        for stream in self.streams:
            if stream.order.two_way:
                await stream.stop()
        self._script = self._group.create_task(self.script.run(document), name="twiml")

    async def end(self, status: CallStatus) -> None:
        if self.status.is_over:
            return
        self.status = status
        if self._script is not None and self._script is not asyncio.current_task():
            self._script.cancel()
        for stream in self.streams:
            await stream.stop()
        self._report_status(CallDuration=str(round(self.now_s)))
        self.over.set()

    def open_stream(self, order: StreamOrder) -> MediaStream:
        """Does not wait."""
        assert self._group is not None, "the call does not run"
        stream = MediaStream(
            order, self.network.account_sid, self.sid, self.alert,
            jitter_s=self._jitter_s, draw=self._draw,
        )  # fmt: skip
        self.streams.append(stream)
        self._group.create_task(self._carry(stream), name="stream")
        return stream

    async def fetch(self, url: str, **more: str) -> str:
        """:raises TwilioRefusal: when there is no document."""
        return await self.network.fetch(url, self.form(**more))

    def form(self, **more: str) -> dict[str, str]:
        """What Twilio posts with every request about a call, blanks among it."""
        parties = self.parties
        places = {
            f"{whose}{what}": ""
            for whose in ("From", "To", "Caller", "Called")
            for what in ("City", "State", "Zip", "Country")
        }
        return {
            "AccountSid": self.network.account_sid, "ApiVersion": "2010-04-01",
            "CallSid": self.sid, "CallStatus": self.status.value,
            "Called": parties.called, "Caller": parties.caller,
            "Direction": parties.direction, "From": parties.caller, "To": parties.called,
            **places, **({"AnsweredBy": self.answered_by} if self.answered_by else {}), **more,
        }  # fmt: skip

    def alert(self, code: ErrorCode, detail: str) -> None:
        self.alerts.append(Alert(code, detail))

    async def _keep_time(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            self._tick()
            due += BLOCK_S
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _tick(self) -> None:
        said = self.handset.take()
        heard = self.callee.take() if self.callee_is_there else self._announced(len(said))
        for stream in self.streams:
            if not stream.ended.is_set():
                played = stream.tick({"inbound": said, "outbound": heard})
                heard = played if stream.order.two_way else heard
        self.recording.said += said
        self.recording.heard += heard

    def _announced(self, size: int) -> bytes:
        block, self.announcement = self.announcement[:size], self.announcement[size:]
        return block + SILENCE * (size - len(block))

    async def _carry(self, stream: MediaStream) -> None:
        try:
            async with self.network.socket(stream.order.url) as connection:
                self._report_stream(stream, "stream-started")
                await stream.run(connection)
        except TwilioRefusal as refused:
            self.alerts.append(refused.alert)
            stream.ended.set()
            self._report_stream(stream, "stream-error", StreamError=refused.alert.detail)
            return
        self._report_stream(stream, "stream-stopped")

    def _report_stream(self, stream: MediaStream, event: str, **more: str) -> None:
        if stream.order.status_callback:
            form = {
                "AccountSid": self.network.account_sid, "CallSid": self.sid,
                "StreamSid": stream.sid, "StreamName": stream.order.name, "StreamEvent": event,
                "Timestamp": self.network.timestamp(), **more,
            }  # fmt: skip
            self.network.post_soon(stream.order.status_callback, form)

    def _report_status(self, **more: str) -> None:
        if self._status_callback:
            self.network.post_soon(self._status_callback, self.form(**more))
