"""A machine with the GPUs that a test wants."""

from __future__ import annotations

from dataclasses import dataclass

from interject.model_runtime.cuda import Card, unusable
from interject.model_runtime.failures import RuntimeFailure

GIB = 1 << 30


def card(
    index: int = 0,
    *,
    name: str = "NVIDIA H200",
    capability: tuple[int, int] = (9, 0),
    gib: int = 140,
) -> Card:
    return Card(index, name, capability, gib * GIB)


@dataclass
class FakeCuda:
    """Answers as `TorchCuda` would there. `free_gib` is the same on every card; a `fault` is what
    it says where its memory should be.
    """

    found: tuple[Card, ...] = ()
    free_gib: float = 138.0
    built_for: str | None = "13.0"
    loaded: str | None = "580.65.06"
    fault: str | None = None

    def build(self) -> str | None:
        return self.built_for

    def driver(self) -> str | None:
        return self.loaded

    def cards(self) -> tuple[Card, ...]:
        return self.found

    def free_bytes(self, card: Card) -> int:
        assert card in self.found
        if self.fault is not None:
            raise RuntimeFailure(unusable(card, RuntimeError(self.fault)))
        return int(self.free_gib * GIB)
