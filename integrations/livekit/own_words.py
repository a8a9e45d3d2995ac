"""Words that are no reply and that people are owed, as the announcement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents import AgentSession


def say_whole(session: AgentSession[Any], text: str) -> None:
    """Whoever talks over it does not cut it. LiveKit takes no such wish where the model detects
    turns itself, but from the speech once it is there.
    """
    speech = session.say(text, add_to_chat_ctx=False)
    speech.allow_interruptions = False
