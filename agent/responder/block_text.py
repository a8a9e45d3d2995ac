"""Text in which a model also writes what nobody shall hear: calls of tools, and its thoughts."""

from __future__ import annotations

import json

from interject.agent.responder.completion import MOST_ARGUMENT_CHARS, MOST_CALLS, ToolCall

CALL, CALL_END = "<tool_call>", "</tool_call>"
THOUGHT, THOUGHT_END = "<think>", "</think>"
FOREIGN = {"[TOOL_CALLS]": "</s>", "<|python_tag|>": "<|eom_id|>"}
"""Calls of Mistral's and Llama's models, from servers that do not read them: JSON is not said."""
ENDS = {CALL: CALL_END, THOUGHT: THOUGHT_END, **FOREIGN}
STRAY = (CALL_END, THOUGHT_END)
"""An end without its beginning, as where a server has put the beginning into the prompt."""
MARKS = (*ENDS, *STRAY)


class BlockText:
    """Piece by piece, however it is cut. What may become a mark waits until it is known.

    `calls` are those of Hermes's format so far. A block without an end is neither heard nor done.
    """

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []
        self._held = ""
        self._inside = ""

    def push(self, piece: str) -> str:
        """What of it is text for people."""
        self._held += piece
        said = ""
        while True:
            if self._inside:
                if not self._leave():
                    return said
                continue
            at, mark = self._next_mark()
            if mark:
                said += self._held[:at]
                self._held = self._held[at + len(mark) :]
                self._inside = mark if mark in ENDS else ""
                continue
            said += self._held[:at]
            self._held = self._held[at:]
            return said

    def finish(self) -> str:
        """The rest: what looked like a mark and was none."""
        rest, self._held = ("" if self._inside else self._held), ""
        return rest

    def _next_mark(self) -> tuple[int, str]:
        """Where the next mark is; without one, from where on the end may become one."""
        found = [(at, mark) for mark in MARKS if (at := self._held.find(mark)) >= 0]
        return min(found) if found else (len(self._held) - _open_end(self._held), "")

    def _leave(self) -> bool:
        end = ENDS[self._inside]
        content, mark, rest = self._held.partition(end)
        if not mark:
            keep = MOST_ARGUMENT_CHARS if self._inside == CALL else len(end)
            self._held = self._held[-keep:]
            return False
        if self._inside == CALL:
            self._note(content)
        self._inside, self._held = "", rest
        return True

    def _note(self, content: str) -> None:
        if len(self.calls) >= MOST_CALLS:
            return
        try:
            call = json.loads(content)
            name, arguments = call["name"], call.get("arguments", {})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            name, arguments = "", content.strip()
        if not isinstance(name, str):
            name = ""
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        self.calls.append(ToolCall(f"call-{len(self.calls)}", name, written))


def hermes_call(call: ToolCall) -> str:
    """As a model of that format has written it: arguments are an object, unless they were none."""
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = call.arguments
    return f"{CALL}{json.dumps({'name': call.name, 'arguments': arguments})}{CALL_END}"


def _open_end(text: str) -> int:
    """How many characters at its end may be the beginning of a mark."""
    longest = max(map(len, MARKS)) - 1
    return next(
        (
            size
            for size in range(min(longest, len(text)), 0, -1)
            if any(mark.startswith(text[-size:]) for mark in MARKS)
        ),
        0,
    )
