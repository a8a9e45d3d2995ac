"""Frames, controls and events as the fields of stream entries. `docs/protocol.md` describes them.

Unknown fields are ignored, another version is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json

from interject.model_runtime import limits
from interject.model_runtime.limits import MAX_JSON_BYTES
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    SAMPLE_BYTES,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    Event,
    FloorMode,
    Frame,
    Gap,
    InvalidInput,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    SessionOptions,
    Speaker,
)

VERSION = b"2"
FLAG_LAST = 1
"""Nothing follows the frame: its look-ahead is empty on purpose."""
SILENT_DBFS = -200.0
Fields = Mapping[bytes, bytes]


class WireError(ValueError):
    """An entry that cannot be read; the message says why, without repeating its content."""


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    emotion: Emotion = Emotion.NORMAL

    def __post_init__(self) -> None:
        limits.check_text("text", self.text, limits.MAX_TEXT_BYTES)
        limits.check_kind("emotion", self.emotion, Emotion)


@dataclass(frozen=True, slots=True)
class TextTurn:
    text: str
    answer: bool = True

    def __post_init__(self) -> None:
        limits.check_text("text", self.text, limits.MAX_TEXT_BYTES)


@dataclass(frozen=True, slots=True)
class AnswerNow:
    pass


@dataclass(frozen=True, slots=True)
class Cancel:
    reply_id: int
    heard_chars: int

    def __post_init__(self) -> None:
        limits.check_whole("reply_id", self.reply_id, 0, limits.MAX_COUNT)
        limits.check_whole("heard_chars", self.heard_chars, 0, limits.MAX_COUNT)


@dataclass(frozen=True, slots=True)
class Heard:
    reply_id: int
    chars: int

    def __post_init__(self) -> None:
        limits.check_whole("reply_id", self.reply_id, 0, limits.MAX_COUNT)
        limits.check_whole("chars", self.chars, 0, limits.MAX_COUNT)


@dataclass(frozen=True, slots=True)
class Update:
    threshold: float | None = None
    mode: FloorMode | None = None

    def __post_init__(self) -> None:
        if self.threshold is not None:
            limits.check_threshold(self.threshold)
        if self.mode is not None:
            limits.check_kind("mode", self.mode, FloorMode)


@dataclass(frozen=True, slots=True)
class Finish:
    pass


@dataclass(frozen=True, slots=True)
class Close:
    reason: CloseReason = CloseReason.CLIENT


@dataclass(frozen=True, slots=True)
class Opened:
    """A worker has taken the session, or refused it: `error` says why."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a `Say` or `TextTurn`; `entry` is its id in the input stream."""

    entry: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Resend:
    """Input was lost on its way: whatever has not been dealt with is to be sent again."""


@dataclass(frozen=True, slots=True)
class _Named:
    session_id: str

    def __post_init__(self) -> None:
        limits.check_session_id(self.session_id)


Control = Say | TextTurn | AnswerNow | Cancel | Heard | Update | Finish | Close
Input = Frame | Control
Output = Event | Opened | Answer | Resend

