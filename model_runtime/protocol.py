"""What an agent and a model runtime say to each other.

Frames and controls go in, events come out. Nothing here imports torch: media processes use this
module alone, whether the engine runs beside them or behind a network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.model_runtime import limits
from interject.model_runtime.failures import InvalidInput as InvalidInput
from interject.model_runtime.failures import RuntimeAway as RuntimeAway
from interject.model_runtime.failures import RuntimeBusy as RuntimeBusy
from interject.model_runtime.failures import RuntimeFailure as RuntimeFailure
from interject.model_runtime.failures import SessionClosed as SessionClosed
from interject.model_runtime.names import shown as shown
from interject.model_runtime.options import FloorMode as FloorMode  # noqa: TC001
from interject.model_runtime.options import Sampling as Sampling
from interject.model_runtime.options import SessionOptions as SessionOptions  # noqa: TC001
from interject.model_runtime.readable import readable as readable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SAMPLE_RATE_HZ = 16_000
FRAME_SAMPLES = 6_400
FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
LOOKAHEAD_SAMPLES = 40
"""A last mel column is centred 160 samples before the end and reads 200 either side."""
SAMPLE_BYTES = 2
MAX_UNREAD_EVENTS = 8_192
"""A session whose events wait in larger numbers is closed."""


class Emotion(StrEnum):
    """The tag that the model puts in front of a reply."""

    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    SURPRISE = "surprise"
    NORMAL = "normal"
    URGENT = "urgent"


class Cause(StrEnum):
    """Why a reply was begun."""

    MODEL = "model"
    ANSWER_NOW = "answer_now"
    SAY = "say"
    TEXT_TURN = "text_turn"


class EndReason(StrEnum):
    """Why a reply ended."""

    COMPLETE = "complete"
    MAX_TOKENS = "max_tokens"
    REPETITION = "repetition"
    CANCELLED = "cancelled"


class GapReason(StrEnum):
    """Why frames were never heard by the model."""

    MISSING = "missing"
    OVERLOAD = "overload"


class CloseReason(StrEnum):
    """Why a session ended."""

    CLIENT = "client"
    SHUTDOWN = "shutdown"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Speaker:
    """One voice inside a frame: who, and how loud (dB relative to full scale)."""

    identity: str
    level_dbfs: float


@dataclass(frozen=True, slots=True)
class Frame:
    """400 ms of sound: signed 16-bit little-endian mono PCM at 16 kHz.

    `pcm` holds exactly `FRAME_SAMPLES` samples. `lookahead` holds the first `LOOKAHEAD_SAMPLES`
    samples of what follows (the 2.5 ms that the framing waited), or nothing at the end of a stream.
    `seq` counts frames from 0 without holes, and fits into 32 bits. `captured_at` is when the
    frame's first sample was captured, in seconds on the clock of the machine that captured it.
    `speakers` travel untouched to the decision.

    :raises ValueError: when `pcm` or `lookahead` has another size, or `seq` is out of range.
    """

    seq: int
    captured_at: float
    pcm: bytes = field(repr=False)
    lookahead: bytes = field(default=b"", repr=False)
    speakers: tuple[Speaker, ...] = ()

    def __post_init__(self) -> None:
        if len(self.pcm) != FRAME_SAMPLES * SAMPLE_BYTES:
            raise ValueError(
                f"a frame holds {FRAME_SAMPLES * SAMPLE_BYTES} bytes of PCM "
                f"({FRAME_SAMPLES} samples of 16 bits), not {len(self.pcm)}"
            )
        if len(self.lookahead) not in (0, LOOKAHEAD_SAMPLES * SAMPLE_BYTES):
            raise ValueError(
                f"a look-ahead holds {LOOKAHEAD_SAMPLES * SAMPLE_BYTES} bytes or none, "
                f"not {len(self.lookahead)}"
            )
        limits.check_whole("seq", self.seq, 0, limits.MAX_SEQ)


@dataclass(frozen=True, slots=True)
class Decision:
    """The model's choice after one frame. `queued_s` is the time from push to decision."""

    session_id: str
    seq: int
    captured_at: float
    silent_logit: float
    respond_logit: float
    p_respond: float
    respond: bool
    mode: FloorMode
    queued_s: float = 0.0
    speakers: tuple[Speaker, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """A reply begins after frame `seq` (-1: before any). `reply_id` counts a session's replies."""

    session_id: str
    reply_id: int
    seq: int
    emotion: Emotion
    cause: Cause
    mode: FloorMode


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    """More of a reply: token ids, and the text that they complete (possibly none yet)."""

    session_id: str
    reply_id: int
    token_ids: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """A reply is whole, cut, or cancelled; `text` is all that stays in the model's memory."""

    session_id: str
    reply_id: int
    reason: EndReason
    text: str
    token_count: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Frames `first_seq` .. `first_seq + count - 1` were never heard by the model."""

    session_id: str
    first_seq: int
    count: int
    reason: GapReason


@dataclass(frozen=True, slots=True)
class Closed:
    """The last event of a session."""

    session_id: str
    reason: CloseReason
    detail: str = ""


Event = Decision | ReplyStarted | ReplyDelta | ReplyEnded | Gap | Closed


class RuntimeSession(Protocol):
    """One continuous stream with one memory. Every method but `events` returns at once.

    :raises SessionClosed: from any method, once the session has ended.
    """

    @property
    def session_id(self) -> str: ...

    async def push(self, frame: Frame) -> None:
        """Hear a frame. A repeated `seq` is dropped; a skipped one is reported as a `Gap`."""

    async def finish(self) -> None:
        """Say that no frame follows: the last one is decided, then the session closes itself."""

    async def text_turn(self, text: str, *, answer: bool = True) -> None:
        """Put typed text into the memory; with `answer` the model must reply to it.

        :raises InvalidInput: when it has more than 8,192 bytes in UTF-8.
        """

    async def say(self, text: str, *, emotion: Emotion = Emotion.NORMAL) -> None:
        """Make the model say these words now and remember that it did.

        :raises InvalidInput: when they have more than 8,192 bytes in UTF-8.
        """

    async def answer_now(self) -> None:
        """Make the model reply now, whatever it would have decided."""

    async def cancel(self, reply_id: int, *, heard_chars: int) -> None:
        """Stop a reply. Its first `heard_chars` characters stay in the memory, the rest goes."""

    async def heard(self, reply_id: int, *, chars: int) -> None:
        """Report how much of a reply has been played out so far."""

    async def update(
        self, *, threshold: float | None = None, mode: FloorMode | None = None
    ) -> None:
        """Change the threshold or the floor mode from the next decision on; None leaves it.

        :raises InvalidInput: when the threshold is not within 0 to 1.
        """

    def events(self) -> AsyncIterator[Event]:
        """Every event in order, ending after `Closed`. One consumer a session."""

    async def close(self) -> None:
        """End the session at once and free its memory. Closing twice does nothing."""


class Runtime(Protocol):
    """Something that decides for many sessions at once."""

    async def open(self, options: SessionOptions) -> RuntimeSession:
        """Begin a session.

        :raises RuntimeBusy: when every slot is taken.
        :raises RuntimeFailure: when the options do not fit the model, or the id is in use.
        """

    async def aclose(self) -> None:
        """Close every session and free the model."""
