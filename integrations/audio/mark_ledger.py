"""Which marks are out, and how much was played when the last of them came back."""

from __future__ import annotations

MOST_OUT = 1_000


class MarkLedger:
    """A mark is named `epoch:seq`. A line sends one back once everything before it was played, but
    also when a `clear` threw that away: so a `clear` begins a new epoch, and whatever still comes
    of an old one says nothing.
    """

    def __init__(self) -> None:
        self._epoch = 0
        self._seq = 0
        self._out: dict[int, int] = {}
        self.played_samples = 0

    @property
    def out(self) -> int:
        return len(self._out)

    def next_name(self, taken_samples: int) -> str:
        """The mark behind so many samples."""
        self._seq += 1
        self._out[self._seq] = taken_samples
        if len(self._out) > MOST_OUT:
            del self._out[min(self._out)]
        return f"{self._epoch}:{self._seq}"

    def came_back(self, name: str) -> bool:
        """Whether more has been played by it. A mark also stands for those before it."""
        epoch, _, seq = name.partition(":")
        if epoch != str(self._epoch) or not seq.isdecimal() or int(seq) not in self._out:
            return False
        self.played_samples = self._out[int(seq)]
        self._out = {number: at for number, at in self._out.items() if number > int(seq)}
        return True

    def restart(self, taken_samples: int) -> None:
        """Nothing that was sent before this counts any more."""
        self._epoch += 1
        self._out.clear()
        self.played_samples = taken_samples
