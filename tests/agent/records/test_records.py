"""What is kept of a session: as much as its profile says, for as long as it says, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from interject.agent.cues.history import CallHistory
from interject.agent.cues.rules import CueOutcome
from interject.agent.cues.summary import CallSummary, CueRecord
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, Spoken
from interject.agent.records.export import as_json, as_webvtt
from interject.agent.records.lines import (
    RecordedAsk,
    RecordedCueState,
    RecordedDecision,
    RecordedReply,
    RecordedSpeech,
    RecordedSummary,
)
from interject.agent.records.record_folder import NoSuchRecord
from interject.agent.records.session_recorder import SessionRecorder
from interject.agent.records.store import RecordStore
from interject.agent.records.sweeper import Sweeper
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import WishOutcome
from interject.config import Profile
from interject.model_runtime.protocol import (
    FRAME_SAMPLES,
    Cause,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Frame,
    ReplyEnded,
    ReplyStarted,
    SessionOptions,
    Speaker,
)
from tests.fakes.clock import FakeClock
from tests.fakes.runtime import FakeRuntime
from tests.waiting import until

TEXT = "Ask anna@firma.example, or ring +49 171 5551234."
LEFT = "Ask [email], or ring [phone]."


def profile(**privacy: Any) -> Profile:
    return Profile.model_validate({"name": "p", "system_prompt": "listen", "privacy": privacy})


def store_at(folder: Path) -> tuple[RecordStore, FakeClock]:
    clock = FakeClock(1_000_000.0)
    return RecordStore(folder, wall_clock=clock), clock


def begun(store: RecordStore, **privacy: Any) -> SessionRecorder:
    recorder = store.begin(profile(**privacy), "call-7")
    assert recorder is not None
    return recorder


def play(recorder: SessionRecorder, session: str = "s") -> None:
    """A short session: a decision, a reply that was said, its post, and a card."""
    speakers = (Speaker("ann", -20.04), Speaker("ben", -50.0))
    recorder.observe(
        Decision(session, 4, 0.0, 0.0, 1.0, 0.7311, True, FloorMode.SPEAK, speakers=speakers)
    )
    started = ReplyStarted(session, 0, 4, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    recorder.replied(started, ReplyEnded(session, 0, EndReason.COMPLETE, TEXT, 9), Verdict.SPEAK)
    recorder.made_known(Spoken(session, 0, 4, 2.0, Emotion.NORMAL, TEXT, 26, True))
    recorder.made_known(Posted(session, 0, 4, 2.0, Emotion.NORMAL, TEXT, EndReason.COMPLETE))
    card, shown_to = f"{session}-0", ("ann",)
    recorder.made_known(
        Cue(session, card, "note", 5, TEXT, Emotion.NORMAL, 4, 2.0, 32.0, identities=shown_to)
    )
    recorder.cue_changed(card, "acknowledged", by="ann")


def bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_by_default_nothing_is_written_anywhere(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path / "records")
    assert store.begin(profile(), "call-7") is None
    assert list(tmp_path.iterdir()) == []
    assert store.list() == ()
    assert store.sweep().gone == ()


def test_without_personal_data_neither_numbers_nor_names_are_kept(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path)
    recorder = begun(store, retention="without_personal_data", redact=[])
    play(recorder)
    clock.advance(12.5)
    recorder.close()
    (head,) = store.list()
    record = store.read(head.id)
    assert (head.call, head.profile, head.seconds, head.has_audio) == ("call-7", "p", 12.5, False)
    decision, reply, speech = record.lines[:3]
    assert isinstance(decision, RecordedDecision)
    assert isinstance(reply, RecordedReply)
    assert isinstance(speech, RecordedSpeech)
    assert (decision.p, decision.at_s) == (0.7311, 2.0)
    assert [(one.name, one.dbfs) for one in decision.voices] == [
        ("speaker 1", -20.0),
        ("speaker 2", -50.0),
    ]
    assert (reply.text, speech.text[: speech.heard_chars]) == (LEFT, "Ask [email], or")
    state = next(line for line in record.lines if isinstance(line, RecordedCueState))
    assert (state.id, state.state, state.by) == ("s-0", "acknowledged", "speaker 1")
    for secret in (b"anna@", b"5551234", b'"ann"', b'"ben"'):
        assert secret not in bytes_below(tmp_path)


def test_without_personal_data_no_last_digits_are_kept_and_none_in_a_source(tmp_path: Path) -> None:
    """The gate before shows them, and a note that a card quotes holds a number of its own."""
    text = "Card [card …1111], call [phone …4567]."
    shown = CueRecord("s-0", "hours", 5, 4, 2.0, text, sources=('a.md: "Call +49 30 1234567"',))
    summary = CallSummary(
        "call-7", "p", 0.0, 1.0, (), 0, (shown,), 0, (), (), 0.0, 0.0, 0.0, 0
    )  # fmt: skip
    kept = {"without_personal_data": "Card [card], call [phone].", "everything": text}
    for retention, left in kept.items():
        store, _ = store_at(tmp_path / retention)
        recorder = begun(store, retention=retention, show_last=4)
        recorder.made_known(summary)
        recorder.close()
        (line,) = (
            one for one in store.read(store.list()[0].id).lines if isinstance(one, RecordedSummary)
        )
        assert line.summary.cues[0].text == left
    whole = bytes_below(tmp_path / "without_personal_data")
    assert b"1234567" not in whole
    assert b"[phone]" in whole


def test_nor_are_names_in_those_of_ears_and_of_cards(tmp_path: Path) -> None:
    """With `ear: each` a session is named by whom it hears."""
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="without_personal_data")
    play(recorder, "call-7-ann-marie")
    play(recorder, "call-7-ann")
    history = CallHistory(profile(), lambda: 0.0)
    started = ReplyStarted("call-7-ann", 0, 4, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
    history.replied(
        started, ReplyEnded("call-7-ann", 0, EndReason.COMPLETE, "Yes.", 1), Verdict.SPEAK
    )
    card = Cue("call-7-ann", "call-7-ann-0", "note", 5, "Yes.", Emotion.NORMAL, 4, 2.0, 32.0)
    sourced = replace(card, sources=("terms.md, line 1: ring +49 171 5551234",))
    history.cue(sourced, sourced, CueOutcome.SHOWN)
    recorder.made_known(history.summary("call-7", (), ()))
    recorder.close()
    record = store.read(store.list()[0].id)
    first, last = (one for one in record.lines if isinstance(one, RecordedCueState))
    assert (first.id, last.id) == ("call-7-speaker 1-0", "call-7-speaker 2-0")
    assert record.sessions == {"call-7", "call-7-speaker 1", "call-7-speaker 2"}
    for secret in (b"ann", b"5551234"):
        assert secret not in bytes_below(tmp_path)


def test_everything_is_what_left_the_gate_with_names(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", redact=["email"])
    play(recorder)
    recorder.close()
    record = store.read(store.list()[0].id)
    replies = [line.text for line in record.lines if isinstance(line, RecordedReply)]
    assert replies == ["Ask [email], or ring +49 171 5551234."]
    assert b'"ann"' in bytes_below(tmp_path)
    assert not any(path.stat().st_mode & 0o077 for path in tmp_path.rglob("*"))


def test_what_an_operator_was_asked_is_kept_without_names_and_numbers(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="without_personal_data", redact=[])
    given = (("to", "anna@firma.example"), ("amount", "5"))
    asked = AskedTool("s", "w", 0, 4, 2.0, "pay", given, "ann", WishOutcome.ALLOWED, "Ada", 2.5)
    for one in (asked, replace(asked, speaker="", by="", outcome=WishOutcome.ABSENT)):
        recorder.made_known(one)
    recorder.close()
    lines = [line for line in store.read(store.list()[0].id).lines if isinstance(line, RecordedAsk)]
    assert [(one.speaker, one.by, one.outcome) for one in lines] == [
        ("speaker 1", "speaker 2", "allowed"),
        ("", "", "absent"),
    ]
    assert [(one.name, one.value) for one in lines[0].arguments] == [
        ("to", "[email]"),
        ("amount", "5"),
    ]
    assert b"anna@" not in bytes_below(tmp_path)


def test_a_record_of_a_process_that_died_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything")
    play(recorder)
    (head,) = store.list()
    assert head.seconds is None
    path = tmp_path / head.id / "lines.jsonl"
    path.write_bytes(path.read_bytes()[:-10])
    recorder._file.close()
    assert len(store.read(head.id).lines) == 5
    assert store.read(head.id).ended is None


def test_a_record_has_a_bound_and_its_end_still_fits(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    head = begun(store, retention="everything")
    small = SessionRecorder(
        tmp_path / "lines.jsonl", head.begun, profile().privacy, most_bytes=2_000
    )
    for _ in range(10):
        play(small)
    small.close()
    head.close()
    last = (tmp_path / "lines.jsonl").read_bytes().splitlines()[-1]
    assert json.loads(last)["left_out"] > 10
    assert (tmp_path / "lines.jsonl").stat().st_size < 2_200


def test_a_full_disk_ends_the_record_and_not_the_session(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    whole = begun(store, retention="everything")
    whole.close()
    begun_line = whole.begun
    with pytest.raises(OSError, match="No space"):
        SessionRecorder(Path("/dev/full"), begun_line, profile().privacy)
    (tmp_path / "full").touch()
    blocked = RecordStore(tmp_path / "full")
    assert blocked.begin(profile(retention="everything"), "c") is None


def test_what_outlives_its_lifetime_is_deleted_and_no_session_that_goes_on(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path)
    old = begun(store, retention="everything", lifetime_h=1.0)
    play(old)
    old.close()
    young = begun(store, retention="everything", lifetime_h=2.0)
    young.close()
    clock.advance(3_599.0)
    assert store.sweep().gone == ()
    clock.advance(2.0)
    assert store.sweep().gone == (old.begun.id,)
    assert [head.id for head in store.list()] == [young.begun.id]
    live = RecordStore(tmp_path)
    goes_on = begun(live, retention="everything", lifetime_h=0.01)
    assert live.sweep().gone == (young.begun.id,)
    assert len(live.list()) == 1
    goes_on.close()


async def test_a_sweeper_deletes_while_something_serves(tmp_path: Path) -> None:
    store, clock = store_at(tmp_path)
    begun(store, retention="everything", lifetime_h=1.0).close()
    with Sweeper(store, every_s=0.01):
        assert len(store.list()) == 1
        clock.advance(4_000.0)
        await until(lambda: store.list() == ())


@pytest.mark.parametrize("name", ["../x", "", ".", "20261127T205501Z-3fa9c1d2", "x" * 300, "/etc"])
def test_an_id_that_names_no_record_leads_nowhere(tmp_path: Path, name: str) -> None:
    store, _ = store_at(tmp_path)
    for ask in (store.read, store.audio, store.delete):
        with pytest.raises(NoSuchRecord):
            ask(name)


async def test_the_sound_that_the_model_heard_is_kept_where_the_profile_says_so(
    tmp_path: Path,
) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", audio=True)
    runtime = recorder.around(FakeRuntime())
    session = await runtime.open(SessionOptions("s", "listen", mode=FloorMode.SPEAK))
    tone = (8_000 * np.sin(np.arange(FRAME_SAMPLES) / 8)).astype("<i2")
    await session.push(Frame(0, 0.0, tone.tobytes()))
    await session.push(Frame(2, 0.8, tone.tobytes()))
    recorder.close()
    (head,) = store.list()
    (path,) = store.audio(head.id)
    assert head.has_audio
    assert not path.stat().st_mode & 0o077
    with av.open(str(path)) as file:
        heard = np.concatenate([one.to_ndarray()[0] for one in file.decode(audio=0)])
    assert np.array_equal(heard[:FRAME_SAMPLES], tone)
    assert not heard[FRAME_SAMPLES : 2 * FRAME_SAMPLES].any()
    assert np.array_equal(heard[2 * FRAME_SAMPLES :], tone)
    store.delete(head.id)
    assert bytes_below(tmp_path) == b""


def test_sound_needs_everything_to_be_kept() -> None:
    with pytest.raises(ValueError, match="retention: everything"):
        profile(retention="without_personal_data", audio=True)


def test_a_record_leaves_as_json_and_as_webvtt(tmp_path: Path) -> None:
    store, _ = store_at(tmp_path)
    recorder = begun(store, retention="everything", redact=["phone"])
    play(recorder)
    recorder.made_known(
        Posted("s", 1, 9_000, 3_600.4, Emotion.NORMAL, "a < b\n\n& c", EndReason.COMPLETE)
    )
    recorder.made_known(
        Posted("s", 2, 9_100, 3_652.133, Emotion.NORMAL, "x" * 118, EndReason.COMPLETE)
    )
    recorder.close()
    record = store.read(store.list()[0].id)
    exported = json.loads(as_json(record))
    assert exported["begun"]["call"] == "call-7"
    assert [line["type"] for line in exported["lines"]][-2:] == ["post", "ended"]
    blocks = as_webvtt(record).split("\n\n")
    assert blocks[0] == "WEBVTT"
    assert blocks[1] == "00:00:02.000 --> 00:00:03.733\n<v Interject>Ask anna@firma.example, or"
    assert blocks[3].splitlines()[1].startswith("<v Card: note>Ask anna@")
    assert blocks[4].splitlines() == [
        "01:00:00.400 --> 01:00:01.900",
        "<v Interject>a &lt; b &amp; c",
    ]
    assert blocks[5].splitlines()[0] == "01:00:52.133 --> 01:01:00.000"
