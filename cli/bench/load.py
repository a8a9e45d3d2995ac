"""Puts a plan's load on a runtime.

Every session sends 12.8 KB each 400 ms, whether or not earlier chunks have been decided. Latency
runs from the moment at which a chunk was due to its decision's arrival, so a load generator or an
engine that falls behind is not forgiven.
"""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from interject.cli.bench.load_session import LoadSession
from interject.cli.bench.outcome import Outcome
from interject.cli.bench.plan import FIRST_REPLY_TOKENS, LoadPlan, TalkPlan
from interject.model_runtime.protocol import SessionOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.cli.bench.load_session import DecisionObserver
    from interject.cli.bench.looped_sound import RoomSound
    from interject.model_runtime.protocol import Runtime, RuntimeSession

LEAD_S = 0.5
OPENING_AT_ONCE = 16
NEVER = 1.0
"""Rooms that set off the model would add replies to the talk plan's."""


async def run_load(
    runtime: Runtime,
    plan: LoadPlan,
    rooms: Sequence[RoomSound],
    *,
    name: str = "load",
    outcome: Outcome | None = None,
    stop: asyncio.Event | None = None,
    observer: DecisionObserver | None = None,
) -> Outcome:
    """One run; `outcome` may be given to be looked at meanwhile. Session ids begin with `name`.

    :raises RuntimeFailure: when not all sessions can be opened.
    """
    outcome = outcome or Outcome()
    stop = stop or asyncio.Event()
    draws = [random.Random(number) for number in range(plan.sessions)]
    sessions = await _open(runtime, plan, name)
    begin = asyncio.get_running_loop().time() + LEAD_S
    async with asyncio.TaskGroup() as tasks:
        for number, session in enumerate(sessions):
            draw = draws[number]
            wait_s = draw.random() * plan.arrival_s
            first = begin + wait_s
            talk = TalkPlan(plan.talk, draw)
            talk.said(FIRST_REPLY_TOKENS, first)
            stream = LoadSession(
                session, room=rooms[number % len(rooms)], talk=talk,
                outcome=outcome, stop=stop, observer=observer,
            )  # fmt: skip
            run = stream.run(
                first,
                seconds=plan.seconds - wait_s,
                warm_up_s=max(plan.warm_up_s, plan.arrival_s) - wait_s,
            )
            tasks.create_task(run, name="load")
    return outcome


async def _open(runtime: Runtime, plan: LoadPlan, name: str) -> list[RuntimeSession]:
    turn = asyncio.Semaphore(OPENING_AT_ONCE)

    async def opened(number: int) -> RuntimeSession:
        options = SessionOptions(
            f"{name}-{number}", threshold=NEVER, max_reply_tokens=plan.max_reply_tokens
        )
        async with turn:
            return await runtime.open(options)

    async with asyncio.TaskGroup() as tasks:
        opening = [tasks.create_task(opened(number)) for number in range(plan.sessions)]
    return [task.result() for task in opening]
