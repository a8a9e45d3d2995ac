"""The agent's own voice comes back over the line, and is nobody who talks over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.twilio.simulator.handset import Handset
from interject.integrations.twilio.simulator.mulaw import BLOCK_SAMPLES, RATE_HZ, decode, encode
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.integrations.twilio.stage import VOICE_URL, telephone
from tests.waiting import until

if TYPE_CHECKING:
    from interject.integrations.twilio.simulator.call import SimulatedCall

DELAY_SAMPLES = round(0.3 * RATE_HZ)
GAIN = 10 ** (-12 / 20)
WORDS = "The next train leaves at nine, and the one after that leaves an hour later."


class SpeakerPhone(Handset):
    """What is heard comes back, 12 dB lower and 300 ms later."""

    def __init__(self, call: SimulatedCall) -> None:
        super().__init__(seed=0)
        self._heard = call.recording.heard

    def take(self) -> bytes:
        said = decode(super().take())
        at = len(self._heard) - DELAY_SAMPLES
        if at < 0:
            return encode(said)
        back = decode(bytes(self._heard[at : at + BLOCK_SAMPLES]))
        return encode(np.rint(said + GAIN * back).astype(np.int16))


def is_quiet(call: SimulatedCall) -> bool:
    """For a second, after it was not."""
    began_at = call.heard_after(0.0)
    return (
        began_at is not None
        and call.now_s > began_at + 1.0
        and call.heard_after(call.now_s - 1.0) is None
    )


@pytest.mark.parametrize("wanted", [True, False])
async def test_an_echo_cuts_the_agent_off_only_where_it_is_not_taken_out(wanted: bool) -> None:
    """Where the profile does not want it, nothing is taken out."""
    pytest.importorskip("livekit.rtc")
    from interject.integrations.livekit.room.webrtc_echo import WebRtcEcho

    profile = {"room": {"announce": "none", "echo_cancellation": wanted}}
    runtime = FakeRuntime({1: Scripted(WORDS)})
    async with (
        telephone(runtime, profile=profile, barge_in=True, make_echo=WebRtcEcho) as stage,
        stage.cloud.phones(VOICE_URL) as call,
    ):
        call.handset = SpeakerPhone(call)
        if not wanted:
            await until(lambda: call.streams and call.stream.received["clear"], "the cut")
            return
        await until(lambda: is_quiet(call), "the end of the reply")
        assert call.stream.received["clear"] == 0
        assert not stage.model.cancelled
