"""The log of a worker: no names under plain keys, and no errors that are none."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from livekit import rtc

from interject.integrations.livekit.jobs.log_levels import EndOfRoom
from interject.integrations.livekit.jobs.log_privacy import PERSONAL, PersonalFields
from interject.integrations.livekit.log_filter import LogFilter
from interject.model_runtime.protocol import RuntimeFailure
from tests.fakes.livekit_room import FakeRoom

ENDED = "livekit::rtc_session - publisher data channel '_lossy' closed unexpectedly"


def record(message: str, level: int = logging.ERROR, **extra: Any) -> logging.LogRecord:
    return logging.getLogger("livekit").makeRecord(
        "livekit", level, __file__, 1, message, (), None, extra=extra
    )


def test_names_in_livekits_own_lines_stand_under_its_keys() -> None:
    names: dict[str, Any] = {key: f"the {key}" for key in PERSONAL}
    line = record("RoomIO linked to participant", **names, job_id="AJ_1")
    assert PersonalFields().filter(line)
    fields = vars(line)
    assert not PERSONAL & fields.keys()
    assert {fields[f"lk.pii.{key}"] for key in PERSONAL} == set(names.values())
    assert fields["job_id"] == "AJ_1"


def test_the_end_of_an_empty_room_is_no_error() -> None:
    room = FakeRoom()
    levels = EndOfRoom(room.as_room)
    line = record(ENDED)
    assert levels.filter(line)
    assert line.levelname == "INFO"
    room.come("other", "P1", kind=rtc.ParticipantKind.PARTICIPANT_KIND_AGENT)
    line = record(ENDED)
    assert levels.filter(line)
    assert line.levelname == "INFO"


@pytest.mark.parametrize(
    ("present", "message"), [(True, ENDED), (False, "signal client closed: stream closed")]
)
def test_an_error_in_a_call_and_every_other_one_stays(present: bool, message: str) -> None:
    room = FakeRoom()
    if present:
        room.come("ann", "P1")
    line = record(message)
    assert EndOfRoom(room.as_room).filter(line)
    assert line.levelname == "ERROR"


def test_a_runtime_that_cannot_be_used_is_one_line() -> None:
    for error, lines in ((RuntimeFailure("redis: no password"), 1), (ValueError("a defect"), 2)):
        line = record("the session is closing")
        line.exc_info = (type(error), error, None)
        assert LogFilter().filter(line)
        assert len(logging.Formatter().format(line).splitlines()) == lines
        assert str(error) in logging.Formatter().format(line)
