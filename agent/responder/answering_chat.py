"""A chat endpoint that answers: it is asked, its tools are called, its words are handed on."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from interject.agent.responder.block_text import BlockText, hermes_call
from interject.agent.responder.cited_text import CitedText
from interject.agent.responder.completion import MOST_CALLS, TokenUse, ToolCall
from interject.agent.responder.script import ChatScript
from interject.agent.responder.sources import Sources
from interject.agent.responder.steps import Summed, Words, Working

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from interject.agent.responder.chat_server import ChatServer
    from interject.agent.responder.completion import CompletionPart
    from interject.agent.responder.dialogue import Enquiry
    from interject.agent.responder.knowledge import Knowledge
    from interject.agent.responder.steps import Step
    from interject.agent.responder.tools.permission import Permission
    from interject.agent.responder.tools.tool_box import ToolBox
    from interject.config.responder import ResponderBase

MOST_ROUNDS = 4
"""So often it may call tools for one answer; then it has to do without."""
MOST_ANSWER_CHARS = 4_000
"""That are said."""
MOST_WRITTEN_CHARS = 32_000
"""With its thoughts, and calls that stand in the text."""


@dataclass(slots=True)
class _Round:
    """One request: what was written, and what is to be called."""

    written: str = field(default="", repr=False)
    calls: list[ToolCall] = field(default_factory=list)


class AnsweringChat:
    """Sessions may share one. Nothing of an answer is kept here."""

    def __init__(
        self,
        settings: ResponderBase,
        server: ChatServer,
        box: ToolBox,
        knowledge: Knowledge | None = None,
    ) -> None:
        self._settings = settings
        self._server = server
        self._box = box
        self._knowledge = knowledge

    async def answer(
        self, asked: Enquiry, permission: Permission | None = None
    ) -> AsyncIterator[Step]:
        """:raises ResponderFailure: when the endpoint has none."""
        sources = Sources()
        if self._knowledge is not None:
            for label, text in self._knowledge.about(f"{asked.typed} {asked.draft}"):
                sources.add(label, text)
        script = ChatScript(self._settings, self._box.tools)
        messages = script.messages(asked, sources)
        said = _Answer(sources)
        for left in reversed(range(MOST_ROUNDS)):
            current = _Round()
            async for step in self._ask(messages, script.offered if left else [], said, current):
                yield step
            if not current.calls or not left:
                break
            self._note_calls(messages, current)
            for call in current.calls:
                yield Working(call.name, begun=True, asks=self._box.asks(call.name))
                done = await self._done(call, sources, permission)
                messages.append(self._given(call, done))
                yield Working(call.name, begun=False)
        if rest := said.text.finish():
            yield Words(rest)
        yield Summed(sources.labels(said.text.cited), said.tokens)

    async def _ask(
        self,
        messages: list[dict[str, Any]],
        offered: list[dict[str, Any]],
        said: _Answer,
        current: _Round,
    ) -> AsyncIterator[Step]:
        blocks = BlockText()
        parts = cast(
            "AsyncGenerator[CompletionPart, None]", self._server.complete(messages, offered)
        )
        async with aclosing(parts):
            async for part in parts:
                if isinstance(part, TokenUse):
                    said.tokens += part
                elif isinstance(part, ToolCall):
                    current.calls.append(part)
                elif said.is_full:
                    break
                elif words := said.push(current, blocks.push(said.readable(part))):
                    yield Words(words)
        if words := said.push(current, blocks.finish()):
            yield Words(words)
        current.calls = [*current.calls, *blocks.calls][:MOST_CALLS]

    async def _done(self, call: ToolCall, sources: Sources, permission: Permission | None) -> str:
        """What the model is told of it, with the numbers that it can cite."""
        result = await self._box.call(call, permission)
        if result.failed:
            return result.text
        named = result.sources or ((f"tool {call.name}", result.text),)
        numbered = (f"[{sources.add(label, text)}] {text}" for label, text in named)
        return "\n".join(numbered)

    def _note_calls(self, messages: list[dict[str, Any]], current: _Round) -> None:
        if self._settings.tool_format == "hermes":
            written = "".join(map(hermes_call, current.calls))
            messages.append({"role": "assistant", "content": current.written + written})
            return
        calls = [
            {
                "id": one.id,
                "type": "function",
                "function": {"name": one.name, "arguments": one.arguments},
            }
            for one in current.calls
        ]
        messages.append(
            {"role": "assistant", "content": current.written or None, "tool_calls": calls}
        )

    def _given(self, call: ToolCall, text: str) -> dict[str, Any]:
        if self._settings.tool_format == "hermes":
            told = json.dumps({"name": call.name, "content": text}, ensure_ascii=False)
            return {"role": "user", "content": f"<tool_response>{told}</tool_response>"}
        return {"role": "tool", "tool_call_id": call.id, "content": text}


class _Answer:
    """Over all rounds. Words of two rounds stay two words."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.text = CitedText()
        self.tokens = TokenUse()
        self._to_read, self._to_say = MOST_WRITTEN_CHARS, MOST_ANSWER_CHARS
        self._open_word = False

    @property
    def is_full(self) -> bool:
        return not (self._to_read and self._to_say)

    def readable(self, piece: str) -> str:
        """What of it is looked at: one piece may be more than a whole answer."""
        taken = piece[: self._to_read]
        self._to_read -= len(taken)
        return taken

    def push(self, current: _Round, text: str) -> str:
        text = text[: self._to_say]
        self._to_say -= len(text)
        if not text:
            return ""
        parted = self._open_word and not current.written
        current.written += text
        self._open_word = not text[-1].isspace()
        return self.text.push(f" {text}" if parted else text)
