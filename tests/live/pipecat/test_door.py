"""A pipeline of Pipecat's keeps the contract of every door."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

import pytest

from interject.integrations.pipecat.llm_service import InterjectLLMService
from interject.integrations.pipecat.settings import Interruptions
from tests.contract.door_contract import DoorContract, DoorRefused, DoorScene
from tests.fakes.runtime import FakeRuntime
from tests.integrations.pipecat.stage import phoned
from tests.live.twilio.test_door import Caller

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from interject.config import Profile


@pytest.mark.live
@pytest.mark.rare
@pytest.mark.timeout(120)
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here")
class TestPipecatDoor(DoorContract):
    """Who has a pipeline of his own decides what becomes of a call without a model, and stops it by
    cancelling its worker.
    """

    speaker = "user"

    @contextlib.asynccontextmanager
    async def scene(
        self, profile: Profile, *, barge_in: bool = False, slots: int = 4
    ) -> AsyncIterator[DoorScene]:
        runtime = FakeRuntime(deciding=False, slots=slots)
        kind = Interruptions.TALK_OVER if barge_in else Interruptions.NEVER
        settings = InterjectLLMService.Settings(interruptions=kind)
        async with phoned(runtime, profile=profile, settings=settings) as call:
            if call.errors:
                raise DoorRefused(call.errors[0].error)
            yield DoorScene(
                runtime,
                Caller(call.caller),
                call.agent.controls,
                call.agent.consent,
                call.worker.cancel,
            )
