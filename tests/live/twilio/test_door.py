"""A telephone call keeps the contract of every door."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from interject.integrations.twilio.simulator.mulaw import BLOCK_SAMPLES, decode
from tests.contract.door_contract import DoorContract, DoorRefused, DoorScene
from tests.fakes.runtime import FakeRuntime
from tests.integrations.twilio.stage import VOICE_URL, telephone
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from numpy.typing import NDArray

    from interject.config import Profile
    from interject.integrations.twilio.simulator.call import SimulatedCall

RATE_HZ = 16_000


class Caller:
    """A `FarEnd`."""

    def __init__(self, call: SimulatedCall) -> None:
        self._call = call

    @property
    def heard(self) -> list[NDArray[np.int16]]:
        sound = decode(bytes(self._call.recording.heard))
        return [sound[at : at + BLOCK_SAMPLES] for at in range(0, len(sound), BLOCK_SAMPLES)]

    @property
    def gone(self) -> bool:
        return self._call.over.is_set()

    async def talk(self, seconds: float) -> None:
        times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        tone = 8_000 * np.sin(2 * np.pi * 440 * times)
        await self._call.handset.say(np.rint(tone).astype(np.int16))


@pytest.mark.live
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
class TestTwilioDoor(DoorContract):
    """Being stopped is what `interject serve` does with its switchboard."""

    speaker = "caller"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        runtime = FakeRuntime(deciding=False, slots=slots)
        async with (
            telephone(runtime, profile=profile, barge_in=barge_in, failed_sentence="Oh!") as stage,
            stage.cloud.phones(VOICE_URL) as call,
        ):
            await until(lambda: stage.board.calls or call.script.announced, "an agent or none")
            await until(lambda: runtime.sessions or call.script.announced, "the model or none")
            if call.script.announced:
                raise DoorRefused(*call.script.announced)
            [agent] = stage.board.calls
            yield DoorScene(
                runtime,
                Caller(call),
                agent.controls,
                agent.consent,
                lambda: stage.board.drain(0.0),
            )