_FRAME = b"frame"
_UNSIGNED, _DOUBLE = struct.Struct("<I"), struct.Struct("<d")
_KINDS: dict[bytes, type] = {
    b"say": Say,
    b"text_turn": TextTurn,
    b"answer_now": AnswerNow,
    b"cancel": Cancel,
    b"heard": Heard,
    b"update": Update,
    b"finish": Finish,
    b"close": Close,
    b"decision": Decision,
    b"reply_started": ReplyStarted,
    b"reply_delta": ReplyDelta,
    b"reply_ended": ReplyEnded,
    b"gap": Gap,
    b"closed": Closed,
    b"opened": Opened,
    b"answer": Answer,
    b"resend": Resend,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_JSON: dict[type, TypeAdapter[Any]] = {kind: TypeAdapter(kind) for kind in _KINDS.values()}
_WRITERS = {kind: adapter.serializer.to_json for kind, adapter in _JSON.items()}
_READERS = {name: _JSON[kind].validator.validate_json for name, kind in _KINDS.items()}
_OPTIONS = TypeAdapter(SessionOptions)
_NAMED = TypeAdapter(_Named)
_SPEAKERS = TypeAdapter(tuple[Speaker, ...])
CONTROLS = (Say, TextTurn, AnswerNow, Cancel, Heard, Update, Finish, Close)
CONTROL_KINDS = frozenset(_NAMES[kind] for kind in CONTROLS)


def encode(item: Input | Output) -> dict[bytes, bytes]:
    """The fields of an entry."""
    if isinstance(item, Frame):
        return _encode_frame(item)
    kind = type(item)
    return {b"v": VERSION, b"k": _NAMES[kind], b"d": _WRITERS[kind](item)}


def decode_input(fields: Fields) -> Input:
    """A frame or control.

    :raises WireError: when the entry is anything else.
    """
    kind = _kind(fields)
    if kind == _FRAME:
        return _decode_frame(fields)
    item = _decode_json(kind, fields)
    if not isinstance(item, CONTROLS):
        raise WireError(f"{_shown(kind)} is no input")
    return item


def decode_output(fields: Fields) -> Output:
    """An event, or a worker's answer.

    :raises WireError: when the entry is anything else.
    """
    kind = _kind(fields)
    item = None if kind == _FRAME else _decode_json(kind, fields)
    if item is None or isinstance(item, CONTROLS):
        raise WireError(f"{_shown(kind)} is no output")
    output: Output = item
    return output


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

    :raises WireError: when it is no such JSON, or asks for what no session may have.
    """
    if len(data) > MAX_JSON_BYTES:
        raise WireError(f"options: {len(data)} bytes, at most {MAX_JSON_BYTES} are taken")
    try:
        options: SessionOptions = _OPTIONS.validate_json(data, strict=True)
    except ValidationError as error:
        raise WireError(f"options: {_first_problem(error)}") from None
    _check_nesting(data)
    return options


def _check_nesting(data: bytes) -> None:
    """Unknown keys are ignored, but who writes `sampling.top_k` means one that is known."""
    flat = next((key for key in from_json(data) if "." in key), None)
    if flat is not None:
        shown = _shown(flat.encode())
        raise WireError(f'options: {shown}: objects are nested: {{"sampling": {{"top_k": 5}}}}')


def session_id_in(data: bytes) -> str:
    """Whose options these are, where they cannot be read otherwise; nothing where nobody's."""
    try:
        return _NAMED.validate_json(data[:MAX_JSON_BYTES], strict=True).session_id
    except ValidationError:
        return ""


def check_version(fields: Fields) -> None:
    """:raises WireError: when an entry is of another version."""
    version = fields.get(b"v")
    if version != VERSION:
        found = "none" if version is None else _shown(version)
        raise WireError(f"protocol version {found}: this side speaks {VERSION.decode()} only")


def _kind(fields: Fields) -> bytes:
    check_version(fields)
    return fields.get(b"k", b"")


def _decode_json(kind: bytes, fields: Fields) -> Any:
    reader = _READERS.get(kind)
    if reader is None:
        raise WireError(f"unknown kind {_shown(kind)}")
    data = fields.get(b"d", b"")
    if len(data) > MAX_JSON_BYTES:
        raise WireError(f"{_shown(kind)} has {len(data)} bytes, at most {MAX_JSON_BYTES}")
    try:
        return reader(data, strict=True)
    except ValidationError as error:
        raise WireError(f"{_shown(kind)}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    """What is wrong, and where; our own checks name the place themselves."""
    first = error.errors(include_input=False, include_url=False)[0]
    if first["type"] == "value_error":
        return first["msg"].removeprefix("Value error, ")
    where = ".".join(str(part) for part in first["loc"]) or "d"
    return f"{where}: {first['msg']}"


def _encode_frame(frame: Frame) -> dict[bytes, bytes]:
    fields = {
        b"v": VERSION,
        b"k": _FRAME,
        b"s": _UNSIGNED.pack(frame.seq),
        b"t": _DOUBLE.pack(frame.captured_at),
        b"f": _UNSIGNED.pack(0 if frame.lookahead else FLAG_LAST),
        b"p": frame.pcm,
    }
    if frame.lookahead:
        fields[b"a"] = frame.lookahead
    if frame.speakers:
        fields[b"w"] = _SPEAKERS.dump_json(tuple(map(_audible, frame.speakers)))
    return fields


def _audible(speaker: Speaker) -> Speaker:
    """JSON has no word for the level of digital silence."""
    level = speaker.level_dbfs
    return speaker if math.isfinite(level) else replace(speaker, level_dbfs=SILENT_DBFS)


def _decode_frame(fields: Fields) -> Frame:
    pcm = fields.get(b"p", b"")
    if len(pcm) != FRAME_SAMPLES * SAMPLE_BYTES:
        raise WireError(f"frame: p has {len(pcm)} bytes, not {FRAME_SAMPLES * SAMPLE_BYTES}")
    speakers = fields.get(b"w")
    if speakers is not None and len(speakers) > MAX_JSON_BYTES:
        raise WireError(f"frame: w has {len(speakers)} bytes, at most {MAX_JSON_BYTES}")
    try:
        (seq,) = _UNSIGNED.unpack(fields.get(b"s", b""))
        (captured_at,) = _DOUBLE.unpack(fields.get(b"t", b""))
    except struct.error:
        raise WireError("frame: s must have 4 bytes and t 8") from None
    if not math.isfinite(captured_at):
        raise WireError("frame: t is no time")
    try:
        voices = () if speakers is None else _SPEAKERS.validate_json(speakers)
        return Frame(seq, captured_at, pcm, fields.get(b"a", b""), voices)
    except ValidationError:
        raise WireError("frame: w holds no list of speakers") from None
    except ValueError as error:
        raise WireError(f"frame: {error}") from None


def _shown(name: bytes) -> str:
    return name[:20].decode("ascii", "backslashreplace")
