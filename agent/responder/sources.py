"""What a responder was given to state facts from, by numbers that it can cite."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_PASSAGE_CHARS = 1_500


@dataclass(frozen=True, slots=True)
class NumberedSource:
    """`label` is what people are shown: a file and a place in it, a tool's name."""

    label: str
    text: str = field(repr=False)


class Sources:
    """Numbers count from one, over passages and results of tools alike."""

    def __init__(self) -> None:
        self._all: list[NumberedSource] = []

    def add(self, label: str, text: str) -> int:
        """Its number. What is there already keeps its own."""
        source = NumberedSource(label, " ".join(text.split())[:MOST_PASSAGE_CHARS])
        if source not in self._all:
            self._all.append(source)
        return self._all.index(source) + 1

    def listed(self) -> str:
        return "\n".join(
            f"[{number}] {one.label}: {one.text}" for number, one in enumerate(self._all, start=1)
        )

    def labels(self, numbers: list[int]) -> tuple[str, ...]:
        """Of those that were cited; a number that nothing has means nothing."""
        found = (self._all[one - 1].label for one in numbers if 0 < one <= len(self._all))
        return tuple(dict.fromkeys(found))
