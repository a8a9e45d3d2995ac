"""What a session is opened with, as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from interject.model_runtime import limits
from interject.model_runtime.limits import MAX_JSON_BYTES
from interject.model_runtime.protocol import InvalidInput, SessionOptions
from interject.model_runtime.remote import wire


@dataclass(frozen=True, slots=True)
class _Named:
    session_id: str

    def __post_init__(self) -> None:
        limits.check_session_id(self.session_id)


_OPTIONS = TypeAdapter(SessionOptions)
_NAMED = TypeAdapter(_Named)


def encode_options(options: SessionOptions) -> bytes:
    """What a session is opened with, as JSON.

    :raises InvalidInput: when that is too long, which takes a prompt full of control characters.
    """
    data = _OPTIONS.dump_json(options)
    if len(data) > MAX_JSON_BYTES:
        raise InvalidInput(
            f"the options have {len(data)} bytes, at most {MAX_JSON_BYTES} are taken"
        )
    return data


def decode_options(data: bytes) -> SessionOptions:
    """The opposite.

    :raises wire.WireError: when it is no such JSON, or asks for what no session may have.
    """
    if len(data) > MAX_JSON_BYTES:
        raise wire.WireError(f"options: {len(data)} bytes, at most {MAX_JSON_BYTES} are taken")
    try:
        options: SessionOptions = _OPTIONS.validate_json(data, strict=True)
    except ValidationError as error:
        raise wire.WireError(f"options: {wire.first_problem(error)}") from None
    _check_nesting(data)
    return options


def session_id_in(data: bytes) -> str:
    """Whose options these are, where they cannot be read otherwise; nothing where nobody's."""
    try:
        return _NAMED.validate_json(data[:MAX_JSON_BYTES], strict=True).session_id
    except ValidationError:
        return ""


def _check_nesting(data: bytes) -> None:
    """Unknown keys are ignored, but who writes `sampling.top_k` means one that is known."""
    flat = next((key for key in from_json(data) if "." in key), None)
    if flat is not None:
        name = wire.shown(flat.encode())
        raise wire.WireError(f'options: {name}: objects are nested: {{"sampling": {{"top_k": 5}}}}')
