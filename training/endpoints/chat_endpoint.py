"""A language model that is asked for JSON of a known shape."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from interject.training.endpoints.answer_cache import question_key
from interject.training.endpoints.failures import UnusableAnswer
from interject.training.endpoints.http_endpoint import RefusedRequest

if TYPE_CHECKING:
    from interject.training.endpoints.answer_cache import AnswerCache
    from interject.training.endpoints.http_endpoint import HttpEndpoint

Answer = TypeVar("Answer", bound=BaseModel)
TEMPERATURE = 0.7
MOST_ASKED = 3
"""How often one question is put, each time with what was wrong before."""
_MOST_FAULTS = 5
_NO_SCHEMAS = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.NOT_IMPLEMENTED,
)  # fmt: skip
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Question:
    """`role` is what the model is to be, `text` what it is asked; `wav` is a file to hear."""

    role: str
    text: str
    wav: bytes = field(default=b"", repr=False)

    def content(self, shape: str) -> str | list[dict[str, Any]]:
        """As OpenAI takes text, and text with sound."""
        text = f"{self.text}\n\n{shape}"
        if not self.wav:
            return text
        sound = {"data": base64.b64encode(self.wav).decode(), "format": "wav"}
        return [{"type": "text", "text": text}, {"type": "input_audio", "input_audio": sound}]


class ChatEndpoint:
    """Threads may share one.

    A server that refuses a JSON schema is asked without one from then on: the schema stands in the
    text, and JSON is looked for in what it says.
    """

    def __init__(
        self,
        endpoint: HttpEndpoint,
        cache: AnswerCache | None = None,
        *,
        temperature: float = TEMPERATURE,
        most_asked: int = MOST_ASKED,
    ) -> None:
        self._endpoint = endpoint
        self._cache = cache
        self._temperature = temperature
        self._most_asked = most_asked
        self._takes_schemas = True

    @property
    def model(self) -> str:
        return self._endpoint.settings.model

    def ask(self, question: Question, answer: type[Answer]) -> Answer:
        """An answer that is valid, from the cache if there is one.

        :raises UnusableAnswer: when it is not valid after so many attempts.
        :raises EndpointFailure: when the server cannot be used.
        :raises OSError: when the cache cannot be written.
        """
        schema = _strict(answer.model_json_schema())
        messages: list[dict[str, Any]] = [
            {"role": "system", "content": question.role},
            {"role": "user", "content": question.content(_described(schema))},
        ]
        key = question_key(self._body(messages, schema))
        if (known := self._known(key, answer)) is not None:
            return known
        fault = ""
        for _ in range(self._most_asked):
            text = self._say(messages, answer.__name__, schema)
            found = _parsed(text, answer)
            if not isinstance(found, str):
                if self._cache is not None:
                    self._cache.write(key, found.model_dump_json())
                return found
            fault = found
            messages = [
                *messages[:2],
                {"role": "assistant", "content": (text or "")[:8_000]},
                {"role": "user", "content": f"That is not valid: {fault}. Give valid JSON only."},
            ]
        raise UnusableAnswer(
            f"the model {self.model!r} gave no valid {answer.__name__} in {self._most_asked} "
            f"attempts; the last fault: {fault}"
        )

    def _known(self, key: str, answer: type[Answer]) -> Answer | None:
        """What was valid for another version of this program is asked again."""
        text = self._cache.read(key) if self._cache is not None else None
        if text is None:
            return None
        try:
            return answer.model_validate_json(text)
        except ValidationError:
            return None

    def _body(self, messages: list[dict[str, Any]], schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": self.model, "temperature": self._temperature,
            "messages": messages, "schema": schema,
        }  # fmt: skip

    def _say(self, messages: list[dict[str, Any]], name: str, schema: dict[str, Any]) -> str | None:
        body: dict[str, Any] = {
            "model": self.model, "temperature": self._temperature, "messages": messages,
        }  # fmt: skip
        if not self._takes_schemas:
            return self._completion(body)
        wanted = {"name": name, "schema": schema, "strict": True}
        shaped = {**body, "response_format": {"type": "json_schema", "json_schema": wanted}}
        try:
            return self._completion(shaped)
        except RefusedRequest as error:
            if error.status not in _NO_SCHEMAS:
                raise
        said = self._completion(body)
        self._takes_schemas = False
        return said

    def _completion(self, body: dict[str, Any]) -> str | None:
        return _content(self._endpoint.post("chat/completions", json=body).body)


def _strict(schema: Any) -> Any:
    """OpenAI takes a schema only where every property is required and nothing has a default."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: _strict(part) for name, part in schema.items() if name != "default"}
    if isinstance(parts.get("properties"), dict):
        parts["required"] = list(parts["properties"])
    return parts


def _described(schema: dict[str, Any]) -> str:
    shape = json.dumps(schema, ensure_ascii=False)
    return f"Answer with one JSON object of this JSON schema, and nothing else:\n{shape}"


def _content(body: bytes) -> str | None:
    """What the model says; None where the answer is no chat completion."""
    try:
        content = json.loads(body)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None
    return content.encode(errors="replace").decode() if isinstance(content, str) else None


def _parsed(text: str | None, answer: type[Answer]) -> Answer | str:
    """The answer, or what is wrong with it."""
    if text is None:
        return "it is no chat completion"
    try:
        return answer.model_validate_json(_json_in(text))
    except ValidationError as error:
        return _faults(error)


def _json_in(text: str) -> str:
    """Models like to put JSON into a fence, or between sentences."""
    if fenced := _FENCED.search(text):
        return fenced[1]
    first, last = text.find("{"), text.rfind("}")
    return text[first : last + 1] if 0 <= first < last else text


def _faults(error: ValidationError) -> str:
    faults = [
        f"{'.'.join(map(str, fault['loc'])) or 'the answer'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)[:_MOST_FAULTS]
    ]
    return "; ".join(" ".join(fault.split()) for fault in faults)[:600]
