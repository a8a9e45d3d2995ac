"""What a worker writes for a log, when Redis has lost none, some or all of it."""

from __future__ import annotations

from interject.model_runtime.protocol import Closed, CloseReason
from interject.model_runtime.redis.worker.batch import Batch
from interject.model_runtime.redis.worker.output_log import KEPT_EVENTS, OutputLog, Write
from interject.model_runtime.remote import wire
from tests.model_runtime.redis.worker.owned import owned

SESSION = owned("k")


def batch(*, snapshot: bytes = b"", closed: bool = False) -> Batch:
    """One event."""
    end = Closed("a", CloseReason.CLIENT)
    outputs: tuple[wire.Output, ...] = (end if closed else wire.Opened(),)
    return Batch(SESSION, outputs, "1-1", b"" if snapshot else b"j", snapshot, closed=closed)


def sent(log: OutputLog) -> Write:
    write = log.next_write()
    assert write is not None
    return write


def numbers(write: Write) -> list[int]:
    return [event.number for event in write.events]


def written(count: int) -> OutputLog:
    """A session of which so many writes have been done."""
    log = OutputLog()
    for _ in range(count):
        log.add(batch())
        sent(log)
        log.settle()
    return log


def test_what_is_queued_during_a_write_waits_for_the_next() -> None:
    log = OutputLog()
    log.add(batch())
    first = sent(log)
    log.add(batch())
    assert sent(log) is first
    log.settle()
    assert log.waits
    assert (numbers(sent(log)), sent(log).number) == ([2], 2)
    assert not log.waits


def test_after_a_loss_the_last_events_go_behind_a_snapshot() -> None:
    log = written(3)
    log.add(batch())
    lost = sent(log)
    log.hold()
    log.add(batch())
    assert log.next_write() is None
    log.add(batch(snapshot=b"s"))
    write = sent(log)
    assert (write.whole, write.snapshot, write.journals) == (True, b"s", ())
    assert numbers(write) == [1, 2, 3, 4, 5, 6]
    assert write.number == lost.number + 1, "Redis may have done it, and would not do it again"
    log.settle()
    log.add(batch())
    assert not sent(log).whole


def test_a_snapshot_or_an_end_in_flight_is_not_dropped() -> None:
    for last in (batch(snapshot=b"s"), batch(closed=True)):
        log = written(2)
        log.add(last)
        first = sent(log)
        log.hold()
        log.hold()
        write = sent(log)
        assert write.number == first.number + 1
        assert (write.whole, write.snapshot, write.closed) == (True, last.snapshot, last.closed)
        assert numbers(write) == [1, 2, 3]
        log.settle()
        assert not log.held


def test_a_bounded_number_of_events_is_kept() -> None:
    log = written(KEPT_EVENTS + 5)
    log.hold()
    log.add(batch(snapshot=b"s"))
    assert numbers(sent(log)) == list(range(6, KEPT_EVENTS + 7))


def test_what_was_never_written_is_kept_without_a_bound() -> None:
    log = OutputLog()
    for _ in range(KEPT_EVENTS + 5):
        log.add(batch())
    sent(log)
    log.hold()
    log.add(batch(snapshot=b"s"))
    assert numbers(sent(log)) == list(range(1, KEPT_EVENTS + 7))
