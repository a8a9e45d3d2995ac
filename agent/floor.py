"""Who may be heard, and whether Interject is being heard now."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime.protocol import Cause, Emotion, FloorMode

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.model_runtime.protocol import Frame, ReplyStarted

MINUTE_S = 60.0


class FloorState(StrEnum):
    """Holding: something is being said and another reply waits. Yielded: own speech was cut."""

    LISTENING = "listening"
    SPEAKING = "speaking"
    HOLDING = "holding"
    YIELDED = "yielded"


class Verdict(StrEnum):
    """What becomes of a reply. `SHOW` is not spoken; `SUPPRESS` is neither heard nor shown."""

    SPEAK = "speak"
    WAIT = "wait"
    INTERRUPT = "interrupt"
    SHOW = "show"
    SUPPRESS = "suppress"


class IllegalMove(RuntimeError):
    """The floor was asked for a move that its state does not allow: a bug of the caller."""

    def __init__(self, move: str, *, expected: tuple[FloorState, ...], actual: FloorState) -> None:
        wanted = " or ".join(state.value for state in expected)
        super().__init__(f"cannot {move} while {actual.value}: expected {wanted}")
        self.expected = expected
        self.actual = actual


class BargeIn(Protocol):
    """Asked about every frame while Interject is heard: shall it stop for this?

    Built in is `never`, since the model decides: a "mhmm" must not cut it off.
    """

    def __call__(self, frame: Frame) -> bool: ...


def never(frame: Frame) -> bool:
    return False


@dataclass(slots=True)
class YieldToSpeech:
    """Yields when some speaker was at least this loud for `frames` frames in a row (0.4 s each)."""

    level_dbfs: float = -40.0
    frames: int = 2
    _run: int = 0

    def __call__(self, frame: Frame) -> bool:
        loud = any(speaker.level_dbfs >= self.level_dbfs for speaker in frame.speakers)
        self._run = self._run + 1 if loud else 0
        return self._run >= self.frames


class Floor:
    """The state machine. It judges replies and is told what happens; it does nothing itself."""

    def __init__(
        self,
        mode: FloorMode,
        *,
        can_speak: bool = True,
        unprompted_per_minute: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.mode = mode
        self._can_speak = can_speak
        self.unprompted_per_minute = unprompted_per_minute
        self._clock = clock
        self._state = FloorState.LISTENING
        self._speaking_emotion: Emotion | None = None
        self._unprompted_at: deque[float] = deque()

    @property
    def state(self) -> FloorState:
        return self._state

    def judge(self, reply: ReplyStarted) -> Verdict:
        """Decide about a reply that begins. An unprompted one counts against the cap."""
        if reply.cause is Cause.MODEL and not self._within_cap(reply.emotion):
            return Verdict.SUPPRESS
        if self.mode is not FloorMode.SPEAK or not self._can_speak:
            return Verdict.SHOW
        if self._state is FloorState.LISTENING:
            return Verdict.SPEAK
        if self._state is FloorState.YIELDED or not self._interrupts(reply.emotion):
            return Verdict.WAIT
        return Verdict.INTERRUPT

    def uncount(self) -> None:
        """The last unprompted reply had no words, so it does not count against the cap."""
        if self._unprompted_at:
            self._unprompted_at.pop()

    def start(self, emotion: Emotion, *, waiting: int = 0) -> None:
        self._move("start speaking", FloorState.LISTENING)
        self._speaking_emotion = emotion
        self._state = FloorState.HOLDING if waiting else FloorState.SPEAKING

    def hold(self) -> None:
        self._move("hold a reply", FloorState.SPEAKING, FloorState.HOLDING)
        self._state = FloorState.HOLDING

    def finish(self) -> None:
        self._move("finish speaking", FloorState.SPEAKING, FloorState.HOLDING)
        self._state = FloorState.LISTENING

    def give_way(self) -> None:
        self._move("yield", FloorState.SPEAKING, FloorState.HOLDING)
        self._state = FloorState.YIELDED

    def resume(self) -> None:
        self._move("listen again", FloorState.YIELDED)
        self._state = FloorState.LISTENING

    def _interrupts(self, emotion: Emotion) -> bool:
        """Urgent words cut others, but two alarms do not cut each other for ever."""
        return emotion is Emotion.URGENT and self._speaking_emotion is not Emotion.URGENT

    def _within_cap(self, emotion: Emotion) -> bool:
        now = self._clock()
        while self._unprompted_at and now - self._unprompted_at[0] >= MINUTE_S:
            self._unprompted_at.popleft()
        cap = self.unprompted_per_minute
        full = cap is not None and len(self._unprompted_at) >= cap
        if full and emotion is not Emotion.URGENT:
            return False
        if cap is not None:
            self._unprompted_at.append(now)
        return True

    def _move(self, move: str, *expected: FloorState) -> None:
        if self._state not in expected:
            raise IllegalMove(move, expected=expected, actual=self._state)
