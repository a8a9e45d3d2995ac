"""What a worker writes for a session, when Redis has lost none, some or all of it."""

from __future__ import annotations

from interject.model_runtime.protocol import Closed, CloseReason, SessionOptions
from interject.model_runtime.redis.worker.engine_session import Batch
from interject.model_runtime.redis.worker.owned_session import KEPT_EVENTS, Tenant, Write
from interject.model_runtime.remote import wire


def tenant() -> Tenant:
    return Tenant("k", SessionOptions("a"), epoch=7, read_to="1-1")


def batch(*, snapshot: bytes = b"", closed: bool = False) -> Batch:
    """One event."""
    end = Closed("a", CloseReason.CLIENT)
    outputs: tuple[wire.Output, ...] = (end if closed else wire.Opened(),)
    return Batch("k", 7, outputs, "1-1", b"" if snapshot else b"j", snapshot, closed=closed)


def sent(tenant: Tenant) -> Write:
    write = tenant.next_write()
    assert write is not None
    return write


def numbers(write: Write) -> list[int]:
    return [event.number for event in write.events]


def written(count: int) -> Tenant:
    """A session of which so many writes have been done."""
    session = tenant()
    for _ in range(count):
        session.add(batch())
        sent(session)
        session.settle()
    return session


def test_what_is_queued_during_a_write_waits_for_the_next() -> None:
    session = tenant()
    session.add(batch())
    first = sent(session)
    session.add(batch())
    assert sent(session) is first
    session.settle()
    assert session.waits
    assert (numbers(sent(session)), sent(session).number) == ([2], 2)
    assert not session.waits


def test_after_a_loss_the_last_events_go_behind_a_snapshot() -> None:
    session = written(3)
    session.add(batch())
    lost = sent(session)
    session.hold()
    session.add(batch())
    assert session.next_write() is None
    session.add(batch(snapshot=b"s"))
    write = sent(session)
    assert (write.whole, write.snapshot, write.journals) == (True, b"s", ())
    assert numbers(write) == [1, 2, 3, 4, 5, 6]
    assert write.number == lost.number + 1, "Redis may have done it, and would not do it again"
    session.settle()
    session.add(batch())
    assert not sent(session).whole


def test_a_snapshot_or_an_end_in_flight_is_not_dropped() -> None:
    for last in (batch(snapshot=b"s"), batch(closed=True)):
        session = written(2)
        session.add(last)
        first = sent(session)
        session.hold()
        session.hold()
        write = sent(session)
        assert write.number == first.number + 1
        assert (write.whole, write.snapshot, write.closed) == (True, last.snapshot, last.closed)
        assert numbers(write) == [1, 2, 3]
        session.settle()
        assert not session.held


def test_a_bounded_number_of_events_is_kept() -> None:
    session = written(KEPT_EVENTS + 5)
    session.hold()
    session.add(batch(snapshot=b"s"))
    assert numbers(sent(session)) == list(range(6, KEPT_EVENTS + 7))


def test_what_was_never_written_is_kept_without_a_bound() -> None:
    session = tenant()
    for _ in range(KEPT_EVENTS + 5):
        session.add(batch())
    sent(session)
    session.hold()
    session.add(batch(snapshot=b"s"))
    assert numbers(sent(session)) == list(range(1, KEPT_EVENTS + 7))
