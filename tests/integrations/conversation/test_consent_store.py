"""What was stopped stays stopped when another agent takes the room over."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest

from interject.integrations.conversation.consent import NOBODY, Consent, Scope
from interject.integrations.conversation.consent_store import ConsentStore
from tests.fakes.room_controls import FakeListener

if TYPE_CHECKING:
    from pathlib import Path

SALT = b"a worker's own"


def agent(store: ConsentStore, sid: str = "RM_1") -> tuple[Consent, FakeListener]:
    """One more job of the worker in this room."""
    consent = Consent(may_control=lambda who: who == "host", kept=store.room(sid))
    ear = FakeListener()
    consent.attach(ear)
    return consent, ear


@pytest.mark.parametrize("asker", ["ann", NOBODY])
def test_a_stopped_room_stays_stopped_for_the_next_agent(tmp_path: Path, asker: str) -> None:
    store = ConsentStore(tmp_path, SALT)
    agent(store)[0].stop(asker)
    consent, ear = agent(store)
    assert not consent.listening
    assert not ear.hears()
    with pytest.raises(PermissionError):
        consent.resume("ben")
    consent.resume(asker or "host")
    assert agent(store)[1].hears()
    assert list(tmp_path.iterdir()) == []


def test_who_withdrew_stays_withdrawn_for_the_next_agents(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path, SALT)
    agent(store)[0].stop("ann", Scope.ME)
    agent(store)[0].stop("ben", Scope.ME)
    consent, ear = agent(store)
    for identity in ("ann", "ben", "cem"):
        consent.meet(identity)
    assert ear.excluded == {"ann", "ben"}
    assert consent.withdrawn == ("ann", "ben")
    consent.resume("ben", Scope.ME)
    agent(store)[0].resume("ann", Scope.ME)
    assert list(tmp_path.iterdir()) == []


def test_another_room_begins_fresh_unless_it_is_the_same_to_its_people(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path, SALT)
    agent(store)[0].stop("ann")
    assert agent(store, "RM_2")[1].hears()
    store.carry("RM_1", "RM_2")
    store.carry("RM_1", "RM_2")
    assert not agent(store, "RM_2")[1].hears()
    assert agent(store, "RM_1")[1].hears()
    store.forget("RM_2")
    store.forget("RM_2")
    assert agent(store, "RM_2")[1].hears()


def test_nothing_personal_lies_on_disk(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path, SALT)
    consent, _ = agent(store)
    consent.stop("ann")
    consent.stop("ben", Scope.ME)
    (path,) = tmp_path.iterdir()
    written = path.name + path.read_text(encoding="utf-8")
    assert not any(name in written for name in ("ann", "ben", "RM_1"))
    other = ConsentStore(tmp_path, b"of another worker")
    assert agent(other)[1].hears()
    assert "worker" not in repr(store)


def test_a_file_that_cannot_be_read_may_have_said_no(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = ConsentStore(tmp_path, SALT)
    store.room("RM_1").path.write_text("{", encoding="utf-8")
    consent, ear = agent(store)
    assert not ear.hears()
    assert "cannot be read" in caplog.text
    consent.resume("host")
    assert agent(store)[1].hears()


def test_what_cannot_be_kept_holds_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    consent, ear = agent(ConsentStore(tmp_path / "missing", SALT))
    consent.stop("ann")
    assert not ear.hears()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_folder_that_outlives_processes_brings_its_salt(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "consent"
    agent(ConsentStore.at(folder))[0].stop("ann")
    consent, ear = agent(ConsentStore.at(folder))
    assert not ear.hears()
    consent.resume("ann")
    assert [path.name for path in folder.iterdir()] == ["salt"]
    assert (folder / "salt").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_nobody_else_reads_what_is_kept_in_a_folder_that_others_can_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    agent(ConsentStore.at(tmp_path))[0].stop("ann")
    files = list(tmp_path.iterdir())
    assert len(files) == 2, "a room's and the salt"
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_what_cannot_be_kept_leaves_nothing_behind(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path, SALT)
    store.room("RM_1").path.mkdir()
    agent(store)[0].stop("ann")
    assert list(tmp_path.iterdir()) == [store.room("RM_1").path]


def test_what_was_stopped_a_month_ago_is_forgotten(tmp_path: Path) -> None:
    agent(ConsentStore.at(tmp_path))[0].stop("ann")
    os.utime(next(tmp_path.glob("*.json")), (0, 0))
    assert agent(ConsentStore.at(tmp_path))[1].hears()


def test_a_room_that_is_known_late_is_kept_all_the_same(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path, SALT)
    consent, ear = Consent(may_control=lambda _: False), FakeListener()
    consent.attach(ear)
    consent.stop("ann")
    consent.keep(store.room("RM_1"))
    late, its_ear = Consent(may_control=lambda _: False), FakeListener()
    late.attach(its_ear)
    assert its_ear.hears()
    late.keep(store.room("RM_1"))
    assert not its_ear.hears()
    late.resume("ann")
    assert its_ear.hears()
