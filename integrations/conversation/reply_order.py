"""The order in which replies are said: one on air, the others in line, urgent ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from interject.agent.floor import FloorState, Verdict
from interject.agent.speech_queue import SpeechQueue

if TYPE_CHECKING:
    from interject.agent.floor import Floor
    from interject.integrations.livekit.generation import Generation


class Stage(Protocol):
    """What a line needs from the session around it."""

    def ready(self) -> bool:
        """Whether nothing else is being said; if not, `Line.advance` is called once it is over."""

    def air(self, generation: Generation) -> None:
        """Hand a generation to LiveKit. `Line.closed` follows when it has been said or cut."""

    def cut(self) -> bool:
        """Stop what is being said, if that is possible."""

    def dropped(self, generation: Generation) -> None:
        """A generation left the line without being said."""


class Line:
    """LiveKit's own queue is first in, first out: an alarm would wait there behind small talk."""

    def __init__(self, floor: Floor, stage: Stage) -> None:
        self._floor = floor
        self._stage = stage
        self._waiting: SpeechQueue[Generation] = SpeechQueue()
        self.current: Generation | None = None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, generation: Generation) -> None:
        """Say it now, or put it in line; the oldest that is not urgent leaves a full line."""
        victim = self._waiting.make_room()
        if victim is not None:
            self._stage.dropped(victim)
        self._waiting.put(generation)
        if self.current is not None and self._floor.state is not FloorState.YIELDED:
            self._floor.hold()
        if generation.verdict is Verdict.INTERRUPT:
            self.cut()
        self.advance()

    def admit(self, generation: Generation) -> None:
        """Take a generation that LiveKit says at once, since it was asked for."""
        if self.current is None:
            self._start(generation)

    def advance(self) -> None:
        """Say the next one, if the air is free."""
        if self.current is not None or not self._waiting:
            return
        if not self._waiting.first.urgent and not self._stage.ready():
            return
        generation = self._waiting.take()
        self._start(generation)
        self._stage.air(generation)

    def cut(self) -> None:
        if self._stage.cut() and self.current is not None:
            self.give_way()

    def give_way(self) -> None:
        if self._floor.state in (FloorState.SPEAKING, FloorState.HOLDING):
            self._floor.give_way()

    def closed(self, generation: Generation) -> None:
        """A generation has been said, or cut."""
        if generation is not self.current:
            return
        self.current = None
        if self._floor.state is FloorState.YIELDED:
            self._floor.resume()
        else:
            self._floor.finish()
        self.advance()

    def drop_waiting(self) -> None:
        while self._waiting:
            self._stage.dropped(self._waiting.take())

    def _start(self, generation: Generation) -> None:
        self.current = generation
        self._floor.start(generation.emotion, waiting=len(self._waiting))
