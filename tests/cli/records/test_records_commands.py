"""What is kept is listed, shown, exported and deleted; what cannot be done is one clear line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from interject.agent.records.store import RecordStore
from interject.cli.commands import app
from interject.cli.process.failures import EXIT_BAD_INPUT
from interject.integrations.web.dead_letters import DeadLetters
from tests.agent.records.test_records import LEFT, begun, bytes_below, play

if TYPE_CHECKING:
    from pathlib import Path


def kept(folder: Path, **privacy: object) -> str:
    store = RecordStore(folder)
    recorder = begun(store, **{"retention": "without_personal_data", **privacy})
    play(recorder)
    recorder.close()
    return recorder.begun.id


def records(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["records", *words, "--records", str(folder)])


def test_a_session_is_listed_without_its_words_and_shown_with_them(tmp_path: Path) -> None:
    record_id = kept(tmp_path)
    listed = records(tmp_path, "list").output
    assert f"{record_id}  " in listed
    assert "call-7  no sound  until " in listed
    assert "ring" not in listed
    for name in (record_id, "call-7"):
        assert f"    2.0s  speak: {LEFT}\n" in records(tmp_path, "show", name).output


def test_a_session_is_exported(tmp_path: Path) -> None:
    kept(tmp_path)
    for name in ("one.json", "one.vtt"):
        assert records(tmp_path, "export", "call-7", "--to", str(tmp_path / name)).exit_code == 0
    assert json.loads((tmp_path / "one.json").read_bytes())["begun"]["call"] == "call-7"
    assert (tmp_path / "one.vtt").read_text().startswith("WEBVTT\n\n00:00:02.000 --> ")


def test_a_session_is_deleted_with_its_letters_and_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    record_id = kept(folder, retention="everything")
    letters = DeadLetters(tmp_path / "dead.jsonl")
    for call in ("call-7", "s", "call-77"):
        body = json.dumps({"type": "cue.shown", "data": {"call": call, "text": "anna@"}})
        letters.add(f"msg_{call}", body.encode(), "status 500", now=1.7e9)
    done = records(folder, "delete", record_id, "--webhook-dead-letters", str(letters.path))
    assert done.output == "1 record, 2 dead letters and 0 keys of Redis deleted\n"
    assert bytes_below(folder) == b""
    assert [letter.id for letter in letters.read()] == ["msg_call-77"]


def test_what_is_not_old_is_not_swept(tmp_path: Path) -> None:
    kept(tmp_path)
    assert records(tmp_path, "sweep").output == "0 sessions deleted\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nobody"], "nobody: no such session is kept"),
        (["delete", "../.."], "../..: nothing is kept of it"),
        (["export", "call-7", "--to", "x.txt"], "--to x.txt: the name must end in .json or .vtt"),
        (["export", "nobody", "--to", "x.vtt"], "nobody: no such session is kept"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, words: list[str], said: str) -> None:
    kept(tmp_path)
    done = records(tmp_path, *words)
    assert done.exit_code == EXIT_BAD_INPUT
    assert said in done.output


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = records(tmp_path / "none", "list")
    assert done.exit_code == EXIT_BAD_INPUT
    assert "no such folder; make it first" in done.output
    unnamed = CliRunner().invoke(app, ["records", "list"], env={"INTERJECT_RECORDS": None})
    assert "--records: name the folder of the records, or set INTERJECT_RECORDS" in unnamed.output


def test_an_export_is_as_private_as_the_record_and_follows_no_link(tmp_path: Path) -> None:
    kept(tmp_path)
    old = tmp_path / "old.json"
    old.touch(0o644)
    for path in (old, tmp_path / "one.vtt"):
        assert records(tmp_path, "export", "call-7", "--to", str(path)).exit_code == 0
        assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "link.json").symlink_to(tmp_path / "victim")
    done = records(tmp_path, "export", "call-7", "--to", str(tmp_path / "link.json"))
    assert done.exit_code == EXIT_BAD_INPUT
    assert "is a link; name a file" in done.output
    assert not (tmp_path / "victim").exists()


def test_a_broken_record_is_listed_shown_exported_and_deleted(tmp_path: Path) -> None:
    record_id = kept(tmp_path)
    path = tmp_path / record_id / "lines.jsonl"
    path.write_bytes(path.read_bytes()[30:])
    assert f"{record_id}  " in records(tmp_path, "list").output
    assert "  broken  " in records(tmp_path, "list").output
    assert LEFT in records(tmp_path, "show", record_id).output
    to = str(tmp_path / "x.json")
    assert records(tmp_path, "export", record_id, "--to", to).exit_code == 0
    assert records(tmp_path, "delete", record_id).output.startswith("1 record,")
    assert records(tmp_path, "list").output == "0 sessions kept\n"


def test_what_goes_on_is_not_deleted(tmp_path: Path) -> None:
    recorder = begun(RecordStore(tmp_path), retention="everything")
    for name in ("call-7", recorder.begun.id):
        done = records(tmp_path, "delete", name)
        assert done.exit_code == EXIT_BAD_INPUT
        assert f"{recorder.begun.id}: this session goes on: end it first" in done.output
    assert "  goes on  " in records(tmp_path, "list").output
    recorder.close()
