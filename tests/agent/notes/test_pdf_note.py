"""What somebody else's PDF may cost whoever reads the folder that it lies in."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from interject.agent.notes.pdf_note import pdf_passages
from interject.agent.notes.pdf_text import MOST_PAGES
from interject.agent.notes.shared import shared_notes
from interject.agent.notes.unreadable import UnreadableNote
from tests.fakes.pdf import endless_pdf, pdf_of

if TYPE_CHECKING:
    from pathlib import Path


def test_one_that_asks_for_minutes_is_left_out_after_its_seconds() -> None:
    hostile = endless_pdf()
    assert len(hostile) < 64 << 10
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    with pytest.raises(UnreadableNote, match=r"it takes more than 1 s or 1 GiB to read; cut it"):
        list(pdf_passages(hostile, "endless.pdf", most_cpu_s=1))
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 3


def test_one_of_too_many_pages_is_left_out_by_its_name_and_the_others_are_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "endless.pdf").write_bytes(pdf_of(*["The lamp."] * (MOST_PAGES + 1)))
    (tmp_path / "terms.pdf").write_bytes(pdf_of("Cancellation within 30 days"))
    notes = shared_notes(str(tmp_path))
    reason = "endless.pdf: it has 501 pages; cut it into several of 500 at most"
    assert notes.skipped == (reason,)
    (told,) = caplog.records
    assert (told.__dict__["count"], told.__dict__["reason"]) == (1, reason)
    assert [str(one.passage.source) for one in notes.search("cancellation")] == [
        "terms.pdf, page 1"
    ]
