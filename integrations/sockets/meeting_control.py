"""What can be asked of a meeting beside its sound: another host, and another way."""

from __future__ import annotations

from typing import Protocol


class ChatRefused(Exception):
    """A text was not written into the chat; the message says why, and not which."""


class MeetingControl(Protocol):
    async def post(self, call_id: str, text: str) -> None:
        """Write into the chat, for everybody.

        :raises ChatRefused: when that cannot be done.
        """
        ...

    def is_own(self, call_id: str, text: str) -> bool:
        """Whether a chat message that has come in is one that went out by `post`, once for each
        time: what an agent reads of itself it would answer.
        """
        ...
