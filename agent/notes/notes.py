"""Full-text search in a folder of notes."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING

from interject.agent.notes.folder import read_folder
from interject.agent.notes.unreadable import NotesError
from interject.agent.notes.words import searchable, telling_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.agent.notes.passage import Passage

CANDIDATES = 64
SCHEMA = """
create virtual table passage using
fts5(heading, body, content='', tokenize="porter unicode61 remove_diacritics 2")
"""
RANKED = """
select rowid from passage where passage match ? order by bm25(passage, 0.5, 1.0), rowid limit ?
"""
HOLDING = "select rowid from passage where passage match ?"


@dataclass(frozen=True, slots=True)
class NoteMatch:
    """`score` is from 0 to 1: how much of what the question is about stands in the passage or its
    headings, where a rare word counts for more than a common one.
    """

    passage: Passage
    score: float


class Notes:
    """SQLite's FTS5, in memory: it comes with Python, a folder of notes is read in a moment, and
    nothing of it lies on a disk a second time. unicode61 takes accents off, so that "cafe" finds
    "Café"; porter finds "refunds" for "refund". What it does not know, as ß and the ligatures of
    PDFs, is folded on both sides before, and "thirty" is "30". bm25
    ranks, but says nothing of how good the best one is, as it depends on the folder: hence a score
    of our own.

    May be read in one thread and searched in another. `files` is how many
    there are, `skipped` are lines for whoever keeps them.
    """

    def __init__(self, passages: Sequence[Passage], skipped: Sequence[str] = ()) -> None:
        self.skipped = tuple(skipped)
        self._passages = tuple(passages)
        self.files = len({one.source.file for one in self._passages})
        self._index = sqlite3.connect(":memory:", check_same_thread=False)
        try:
            self._index.execute(SCHEMA)
        except sqlite3.OperationalError as exc:
            raise NotesError("this Python's SQLite has no FTS5, which searches notes") from exc
        rows = (
            (at, searchable(one.source.heading), searchable(one.text))
            for at, one in enumerate(self._passages)
        )
        self._index.executemany("insert into passage(rowid, heading, body) values (?, ?, ?)", rows)

    @classmethod
    def read(cls, folder: Path) -> Notes:
        """:raises NotesError: when there are none, in one line."""
        passages, skipped = read_folder(folder)
        if not passages:
            why = f"; {skipped[0]}" if skipped else ""
            raise NotesError(f"{folder}: no text in any .md, .txt or .pdf of it{why}")
        return cls(passages, skipped)

    def __len__(self) -> int:
        return len(self._passages)

    def search(self, question: str, *, most: int = 3, floor: float = 0.5) -> tuple[NoteMatch, ...]:
        """The best first, none with a score below `floor`. Whatever is asked is words, and never
        read as FTS5's query language.
        """
        asked = [f'"{word}"' for word in telling_words(searchable(question))]
        if not asked:
            return ()
        ranked = [at for (at,) in self._index.execute(RANKED, (" OR ".join(asked), CANDIDATES))]
        scores = self._scores(asked, ranked)
        best = sorted(ranked, key=lambda at: -scores[at])[:most]
        return tuple(
            NoteMatch(self._passages[at], round(scores[at], 3))
            for at in best
            if scores[at] >= floor
        )

    def _scores(self, asked: Sequence[str], passages: Sequence[int]) -> dict[int, float]:
        weights = dict.fromkeys(passages, 0.0)
        total = 0.0
        for word in asked:
            holding = {at for (at,) in self._index.execute(HOLDING, (word,))}
            weight = log(1 + (len(self._passages) - len(holding) + 0.5) / (len(holding) + 0.5))
            total += weight
            for at in holding & weights.keys():
                weights[at] += weight
        return {at: weight / total for at, weight in weights.items()}
