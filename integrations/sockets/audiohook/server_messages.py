"""What AudioHook's server, which is us, says in text."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from interject.integrations.sockets.audiohook.client_messages import VERSION

if TYPE_CHECKING:
    from interject.integrations.sockets.audiohook.client_messages import Media


class DisconnectReason(StrEnum):
    """Why the server wants to end a session. Only the client ends it: it answers with `close`."""

    COMPLETED = "completed"
    UNAUTHORIZED = "unauthorized"
    ERROR = "error"


class ServerMessages:
    """One a session. They must leave in the order in which they were made."""

    def __init__(self, session_id: str) -> None:
        self.session_id = str(session_id)
        self.heard_seq = 0
        self.seq = 0

    def opened(self, media: tuple[Media, ...], *, languages: bool) -> str:
        """`languages`: the client has asked which are known. None is: the model reads no code."""
        chosen = [one.model_dump(by_alias=True) for one in media]
        asked: dict[str, Any] = {"supportedLanguages": []} if languages else {}
        return self._made("opened", startPaused=False, media=chosen, **asked)

    def closed(self) -> str:
        return self._made("closed")

    def pong(self) -> str:
        return self._made("pong")

    def updated(self) -> str:
        return self._made("updated")

    def pause(self) -> str:
        return self._made("pause")

    def resume(self) -> str:
        return self._made("resume")

    def barge_in(self) -> str:
        """The client throws away what it has not played."""
        return self._made("event", entities=[{"type": "barge_in", "data": {}}])

    def disconnect(self, reason: DisconnectReason, info: str = "") -> str:
        return self._made("disconnect", reason=reason.value, **({"info": info} if info else {}))

    def _made(self, kind: str, **parameters: Any) -> str:
        self.seq += 1
        return json.dumps(
            {
                "version": VERSION,
                "id": self.session_id,
                "type": kind,
                "seq": self.seq,
                "clientseq": self.heard_seq,
                "parameters": parameters,
            }
        )
