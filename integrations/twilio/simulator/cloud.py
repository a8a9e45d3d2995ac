"""Twilio for a test: calls that come in, calls that are asked for over REST, all at once."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.integrations.twilio.simulator.call import SimulatedCall
from interject.integrations.twilio.simulator.call_status import CallParties, CallStatus
from interject.integrations.twilio.simulator.debugger import TwilioRefusal
from interject.integrations.twilio.simulator.network import TwilioNetwork

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


@dataclass(frozen=True)
class AnswerPlan:
    """What becomes of a call that was placed: who answers after how long, or why nobody does."""

    by: str = "human"
    after_s: float = 0.1
    detected_after_s: float = 0.3
    instead: CallStatus | None = None


@dataclass(frozen=True)
class TwilioAccount:
    """What a customer has to know of it."""

    sid: str = field(default_factory=lambda: f"AC{secrets.token_hex(16)}")
    auth_token: str = field(default_factory=lambda: secrets.token_hex(16))


class TwilioCloud:
    """Used with `async with`. `answer` is what the next call to be placed will meet."""

    def __init__(
        self,
        routes: Mapping[str, str],
        account: TwilioAccount | None = None,
        *,
        jitter_s: float = 0.02,
    ) -> None:
        account = account or TwilioAccount()
        self.account_sid, self.auth_token = account.sid, account.auth_token
        self.network = TwilioNetwork(account.sid, account.auth_token, routes)
        self.calls: dict[str, SimulatedCall] = {}
        self.answer = AnswerPlan()
        self._jitter_s = jitter_s
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> TwilioCloud:
        await self.network.__aenter__()
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for call in list(self.calls.values()):
            await call.hang_up()
        await self._group.__aexit__(None, None, None)
        await self.network.__aexit__()

    @contextlib.asynccontextmanager
    async def phones(
        self, voice_url: str, *, parties: CallParties | None = None, status_callback: str = ""
    ) -> AsyncIterator[SimulatedCall]:
        """Somebody phones the number whose webhook is `voice_url`, and hangs up at the end."""
        call = self.new_call(parties or CallParties(), status_callback)
        call.status = CallStatus.RINGING
        self._group.create_task(self._come(call, voice_url), name=call.sid)
        try:
            yield call
        finally:
            await call.hang_up()
            await call.over.wait()

    def new_call(self, parties: CallParties, status_callback: str = "") -> SimulatedCall:
        call = SimulatedCall(
            self.network, parties, status_callback=status_callback,
            jitter_s=self._jitter_s, seed=len(self.calls),
        )  # fmt: skip
        self.calls[call.sid] = call
        return call

    def place(self, call: SimulatedCall, wish: Mapping[str, str]) -> None:
        """Ring whom somebody wants to call; `wish` is the form that REST was sent."""
        self._group.create_task(self._ring(call, wish, self.answer), name=call.sid)

    async def _come(self, call: SimulatedCall, voice_url: str) -> None:
        try:
            document = await call.fetch(voice_url)
        except TwilioRefusal as refused:
            call.alerts.append(refused.alert)
            await call.end(CallStatus.FAILED)
            return
        await call.run(document)

    async def _ring(self, call: SimulatedCall, wish: Mapping[str, str], answer: AnswerPlan) -> None:
        call.status = CallStatus.RINGING
        await asyncio.sleep(answer.after_s)
        if answer.instead is not None or call.status is not CallStatus.RINGING:
            await call.end(answer.instead or call.status)
            return
        if wish.get("MachineDetection") and wish.get("AsyncAmd") != "true":
            await asyncio.sleep(answer.detected_after_s)
            call.answered_by = answer.by
        elif wish.get("MachineDetection"):
            self._group.create_task(self._detect(call, wish, answer), name="amd")
        call.status = CallStatus.IN_PROGRESS
        if "Twiml" in wish:
            await call.run(wish["Twiml"])
        else:
            await self._come(call, wish["Url"])

    async def _detect(
        self, call: SimulatedCall, wish: Mapping[str, str], answer: AnswerPlan
    ) -> None:
        """The answer comes while the call is in progress."""
        await asyncio.sleep(answer.detected_after_s)
        if callback := wish.get("AsyncAmdStatusCallback"):
            detected = {
                "CallSid": call.sid, "AccountSid": self.account_sid, "AnsweredBy": answer.by,
                "MachineDetectionDuration": str(round(1_000 * answer.detected_after_s)),
            }  # fmt: skip
            self.network.post_soon(callback, detected)
