"""One reply of the gate's whose words a responder is to find."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from interject.agent.voice.clauses import ClauseSplitter

if TYPE_CHECKING:
    from interject.model_runtime.protocol import ReplyEnded, ReplyStarted


class HandedState(StrEnum):
    """Its draft is being written; somebody is asked; words of his are there."""

    DRAFTING = "drafting"
    ASKING = "asking"
    SPEAKING = "speaking"


@dataclass(slots=True, eq=False)
class HandedReply:
    """`said` is what whoever speaks has been given of it, of which `opening` characters are the
    draft's. `heard` is the sound that it answers, and `speaker` whose, if that is known.
    """

    started: ReplyStarted
    heard: bytes = field(repr=False)
    typed: str = field(default="", repr=False)
    speaker: str = ""
    state: HandedState = HandedState.DRAFTING
    draft: str = field(default="", repr=False)
    ended: ReplyEnded | None = None
    drafted: asyncio.Event = field(default_factory=asyncio.Event)
    said: str = field(default="", repr=False)
    opening: int = 0
    heard_chars: int = 0
    task: asyncio.Task[None] | None = None
    _clauses: ClauseSplitter = field(default_factory=ClauseSplitter)

    @property
    def reply_id(self) -> int:
        return self.started.reply_id

    def write(self, text: str) -> str:
        """More of the draft; what is returned is its first clause, once that is whole."""
        self.draft += text
        clauses = self._clauses.push(text)
        return clauses[0].text if clauses and clauses[0].start_char == 0 else ""

    def only_clause(self) -> str:
        """The whole draft, where it is one clause; with a space, by which its end is seen."""
        (*_, rest) = self._clauses.finish() or (None,)
        return f"{rest.text} " if rest is not None and rest.start_char == 0 else ""
