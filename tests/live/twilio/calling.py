"""What people on the telephone do in several tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.integrations.twilio.simulator.call import LOUD
from interject.integrations.twilio.simulator.mulaw import BLOCK_S, decode
from tests.live.livekit.agent import ALARM_S, kitchen
from tests.waiting import until

if TYPE_CHECKING:
    from interject.integrations.twilio.simulator.call import SimulatedCall

TRIES = 5
"""A machine so busy that sound breaks up makes the model miss something now and then."""
HUSH_S = 0.6
PATIENCE_S = 4.0


async def connected(call: SimulatedCall) -> None:
    """The agent has the call."""
    await until(lambda: call.over.is_set() or call.streams, "the stream")
    await until(lambda: call.over.is_set() or call.stream.began.is_set(), "the stream to begin")
    assert not call.over.is_set(), f"the call is over: {call.alerts}"


async def greeted(call: SimulatedCall) -> None:
    """It has said who listens, and is silent again."""
    await connected(call)
    await until(lambda: call.heard_after(0.0), "the announcement")
    await quiet(call)


async def quiet(call: SimulatedCall) -> None:
    await until(lambda: is_quiet(call), "silence")


def is_quiet(call: SimulatedCall) -> bool:
    """Nothing is being played, nor has been for a while."""
    since = max(0.0, call.now_s - HUSH_S)
    return call.stream.playout.held_s == 0 and call.heard_after(since) is None


async def alarm_is_answered(call: SimulatedCall) -> float:
    """How long after the alarm it was heard, in seconds; less than none where it did not wait."""
    for _ in range(TRIES):
        began_s = call.now_s
        await call.handset.say(kitchen(ALARM_S))
        ended_s = call.now_s
        for _ in range(round(PATIENCE_S / 0.05)):
            if (heard_s := call.heard_after(began_s)) is not None:
                return heard_s - ended_s
            await asyncio.sleep(0.05)
    raise AssertionError(f"nobody answers: {call.alerts}")


def loud_s(sound: bytes | bytearray) -> float:
    """Seconds in which something was loud, in steps of 20 ms."""
    blocks = [decode(bytes(sound[at : at + 160])) for at in range(0, len(sound) - 160, 160)]
    return sum(bool(abs(block.astype(int)).max() > LOUD) for block in blocks) * BLOCK_S
