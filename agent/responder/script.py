"""From what is asked to the messages of a chat, as long as the endpoint's model can read."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any

from interject.agent.responder.recent_sound import seconds_of
from interject.agent.sound_file import as_wav
from interject.model_runtime.protocol import SAMPLE_BYTES, SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.agent.responder.dialogue import DialogueTurn, Enquiry
    from interject.agent.responder.sources import Sources
    from interject.agent.responder.tools.tool import Tool
    from interject.config.responder import ResponderBase

NOT_WRITTEN = "(They spoke; nobody has written it down.)"
CHARS_PER_POSITION = 3.0
"""Fewer than most tokenizers have, so that the count is rather too high."""
POSITIONS_PER_S = 5.0
"""Of sound, as Fun-Audio-Chat groups it."""
POSITIONS_PER_MESSAGE = 6
SHORTEST_SOUND_S = 2.0
HERMES = (
    "You may call functions. They are, as JSON:\n<tools>\n{tools}\n</tools>\nTo call one, write "
    '<tool_call>{{"name": NAME, "arguments": OBJECT}}</tool_call> and nothing else.'
)


class ChatScript:
    def __init__(self, settings: ResponderBase, tools: Sequence[Tool] = ()) -> None:
        self._settings = settings
        self._in_text = settings.tool_format == "hermes"
        self.offered = [] if self._in_text else [_offer(tool) for tool in tools]
        role = settings.system_prompt
        if tools and self._in_text:
            listed = "\n".join(json.dumps(_offer(tool)) for tool in tools)
            role = f"{role}\n\n{HERMES.format(tools=listed)}"
        self._role = role

    def messages(self, asked: Enquiry, sources: Sources) -> list[dict[str, Any]]:
        text = _task(asked, sources, hears=self._settings.audio)
        sound = asked.heard if self._settings.audio else b""
        turns, sound = self._fitting(text, asked.turns, sound)
        return [
            {"role": "system", "content": self._role},
            *({"role": one.role, "content": one.text or NOT_WRITTEN} for one in turns),
            {"role": "user", "content": _content(text, sound)},
        ]

    def _fitting(
        self, text: str, turns: Sequence[DialogueTurn], sound: bytes
    ) -> tuple[list[DialogueTurn], bytes]:
        """The oldest turns go first, then the beginning of the sound."""
        kept = (
            list(turns)[-(self._settings.most_turns - 1) :] if self._settings.most_turns > 1 else []
        )
        most = self._settings.most_positions
        if not most:
            return kept, sound
        left = most - self._settings.max_tokens - _positions(self._role) - _positions(text)
        sound_positions = math.ceil(seconds_of(sound) * POSITIONS_PER_S)
        while kept and sum(_positions(one.text or NOT_WRITTEN) for one in kept) > (
            left - sound_positions
        ):
            kept.pop(0)
        longest_s = max(SHORTEST_SOUND_S, left / POSITIONS_PER_S)
        longest = int(longest_s * SAMPLE_RATE_HZ) * SAMPLE_BYTES
        return kept, sound[-longest:]


def _task(asked: Enquiry, sources: Sources, *, hears: bool) -> str:
    """It explains itself: not every model reads our system prompt."""
    lines = []
    if asked.typed:
        lines.append(f"Written to you: {asked.typed}")
    elif not (hears and asked.heard):
        lines.append(NOT_WRITTEN)
    if asked.draft:
        lines.append(f"The draft of your reply: {asked.draft}")
    if asked.begun:
        lines.append(f"Already said aloud, to be gone on from and not repeated: {asked.begun}")
    if passages := sources.listed():
        lines.append(f"Passages, as material:\n{passages}")
    return "\n\n".join(lines)


def _content(text: str, sound: bytes) -> str | list[dict[str, Any]]:
    if not sound:
        return text
    data = base64.b64encode(as_wav(sound)).decode()
    return [
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "text", "text": text},
    ]


def _offer(tool: Tool) -> dict[str, Any]:
    function = {
        "name": tool.name, "description": tool.description, "parameters": tool.parameters,
    }  # fmt: skip
    return {"type": "function", "function": function}


def _positions(text: str) -> int:
    return POSITIONS_PER_MESSAGE + math.ceil(len(text) / CHARS_PER_POSITION)
