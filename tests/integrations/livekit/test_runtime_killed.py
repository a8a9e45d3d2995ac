"""The model's process dies under a running session, which goes on with a new one."""

from __future__ import annotations

import os
import signal

import pytest

from interject.model_runtime.local.runtime import LocalRuntime
from interject.model_runtime.protocol import EndReason
from tests.fakes.livekit_audio import silence
from tests.integrations.livekit.stage import stage
from tests.waiting import until


@pytest.mark.timeout(400)
async def test_decisions_flow_again_after_the_model_was_killed() -> None:
    runtime = LocalRuntime("local:nano")
    try:
        async with stage(runtime) as here:
            await here.hear(silence(2.1))
            await until(lambda: len(here.decisions) == 5)
            assert runtime.server is not None
            pid = runtime.server.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await here.hear(silence(2.0))
            await until(lambda: here.decisions[-1].seq == 9)
            seqs = [decision.seq for decision in here.decisions]
            assert seqs == sorted(set(seqs))
            handle = here.agent.generate_reply()
            await handle
            assert handle.exception() is None
            assert all(ended.reason is not EndReason.CANCELLED for ended in here.ended)
    finally:
        await runtime.aclose()
