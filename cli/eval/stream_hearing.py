"""One stream heard to its end by one session, with all that the model decided and said."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.options import session_options
from interject.cli.eval.hearing import LONGEST_WAIT_S, as_frames, play
from interject.model_runtime.protocol import (
    SAMPLE_RATE_HZ,
    Cause,
    Closed,
    Decision,
    Gap,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
)
from interject.training.streaming_benchmark.played_stream import (
    HeardReply,
    PlayedStream,
    due_replies,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from interject.config.profile import Profile
    from interject.model_runtime.protocol import (
        Event,
        Runtime,
        SessionOptions,
    )
    from interject.training.streams.stream import TrainingStream

FULL_SCALE = 32_767
P_DIGITS = 5


async def hear_stream(
    runtime: Runtime,
    profile: Profile,
    stream: TrainingStream,
    *,
    threshold: float,
    tail_s: float,
    longest_wait_s: float = LONGEST_WAIT_S,
    clock: Callable[[], float] = time.monotonic,
) -> PlayedStream:
    """Each chunk is sent when the last one is decided and answered. A stream with a prompt of its
    own is heard with it. Nothing else of the stream but its samples is given away.

    :raises RuntimeFailure: when no session can be opened.
    """
    frames = as_frames(as_pcm(stream.sound, tail_s))
    listener = _StreamListener(len(frames), clock)
    options = _options(profile, stream, threshold)
    await play(runtime, options, frames, listener, longest_wait_s=longest_wait_s)
    return PlayedStream(
        id=stream.stream_id,
        ability=stream.ability,
        chunks=len(frames),
        due=due_replies(stream),
        heard=tuple(listener.replies),
        p_respond=tuple(listener.p_respond),
        problem=listener.problem,
    )


def as_pcm(sound: NDArray[np.float32], tail_s: float = 0.0) -> NDArray[np.int16]:
    """With silence behind it."""
    pcm = np.round(np.clip(sound, -1, 1) * FULL_SCALE).astype(np.int16)
    return np.concatenate((pcm, np.zeros(round(tail_s * SAMPLE_RATE_HZ), np.int16)))


def _options(profile: Profile, stream: TrainingStream, threshold: float) -> SessionOptions:
    """A random name: nothing of the stream may be in it."""
    options = session_options(profile, f"eval-{secrets.token_hex(8)}", threshold=threshold)
    if stream.system_prompt is None:
        return options
    return replace(options, system_prompt=stream.system_prompt)


class _StreamListener:
    """Follows one session. A reply's first word is timed from when its chunk was sent."""

    def __init__(self, chunks: int, clock: Callable[[], float]) -> None:
        self.problem = ""
        self.replies: list[HeardReply] = []
        self.p_respond: list[float | None] = [None] * chunks
        self._clock = clock
        self._decided_seq = -1
        self._sent_s: dict[int, float] = {}
        self._open: ReplyStarted | None = None
        self._responded = False
        self._first_word_s: float | None = None

    def sends(self, seq: int) -> None:
        self._sent_s[seq] = self._clock()

    @property
    def over(self) -> bool:
        return bool(self.problem)

    def has_settled(self, seq: int) -> bool:
        whole = self._decided_seq >= seq and not self._responded and self._open is None
        return self.over or whole

    def take(self, event: Event) -> None:
        match event:
            case Decision(seq=seq, p_respond=p_respond, respond=respond):
                self._decided_seq = seq
                self.p_respond[seq] = round(p_respond, P_DIGITS)
                self._responded = respond
            case ReplyStarted(cause=Cause.MODEL):
                self._open, self._first_word_s, self._responded = event, None, False
            case ReplyDelta(text=text):
                self._time(text)
            case ReplyEnded(text=text):
                self._end(text)
            case Gap(first_seq=first, count=count):
                self.problem = f"{count} chunks from {first} on were not heard"
            case Closed(reason=reason, detail=detail):
                self.problem = f"the session closed ({reason}): {detail}".removesuffix(": ")

    def _time(self, text: str) -> None:
        if self._open is not None and self._first_word_s is None and text.strip():
            self._first_word_s = self._clock() - self._sent_s.get(self._open.seq, self._clock())

    def _end(self, text: str) -> None:
        if self._open is not None:
            self.replies.append(HeardReply(self._open.seq, text, self._first_word_s))
        self._open = None
