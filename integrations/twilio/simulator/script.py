"""Follows a call's TwiML, verb by verb."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.integrations.twilio.simulator.call_status import CallStatus
from interject.integrations.twilio.simulator.debugger import ErrorCode, TwilioRefusal
from interject.integrations.twilio.simulator.mulaw import RATE_HZ
from interject.integrations.twilio.simulator.twiml import StreamOrder, TwimlVerb, parse

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.integrations.twilio.simulator.call import SimulatedCall


class TwimlScript:
    """`followed` are the verbs so far, `announced` the sentences that Twilio's own voice said.

    TwiML of a server that is not part of the simulation is taken to dial somebody.
    """

    def __init__(self, call: SimulatedCall) -> None:
        self.followed: list[TwimlVerb] = []
        self.announced: list[str] = []
        self.dialled: list[str] = []
        self.callee_hung_up = asyncio.Event()
        self._call = call
        self._verbs: dict[str, Callable[[TwimlVerb], Awaitable[str | None]]] = {
            "Connect": self._connect, "Start": self._start, "Stop": self._stop, "Say": self._say,
            "Pause": self._pause, "Dial": self._dial, "Redirect": self._redirect,
        }  # fmt: skip

    async def run(self, document: str) -> None:
        """A call ends with its TwiML."""
        try:
            following: str | None = document
            while following is not None:
                following = await self._document(following)
        except TwilioRefusal as refused:
            self._call.alerts.append(refused.alert)
        await self._call.end(CallStatus.COMPLETED)

    async def _document(self, document: str) -> str | None:
        """The document that takes its place, if one does."""
        for verb in parse(document):
            self.followed.append(verb)
            if verb.name in ("Hangup", "Reject"):
                return None
            if verb.name not in self._verbs:
                self._call.alert(ErrorCode.SCHEMA, f"unknown verb {verb.name}")
            elif (following := await self._verbs[verb.name](verb)) is not None:
                return following
        return None

    async def _connect(self, verb: TwimlVerb) -> str | None:
        stream = self._call.open_stream(StreamOrder.of(verb.nouns[0], two_way=True))
        await stream.ended.wait()
        return await self._action(verb)

    async def _start(self, verb: TwimlVerb) -> None:
        self._call.open_stream(StreamOrder.of(verb.nouns[0], two_way=False))

    async def _stop(self, verb: TwimlVerb) -> None:
        for stream in self._call.streams:
            if stream.order.name == verb.nouns[0].attributes.get("name"):
                await stream.stop()

    async def _say(self, verb: TwimlVerb) -> None:
        """With a voice that is Twilio's affair."""
        self.announced.append(verb.text)
        self._call.announcement = await self._call.network.speak(verb.text)
        await asyncio.sleep(len(self._call.announcement) / RATE_HZ)

    async def _pause(self, verb: TwimlVerb) -> None:
        await asyncio.sleep(float(verb.attributes.get("length", "1")))

    async def _dial(self, verb: TwimlVerb) -> str | None:
        await self._talk_with(verb.text or "".join(noun.text for noun in verb.nouns))
        return await self._action(verb, DialCallStatus="completed")

    async def _redirect(self, verb: TwimlVerb) -> str | None:
        if self._call.network.reaches(verb.text):
            return await self._call.fetch(verb.text)
        await self._talk_with(verb.text)
        return None

    async def _talk_with(self, whom: str) -> None:
        """Whoever is dialled answers at once and stays."""
        self.dialled.append(whom)
        self.callee_hung_up.clear()
        self._call.callee_is_there = True
        try:
            await self.callee_hung_up.wait()
        finally:
            self._call.callee_is_there = False

    async def _action(self, verb: TwimlVerb, **more: str) -> str | None:
        action = verb.attributes.get("action")
        return await self._call.fetch(action, **more) if action else None
