"""A call's summary as a file: JSON, or Markdown for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import to_json

if TYPE_CHECKING:
    from pathlib import Path

    from interject.agent.cues.summary import CallSummary


def write_summary(path: Path, summary: CallSummary) -> None:
    is_page = path.suffix.lower() == ".md"
    path.write_bytes(summary.markdown.encode() if is_page else to_json(summary, indent=2))
