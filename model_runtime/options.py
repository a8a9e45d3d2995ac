"""What a session is opened with. `protocol` hands these on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interject.model_runtime import limits


class FloorMode(StrEnum):
    """Who may hear Interject: nobody aloud, chosen people, or everybody."""

    OBSERVE = "observe"
    ASSIST = "assist"
    SPEAK = "speak"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How reply tokens are drawn.

    | field | type and range | meaning |
    |---|---|---|
    | `temperature` | number, 0 or 0.01 to 10 | 0 takes the likeliest token (greedy) |
    | `top_k` | whole, 0 to 1,000,000 | draw among so many; 0 among all |
    | `top_p` | number, 0.000001 to 1 | draw among the likeliest that reach this share |
    | `seed` | whole, 64 bits with sign | the same draws the same tokens |
    | `repetition_window` | whole, 0 to 256 | longest run that may not repeat; 0: any may |
    | `repetition_limit` | whole, 2 to 16 | said so often, the reply ends (`EndReason.REPETITION`) |

    :raises InvalidInput: when one is out of its range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    repetition_window: int = 16
    repetition_limit: int = 3

    def __post_init__(self) -> None:
        limits.check_temperature(self.temperature)
        limits.check_whole("top_k", self.top_k, 0, limits.MAX_TOP_K)
        limits.check_top_p(self.top_p)
        limits.check_whole("seed", self.seed, limits.MIN_SEED, limits.MAX_SEED)
        window, limit = self.repetition_window, self.repetition_limit
        limits.check_whole("repetition_window", window, 0, limits.MAX_REPETITION_WINDOW)
        low, high = limits.MIN_REPETITION_LIMIT, limits.MAX_REPETITION_LIMIT
        limits.check_whole("repetition_limit", limit, low, high)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What a session is opened with.

    `session_id` has 1 to 256 bytes in UTF-8, `system_prompt` up to 16,384. `prompt_ids`, up to
    4,096 of them, replace the whole prefix (mode, language and system prompt).
    `threshold`, from 0 to 1, is the least P(respond) that starts a reply; 0.5 is the larger of the
    two logits, 0 replies after every chunk and 1 never.
    `max_reply_tokens`, from 1 to 4,096, cuts a reply; a runtime may cut below a quarter of its
    memory already.

    :raises InvalidInput: when one is of another type or size.
    """

    session_id: str
    system_prompt: str = ""
    prompt_ids: tuple[int, ...] | None = None
    threshold: float = 0.5
    mode: FloorMode = FloorMode.SPEAK
    max_reply_tokens: int = 256
    sampling: Sampling = Sampling()

    def __post_init__(self) -> None:
        limits.check_session_id(self.session_id)
        limits.check_text("system_prompt", self.system_prompt, limits.MAX_PROMPT_BYTES)
        if self.prompt_ids is not None:
            limits.check_prompt_ids(self.prompt_ids)
        limits.check_threshold(self.threshold)
        limits.check_kind("mode", self.mode, FloorMode)
        most = limits.MAX_REPLY_TOKENS
        limits.check_whole("max_reply_tokens", self.max_reply_tokens, 1, most)
        limits.check_kind("sampling", self.sampling, Sampling)
