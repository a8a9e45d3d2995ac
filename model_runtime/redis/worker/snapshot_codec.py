"""What workers write down for each other: journals as JSON, snapshots as safetensors.

Clients never read these, so they carry no version of the protocol but one of their own. They also
say which model made them (`checkpoint.fingerprint`): another one cannot go on with them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import torch
from pydantic import TypeAdapter
from pydantic_core import to_json
from safetensors.torch import load, save

from interject.model_runtime.engine.journal import Cancelled, Evicted, JournalEntry
from interject.model_runtime.engine.ledger import Span, SpanKind
from interject.model_runtime.engine.request import Request  # noqa: TC001 (read at run time)
from interject.model_runtime.engine.snapshot import AudioCursor, ReplySnapshot, Snapshot
from interject.model_runtime.protocol import FloorMode, RuntimeFailure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

VERSION = 2
_WRITTEN_AS = {kind: kind.__name__ for kind in get_args(JournalEntry)} | {
    Evicted: "Tidied", Cancelled: "Cut",
}  # fmt: skip
"""Workers of two versions read each other's journals, so an entry keeps its first name there."""
_ENTRIES: dict[str, TypeAdapter[Any]] = {
    name: TypeAdapter(kind) for kind, name in _WRITTEN_AS.items()
}


@dataclass(frozen=True, slots=True)
class SpanNote:
    """A span; the first `rows` of the sound not yet given to an earlier one are its own."""

    kind: str
    ids: tuple[int, ...]
    rows: int
    reply_id: int | None


@dataclass(frozen=True, slots=True)
class SnapshotNote:
    """A snapshot without its tensors. `loudest` is None before any sound.

    `carry` are the pending ids between replies, `opening` those of a reply in progress.
    """

    cursor: str
    next_seq: int
    loudest: float | None
    spans: tuple[SpanNote, ...]
    carry: tuple[int, ...]
    opening: tuple[int, ...]
    reply: ReplySnapshot | None
    said: tuple[ReplySnapshot, ...]
    heard_chars: dict[int, int]
    requests: tuple[Request, ...]
    reply_count: int
    decided_seq: int
    threshold: float
    mode: FloorMode
    finishing: bool
    model: str = ""
    evictions: int = 0
    version: int = VERSION


_NOTE = TypeAdapter(SnapshotNote)


def write_journal(deeds: Sequence[JournalEntry], cursor: str, *, model: str) -> bytes:
    """What was done, and the last input that had been taken in by then."""
    named = [(_WRITTEN_AS[type(deed)], deed) for deed in deeds]
    return to_json((cursor, named, model), inf_nan_mode="constants")


def read_journal(data: bytes, *, model: str) -> tuple[list[JournalEntry], str]:
    """The deeds and the cursor.

    :raises RuntimeFailure: when another model did them.
    """
    cursor, named, made_by = json.loads(data)
    _check_model(made_by, model)
    return [_ENTRIES[name].validate_python(value) for name, value in named], cursor


def write_snapshot(snapshot: Snapshot, cursor: str, *, model: str) -> bytes:
    """A snapshot, and the last input that had been taken in by then."""
    sounds = [span.embeddings for span in snapshot.spans if span.embeddings is not None]
    tensors: dict[str, Tensor] = {}
    if sounds:
        tensors["sound"] = torch.cat(sounds).contiguous()
    audio = snapshot.audio_cursor
    if audio.left_context is not None:
        tensors["left"] = audio.left_context.clone()
    note = SnapshotNote(
        cursor=cursor,
        next_seq=audio.next_seq,
        loudest=audio.loudest if math.isfinite(audio.loudest) else None,
        spans=tuple(_note(span) for span in snapshot.spans),
        carry=snapshot.pending_ids if snapshot.reply is None else (),
        opening=() if snapshot.reply is None else snapshot.pending_ids,
        reply=snapshot.reply,
        said=snapshot.reply_history,
        heard_chars=snapshot.heard_chars,
        requests=snapshot.requests,
        reply_count=snapshot.reply_count,
        decided_seq=snapshot.decided_seq,
        threshold=snapshot.threshold,
        mode=snapshot.mode,
        finishing=snapshot.finishing,
        model=model,
        evictions=snapshot.evictions,
    )
    return save(tensors, {"note": _NOTE.dump_json(note).decode()})


def read_snapshot(data: bytes, *, model: str) -> tuple[Snapshot, str]:
    """The snapshot and the cursor.

    :raises RuntimeFailure: when another version of Interject wrote it, or another model made it.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    note = _NOTE.validate_json(header["__metadata__"]["note"])
    if note.version != VERSION:
        raise RuntimeFailure(f"the snapshot has version {note.version}, this worker {VERSION}")
    _check_model(note.model, model)
    tensors = load(data)
    loudest = -math.inf if note.loudest is None else note.loudest
    snapshot = Snapshot(
        audio_cursor=AudioCursor(note.next_seq, tensors.get("left"), loudest),
        spans=_spans(note.spans, tensors.get("sound")),
        pending_ids=note.carry + note.opening,
        reply=note.reply,
        reply_history=note.said,
        heard_chars=note.heard_chars,
        requests=note.requests,
        reply_count=note.reply_count,
        decided_seq=note.decided_seq,
        threshold=note.threshold,
        mode=note.mode,
        finishing=note.finishing,
        evictions=note.evictions,
    )
    return snapshot, note.cursor


def _check_model(made_by: str, model: str) -> None:
    if made_by != model:
        raise RuntimeFailure(
            f"the session was another model's ({made_by}, not {model}); open it anew, "
            "and give all workers of a shard the same model and --context"
        )


def _note(span: Span) -> SpanNote:
    rows = 0 if span.embeddings is None else len(span.embeddings)
    return SpanNote(span.kind.name, tuple(span.ids), rows, span.reply_id)


def _spans(notes: Sequence[SpanNote], sound: Tensor | None) -> tuple[Span, ...]:
    spans: list[Span] = []
    taken = 0
    for note in notes:
        embeddings = None
        if note.rows and sound is not None:
            embeddings = sound[taken : taken + note.rows]
            taken += note.rows
        spans.append(Span(SpanKind[note.kind], list(note.ids), embeddings, note.reply_id))
    return tuple(spans)
