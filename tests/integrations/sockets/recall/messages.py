"""Messages as Recall.ai documents them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BOT = "3f1a7f0e-2c2b-4b57-9c57-0d0a3c3f7f11"


def ann(number: int = 16, name: str | None = "Ann") -> dict[str, Any]:
    return {"id": number, "name": name, "is_host": True, "platform": "desktop", "extra_data": {}}


def event(name: str, **data: Any) -> str:
    """Each names the bot, the recording and the endpoint that it is of."""
    timestamp = {"relative": 1.25, "absolute": "2026-11-27T12:00:00.000Z"}
    around = {
        one: {"id": f"{one}-id", "metadata": {}}
        for one in ("realtime_endpoint", "recording", name.partition(".")[0])
    }
    bot = {"id": BOT, "metadata": {}}
    inner = {"timestamp": timestamp, **data}
    return json.dumps({"event": name, "data": {"data": inner, **around, "bot": bot}})


def mixed(sound: NDArray[np.int16] | bytes) -> str:
    return event("audio_mixed_raw.data", buffer=base64.b64encode(bytes(sound)).decode())


def separate(sound: NDArray[np.int16] | bytes, participant: dict[str, Any]) -> str:
    buffer = base64.b64encode(bytes(sound)).decode()
    return event("audio_separate_raw.data", buffer=buffer, participant=participant)
