"""What a worker cannot read of a session's input costs little, and is answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.model_runtime.names import shown
from interject.model_runtime.protocol import Frame
from interject.model_runtime.redis.worker.intake import (
    ENTRIES_A_READ,
    LOG_EVERY_S,
    MOST_A_READ,
    Intake,
    Refused,
)
from interject.model_runtime.remote import wire
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    import pytest

    from interject.model_runtime.redis.streams import Entries

JUNK = {b"v": b"2", b"k": b"nonsense"}
FRAME = wire.encode(Frame(0, 0.0, bytes(12_800)))


def page(*entries: wire.Fields) -> Entries:
    return [(f"1-{number}", fields) for number, fields in enumerate(entries)]


def test_every_control_is_answered_and_nothing_else_is() -> None:
    entries = page(
        JUNK,
        {b"v": b"2", b"k": b"say", b"d": b"{"},
        {b"v": b"9", b"k": b"text_turn", b"d": b"{}"},
        {b"v": b"2", b"k": b"update", b"d": b'{"threshold":7}'},
        FRAME | {b"p": b""},
        {b"v": b"2", b"k": b"opened", b"d": b"{}"},
        wire.encode(wire.Finish()),
    )
    taken = list(Intake("0-1").take("a", entries, asked_for=8))
    assert [entry for entry, _ in taken] == [entry for entry, _ in entries]
    asked = [item.asked for _, item in taken if isinstance(item, Refused)]
    assert asked == [False, True, True, True, False, False]
    assert taken[-1][1] == wire.Finish()


def test_a_page_of_rubbish_is_followed_by_a_larger_one() -> None:
    intake = Intake("0-1")
    list(intake.take("a", page(*[JUNK] * ENTRIES_A_READ), asked_for=ENTRIES_A_READ))
    assert intake.hurry == MOST_A_READ
    list(intake.take("a", page(*[JUNK] * 5), asked_for=MOST_A_READ))
    assert intake.hurry == 0
    assert intake.refused == ENTRIES_A_READ + 5


def test_large_rubbish_and_sound_are_read_as_ever() -> None:
    intake = Intake("0-1")
    large = {b"v": b"2", b"k": b"say", b"d": bytes(100_000)}
    list(intake.take("a", page(*[large] * ENTRIES_A_READ), asked_for=ENTRIES_A_READ))
    assert intake.hurry == ENTRIES_A_READ
    mixed = [FRAME] * (ENTRIES_A_READ // 2) + [JUNK] * (ENTRIES_A_READ // 2)
    list(intake.take("a", page(*mixed), asked_for=ENTRIES_A_READ))
    assert intake.hurry == 0


def test_the_log_has_a_line_now_and_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = FakeClock()
    intake = Intake("0-1", clock)
    for _ in range(20_000):
        list(intake.take("a", page(JUNK), asked_for=8))
    clock.advance(LOG_EVERY_S)
    with caplog.at_level(logging.WARNING):
        list(intake.take("a", page(JUNK), asked_for=8))
    lines = [(r.message, r.__dict__["count"], r.__dict__["session"]) for r in caplog.records]
    assert lines == [("input refused", 1, shown("a")), ("input refused", 20_000, shown("a"))]
