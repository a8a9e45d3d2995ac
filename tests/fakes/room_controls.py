"""An agent that remembers what it was switched to, and an ear that remembers whom it may hear."""

from __future__ import annotations

from interject.model_runtime.protocol import FloorMode


class FakeControls:
    """Starts as a profile with `mode: observe` would."""

    def __init__(self) -> None:
        self.mode = FloorMode.OBSERVE
        self.threshold = 0.5
        self.cap: int | None = 20

    def set_mode(self, mode: FloorMode) -> None:
        self.mode = mode

    def set_threshold(self, threshold: float) -> None:
        self.threshold = threshold

    def set_cap(self, per_minute: int | None) -> None:
        self.cap = per_minute


class FakeListener:
    """Keeps what consent says, in the order in which it says it."""

    def __init__(self) -> None:
        self.excluded: set[str] = set()
        self._listening = True

    def hears(self) -> bool:
        return self._listening

    def exclude(self, identity: str) -> None:
        self.excluded.add(identity)

    def include(self, identity: str) -> None:
        self.excluded.discard(identity)

    def stop_listening(self) -> None:
        self._listening = False

    def resume_listening(self) -> None:
        self._listening = True
