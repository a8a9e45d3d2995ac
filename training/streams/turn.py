"""What is heard up to a moment, and what is answered then."""

from __future__ import annotations

from dataclasses import dataclass

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion
from interject.training.streams.problem import BadStream, check_text, check_times


def response_chunk(end_s: float, *, decision_lag_s: float = 0.0) -> int:
    """The chunk, counted from 0, after which something that ends then is answered.

    The paper's ceil((offset + duration) / 400 ms) counts chunks from 1. Whole samples decide, so
    that an end on the grid belongs to the chunk that it ends, whatever its float says.
    """
    samples = round((end_s + decision_lag_s) * SAMPLE_RATE_HZ)
    return max(-(-samples // FRAME_SAMPLES) - 1, 0)


@dataclass(frozen=True, slots=True)
class StreamTurn:
    """One turn of StreamAudio-2M. `assistant` is empty where silence is right.

    `response_chunk` is the chunk whose decision is to respond; None where silence is right.
    `reference_turn` is the number (from 0) of the earlier turn that a history review asks about.

    :raises BadStream: when the two contradict each other, or the reply comes before the end.
    """

    start_s: float
    end_s: float
    user: str
    assistant: str = ""
    emotion: Emotion = Emotion.NORMAL
    scene_type: str = ""
    response_chunk: int | None = None
    reference_turn: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.emotion, Emotion):
            raise BadStream(
                "emotion", f"is {self.emotion!r}; it must be one of {', '.join(Emotion)}"
            )
        for field in ("user", "assistant", "scene_type"):
            check_text(field, getattr(self, field))
        check_times(self.start_s, self.end_s)
        self._check_reply()

    @property
    def is_silent(self) -> bool:
        return self.response_chunk is None

    def _check_reply(self) -> None:
        if self.response_chunk is None:
            if self.assistant:
                raise BadStream("response_chunk", "is missing, but there is a reply")
            return
        if not self.assistant.strip():
            raise BadStream("assistant", "is empty, but there is a response_chunk")
        earliest = response_chunk(self.end_s)
        if self.response_chunk < earliest:
            raise BadStream(
                "response_chunk",
                f"is {self.response_chunk}; the turn is heard until {self.end_s:g} s, "
                f"so chunk {earliest} is the first that can know of it",
            )
