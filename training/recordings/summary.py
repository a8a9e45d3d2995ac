"""What the catalogue and a collection hold."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from interject.training.recordings.recording import RecordingUse
from interject.training.recordings.source import SourceUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from interject.training.recordings.recording import CollectedRecording
    from interject.training.recordings.source import RecordingSource

_HEAD = ("use", "source", "kind", "label", "recordings", "minutes")


def hours_table(recordings: Sequence[CollectedRecording]) -> str:
    groups: dict[tuple[str, str, str, str], list[float]] = defaultdict(list)
    for known in recordings:
        groups[known.use, known.source, known.kind, known.label].append(known.seconds)
    rows = [
        (*key, str(len(seconds)), f"{sum(seconds) / 60:.1f}")
        for key, seconds in sorted(groups.items())
    ]
    for use in RecordingUse:
        seconds = [known.seconds for known in recordings if known.use is use]
        rows.append((use, "all", "", "", str(len(seconds)), f"{sum(seconds) / 60:.1f}"))
    widths = [max(map(len, column)) for column in zip(_HEAD, *rows, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        + "\n"
        for row in (_HEAD, *rows)
    )


_USES = {
    SourceUse.TRAIN: "train",
    SourceUse.EVALUATE: "evaluate",
    SourceUse.HALVES: "half train, half evaluate",
    SourceUse.BY_LICENCE: "train where a file asks for attribution at most",
}


def sources_table(sources: Iterable[RecordingSource]) -> str:
    """Markdown. A source that has both names what most of it is for."""
    text = "| source | what | licence | use |\n|---|---|---|---|\n"
    for source in sources:
        licence = source.licence if source.copyright is None else "of each file"
        text += f"| `{source.name}` | {source.about} | {licence} | {_uses(source)} |\n"
    return text


def _uses(source: RecordingSource) -> str:
    own = {rule.use for rule in source.recordings if rule.use} - {source.use}
    if source.use is SourceUse.EVALUATE and SourceUse.TRAIN in own:
        return "evaluate, some of it train"
    return _USES[source.use]
