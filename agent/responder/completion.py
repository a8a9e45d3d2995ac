"""What a chat endpoint streams, read piece by piece from what it says of itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ValidationError

from interject.agent.responder.failures import ResponderFailure

MOST_CALLS = 8
"""Of one answer. More is a model that runs in circles."""
MOST_ARGUMENT_CHARS = 16_000
MOST_TOKENS = 10_000_000


@dataclass(frozen=True, slots=True)
class ToolCall:
    """As the model wrote it: nothing of it is checked yet."""

    id: str
    name: str
    arguments: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What the endpoint says that it read and wrote."""

    prompt: int = 0
    completion: int = 0

    def __add__(self, other: TokenUse) -> TokenUse:
        return TokenUse(self.prompt + other.prompt, self.completion + other.completion)


CompletionPart = str | ToolCall | TokenUse


def _as_text(told: object) -> object:
    """Some send arguments as the object that they are, not as text that holds it."""
    return json.dumps(told) if isinstance(told, dict) else told


def _words(told: object) -> object:
    """Of content in parts, what is text: the others are thoughts and the like."""
    if not isinstance(told, list):
        return told
    parts = [one for one in told if isinstance(one, dict) and one.get("type") == "text"]
    return "".join(text for one in parts if isinstance(text := one.get("text"), str))


class _Function(BaseModel):
    name: str | None = None
    arguments: Annotated[str | None, BeforeValidator(_as_text)] = None


class _CallPart(BaseModel):
    index: int | None = None
    id: str | None = None
    function: _Function = _Function()


class _Message(BaseModel):
    content: Annotated[str | None, BeforeValidator(_words)] = None
    tool_calls: list[_CallPart] | None = None


class _Choice(BaseModel):
    delta: _Message | None = None
    message: _Message | None = None


def _count(told: object) -> int:
    """Some say null where they have not counted; what is no number of tokens is none."""
    return told if isinstance(told, int) and 0 <= told <= MOST_TOKENS else 0


Count = Annotated[int, BeforeValidator(_count)]


class _Usage(BaseModel):
    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class _Chunk(BaseModel):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: Any = None


@dataclass(slots=True)
class _OpenCall:
    index: int | None
    id: str
    name: str = ""
    arguments: str = field(default="", repr=False)

    def goes_on(self, piece: _CallPart) -> bool:
        """Not with another id, whatever the index is: some give every call the same, or none."""
        if piece.id and self.id:
            return piece.id == self.id and piece.index in (None, self.index)
        if piece.index is None:
            return not (piece.function.name and self.name)
        return piece.index == self.index

    def add(self, piece: _CallPart) -> None:
        name, self.id = piece.function.name or "", self.id or piece.id or ""
        if name != self.name:  # Some repeat it with every piece.
            self.name = (self.name + name)[:100]
        self.arguments += piece.function.arguments or ""
        self.arguments = self.arguments[:MOST_ARGUMENT_CHARS]


class CompletionReader:
    """One answer. Calls come in pieces, and are whole when the answer is."""

    def __init__(self) -> None:
        self._calls: list[_OpenCall] = []
        self._latest: _OpenCall | None = None

    def read(self, data: bytes) -> list[CompletionPart]:
        """:raises ResponderFailure: when it is no piece of a chat completion, or an error."""
        try:
            chunk = _Chunk.model_validate_json(data)
        except ValidationError:
            raise ResponderFailure("it sent something that is no chat completion") from None
        if chunk.error is not None:
            raise ResponderFailure("it broke off with an error")
        parts: list[CompletionPart] = []
        for choice in chunk.choices[:1]:
            message = choice.delta or choice.message or _Message()
            if message.content:
                parts.append(message.content.encode(errors="replace").decode())
            for piece in message.tool_calls or []:
                self._call_of(piece, whole=choice.delta is None).add(piece)
        if chunk.usage is not None:
            parts.append(TokenUse(chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
        return parts

    def finish(self) -> list[ToolCall]:
        return [
            ToolCall(one.id or f"call-{place}", one.name, one.arguments)
            for place, one in enumerate(self._calls)
        ]

    def _call_of(self, piece: _CallPart, *, whole: bool) -> _OpenCall:
        """The one that a piece belongs to. One too many goes nowhere."""
        known = () if whole or self._latest is None else (self._latest, *reversed(self._calls))
        for one in known:
            if one.goes_on(piece):
                self._latest = one
                return one
        call = self._latest = _OpenCall(piece.index, piece.id or "")
        if len(self._calls) < MOST_CALLS:
            self._calls.append(call)
        return call
