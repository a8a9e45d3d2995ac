"""The credits that weights owe for the recordings that they learnt from. Needs nothing but Python:
a bare machine prints them, too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class CreditedRecording(Protocol):
    """Of a collection, or of a bank."""

    @property
    def file(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def credit(self) -> str: ...


def attribution(trained_on: Iterable[CreditedRecording]) -> str:
    """Markdown: each licence and holder. Files are named where a source has several of these."""
    sources: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for known in trained_on:
        sources[known.source][known.licence, known.credit].append(known.file)
    text = "# Recordings that were trained on\n"
    for source, owed in sorted(sources.items()):
        text += f"\n## {source}\n"
        for (licence, credit), files in sorted(owed.items()):
            names = f" ({', '.join(sorted(files))})" if len(owed) > 1 else ""
            text += f"- {credit}: {len(files)} recordings, {licence}{names}\n"
    return text
