"""Runs `interject records list`, `show`, `export`, `delete` and `sweep`."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.records.export import as_json, as_webvtt
from interject.agent.records.lines import (
    RecordedAsk,
    RecordedChecklist,
    RecordedCue,
    RecordedReply,
)
from interject.agent.records.record_folder import GOES_ON, NoSuchRecord, RecordGoesOn
from interject.agent.records.session_record import RecordState
from interject.agent.responder.tools.asked_tool import written_call
from interject.cli.output.output_paths import check_target
from interject.cli.process.counting import number_of
from interject.cli.process.failures import InputFailure, printable, reason
from interject.cli.process.records_folder import VARIABLE, records_at

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from interject.agent.records.lines import RecordLine
    from interject.agent.records.session_record import RecordHead, SessionRecord
    from interject.agent.records.store import RecordStore

SUFFIXES = (".json", ".vtt")


def list_all(folder: str) -> None:
    heads = _store(folder).list()
    for head in heads:
        sys.stdout.write(f"{printable(_row(head))}\n")
    sys.stdout.write(f"{number_of(len(heads), 'session')} kept\n")


def show_one(folder: str, session: str) -> None:
    store = _store(folder)
    for head in _found(store, session):
        record = _read(store, head)
        sys.stdout.write(f"{printable(_row(head))}\n")
        for line in _texts(record):
            sys.stdout.write(f"{printable(line)}\n")


def export_one(folder: str, session: str, to: str) -> None:
    store, path = _store(folder), Path(to)
    if path.suffix.lower() not in SUFFIXES:
        raise InputFailure(f"--to {printable(to)}: the name must end in .json or .vtt")
    found = _found(store, session)
    if len(found) > 1:
        ids = ", ".join(head.id for head in found)
        raise InputFailure(f"{printable(session)}: is several, name one of them: {ids}")
    if path.is_symlink():
        raise InputFailure(f"--to {printable(to)}: is a link; name a file")
    check_target(path, (), option="--to")
    record = _read(store, found[0])
    is_json = path.suffix.lower() == ".json"
    try:
        _write(path, as_json(record) if is_json else as_webvtt(record).encode())
    except OSError as error:
        raise InputFailure(f"--to {printable(to)}: {reason(error)}") from error


def delete_one(folder: str, session: str, dead_letters: str | None, redis: str | None) -> None:
    """A call's letters and keys go where nothing is kept of it, too.

    :raises InputFailure, RuntimeFailure: when something of it stays.
    """
    store = _store(folder)
    try:
        known = store.known(session)
    except RecordGoesOn as error:
        raise InputFailure(f"{error}: {GOES_ON}") from None
    gone = 0 if dead_letters is None else _delete_letters(dead_letters, known.names)
    keys = 0 if redis is None else _forget_in_redis(redis, known.names)
    if not known.records and not gone and not keys:
        raise InputFailure(f"{printable(session)}: nothing is kept of it")
    if stayed := list(filter(None, (_delete(store, record) for record in known.records))):
        raise InputFailure("; ".join(stayed))
    letters, of_redis = number_of(gone, "dead letter"), number_of(keys, "key")
    said = f"{number_of(len(known.records), 'record')}, {letters} and {of_redis} of Redis deleted"
    sys.stdout.write(f"{said}\n")


def sweep_all(folder: str) -> None:
    """:raises InputFailure: when something that is old stays."""
    swept = _store(folder).sweep()
    sys.stdout.write(f"{number_of(len(swept.gone), 'session')} deleted\n")
    if swept.stayed:
        raise InputFailure("; ".join(starmap(_stays, swept.stayed.items())))


def _store(folder: str) -> RecordStore:
    if not folder:
        raise InputFailure(f"--records: name the folder of the records, or set {VARIABLE}")
    store = records_at(folder)
    assert store is not None, "a folder was named"
    return store


def _found(store: RecordStore, session: str) -> tuple[RecordHead, ...]:
    """By its own id, or all of a call.

    :raises InputFailure: when there is none.
    """
    found = store.named(session)
    if not found:
        raise InputFailure(f"{printable(session)}: no such session is kept")
    return found


def _read(store: RecordStore, head: RecordHead) -> SessionRecord:
    """:raises InputFailure: when it has gone since it was found."""
    try:
        return store.read(head.id)
    except NoSuchRecord as error:
        raise InputFailure(f"{head.id}: has just been deleted") from error


def _write(path: Path, what: bytes) -> None:
    """As private as the record is.

    :raises OSError: when it cannot be written.
    """
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            os.fchmod(file.fileno(), 0o600)  # It may have been there.
        file.write(what)


def _delete(store: RecordStore, record_id: str) -> str:
    """Why it stays, if it does."""
    try:
        store.delete(record_id)
    except NoSuchRecord:
        return ""
    except RecordGoesOn:
        return f"{record_id}: {GOES_ON}"
    except OSError as error:
        return _stays(record_id, error)
    return ""


def _stays(record_id: str, error: OSError) -> str:
    return f"{record_id}: cannot be deleted ({reason(error)})"


def _delete_letters(file: str, names: Collection[str]) -> int:
    from interject.integrations.web.dead_letters import DeadLetters

    try:
        return DeadLetters(Path(file)).forget(names)
    except OSError as error:
        shown = f"--webhook-dead-letters {printable(file)}"
        raise InputFailure(f"{shown}: {reason(error)}") from error


def _forget_in_redis(url: str, names: Collection[str]) -> int:
    try:
        from interject.model_runtime.redis.forgetting import forget_sessions
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"--redis needs the package {error.name}: pip install 'interject[redis]'"
        ) from error
    return asyncio.run(forget_sessions(url, names))


_STATES = {
    RecordState.LIVE: "goes on",
    RecordState.CUT: "broke off",
    RecordState.BROKEN: "broken",
}


def _row(head: RecordHead) -> str:
    length = _STATES.get(head.state) or f"{head.seconds or 0:.0f} s"
    sound = "with sound" if head.has_audio else "no sound"
    fields = (head.id, _time(head.began), length, head.profile, head.call, sound)
    return "  ".join((*fields, f"until {_time(head.expires)}"))


def _texts(record: SessionRecord) -> Iterator[str]:
    for line in record.lines:
        yield from _text(line)
    if record.summary is not None:
        yield from ("", *record.summary.markdown.splitlines())


def _text(line: RecordLine) -> Iterator[str]:
    match line:
        case RecordedReply() if line.text.strip():
            yield f"{line.at_s:8.1f}s  {line.verdict}: {line.text}"
        case RecordedCue():
            yield f"{line.at_s:8.1f}s  card, {line.category}: {line.text}"
        case RecordedAsk():
            given = tuple((one.name, one.value) for one in line.arguments)
            call = written_call(line.tool, given)
            yield f"{line.at_s:8.1f}s  asked, {line.outcome}: {call}"
        case RecordedChecklist() if line.ticked:
            done = {item.item: item.text for item in line.items}
            yield from (f"{'':9}  done: {done.get(name, name)}" for name in line.ticked)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
