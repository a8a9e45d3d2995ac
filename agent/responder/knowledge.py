"""A folder of notes as a responder knows it: passages ahead, and a tool to look for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interject.agent.notes.shared import shared_notes
from interject.agent.notes.unreadable import NotesError
from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.tools.tool import Tool, ToolResult

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_PASSAGES = 3
AHEAD_FLOOR = 0.3
"""A draft is short and was no question, so that less of it has to be in a passage."""
ASKED_FLOOR = 0.2
SEARCH = "search_notes"
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {"query": {"type": "string", "minLength": 1, "maxLength": 500}},
    "required": ["query"],
    "additionalProperties": False,
}


class Knowledge:
    """:raises ResponderUnusable: when there are no notes in the folder."""

    def __init__(self, folder: str) -> None:
        try:
            self._notes = shared_notes(folder)
        except NotesError as error:
            raise ResponderUnusable(f"the profile's notes: {error}") from None

    def about(self, text: str, floor: float = AHEAD_FLOOR) -> Iterator[tuple[str, str]]:
        """Labels and texts of the passages that say most of it."""
        for match in self._notes.search(text, most=MOST_PASSAGES, floor=floor):
            yield str(match.passage.source), match.passage.text

    def tool(self) -> Tool:
        said = "Look something up in the notes; returns passages with their sources."
        return Tool(SEARCH, said, PARAMETERS, self._search)

    async def _search(self, arguments: dict[str, Any]) -> ToolResult:
        found = tuple(self.about(arguments["query"], ASKED_FLOOR))
        if not found:
            return ToolResult("Nothing in the notes says anything of that.")
        return ToolResult("\n".join(text for _, text in found), found)
