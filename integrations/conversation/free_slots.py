"""How much room a runtime has, where it says so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.model_runtime.protocol import RuntimeAway

if TYPE_CHECKING:
    from interject.model_runtime.protocol import Runtime

ASK_AGAIN_S = 0.5


async def free_slots(runtime: Runtime) -> int | None:
    """None: it does not say, or no model is there yet.

    :raises RuntimeFailure: when it cannot be used; `RuntimeAway` may pass.
    """
    ask = getattr(runtime, "free_slots", None)
    free: int | None = None if ask is None else await ask()
    return free


async def once_there(runtime: Runtime, wait_s: float) -> None:
    """Return when it answers; a Redis may come a little later than whoever needs it.

    :raises RuntimeFailure: when it cannot be used, or stays away for so long.
    """
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + wait_s
    while True:
        try:
            await free_slots(runtime)
        except RuntimeAway:
            if loop.time() > deadline_s:
                raise
        else:
            return
        await asyncio.sleep(ASK_AGAIN_S)
