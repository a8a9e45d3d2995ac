"""Who spoke how loud in which frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.model_runtime.protocol import FRAME_SAMPLES, Speaker

if TYPE_CHECKING:
    from collections.abc import Sequence


class SpeakerMap:
    """Keeps each voice's loudest level a frame, which is the same for any split into pushes."""

    def __init__(self) -> None:
        self._levels: dict[int, dict[str, float]] = {}

    def add(self, speakers: Sequence[Speaker], *, start_sample: int, samples: int) -> None:
        if not speakers or samples <= 0:
            return
        last = (start_sample + samples - 1) // FRAME_SAMPLES
        for seq in range(start_sample // FRAME_SAMPLES, last + 1):
            levels = self._levels.setdefault(seq, {})
            for speaker in speakers:
                level = levels.get(speaker.identity, speaker.level_dbfs)
                levels[speaker.identity] = max(level, speaker.level_dbfs)

    def take(self, seq: int) -> tuple[Speaker, ...]:
        """The frame's voices, loudest first; they are forgotten with it."""
        levels = self._levels.pop(seq, {})
        ranked = sorted(levels.items(), key=lambda item: (-item[1], item[0]))
        return tuple(Speaker(identity, level) for identity, level in ranked)
