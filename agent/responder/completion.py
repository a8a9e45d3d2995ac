"""What a chat endpoint streams, read piece by piece from what it says of itself."""

from __future__ import annotations

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


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _CallPart(BaseModel):
    index: int = 0
    id: str | None = None
    function: _Function = _Function()


class _Message(BaseModel):
    content: str | None = None
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


class CompletionReader:
    """One answer. Calls come in pieces, and are whole when the answer is."""

    def __init__(self) -> None:
        self._calls: dict[int, tuple[str, str, str]] = {}

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
            self._note(message.tool_calls or [], whole=choice.delta is None)
        if chunk.usage is not None:
            parts.append(TokenUse(chunk.usage.prompt_tokens, chunk.usage.completion_tokens))
        return parts

    def finish(self) -> list[ToolCall]:
        return [ToolCall(*self._calls[index]) for index in sorted(self._calls)]

    def _note(self, pieces: list[_CallPart], *, whole: bool) -> None:
        for place, piece in enumerate(pieces):
            index = place if whole else piece.index
            if index not in self._calls and len(self._calls) >= MOST_CALLS:
                continue
            call_id, name, arguments = self._calls.get(index, ("", "", ""))
            self._calls[index] = (
                call_id or piece.id or f"call-{index}",
                (name + (piece.function.name or ""))[:100],
                (arguments + (piece.function.arguments or ""))[:MOST_ARGUMENT_CHARS],
            )
