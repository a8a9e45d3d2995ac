"""Plays streams to one model, some at once; what was played is kept, so that it can go on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from interject.model_runtime.checkpoint import fingerprint
from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.protocol import SAMPLE_RATE_HZ
from interject.training.dataset.durable_files import naming
from interject.training.nano.evaluation import listen_together
from interject.training.streaming_benchmark.played_stream import (
    DueReply,
    HeardReply,
    PlayedStream,
)
from interject.training.streams.ability import Ability
from interject.training.streams.turn import response_chunk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from interject.model_runtime.checkpoint import Model
    from interject.training.domain.work_watch import WorkWatch
    from interject.training.nano.scene import Happening, Scene

AT_ONCE = 8
"""Streams. A step of the engine takes all of them, which is quicker; a large model has one slot."""


@dataclass(frozen=True, slots=True)
class Examiner:
    """`folder` holds a file for each model and threshold: a line a stream, by a hash of its sound.

    What cannot be read there is played again.
    """

    model: Model
    folder: Path
    watch: WorkWatch
    at_once: int = AT_ONCE

    def play(self, scenes: Sequence[Scene], threshold: float) -> list[PlayedStream]:
        """:raises WorkStopped: when it was to stop; streams that were heard whole are kept.
        :raises OSError: when they cannot be.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        digest = fingerprint(self.model).rpartition(":")[2]
        path = self.folder / f"{digest}-{threshold:g}.jsonl"
        names = [_name(scene) for scene in scenes]
        known = _read(path)
        self.watch.told.advanced(sum(name in known for name in names))
        waiting = [n for n, name in enumerate(names) if name not in known]
        engine = Engine(self.model, slots=self.at_once)
        for first in range(0, len(waiting), self.at_once):
            numbers = waiting[first : first + self.at_once]
            heard = listen_together(
                engine, [scenes[n] for n in numbers], threshold, told=self.watch.check
            )
            for number, (replies, p_respond) in zip(numbers, heard, strict=True):
                known[names[number]] = PlayedStream(
                    id=names[number],
                    ability=Ability.PROACTIVE,
                    chunks=scenes[number].chunks,
                    due=tuple(_due(h) for h in scenes[number].happenings if h.reply is not None),
                    heard=tuple(HeardReply(reply.chunk, reply.text) for reply in replies),
                    p_respond=tuple(p_respond),
                )
            with naming(path), path.open("a", encoding="utf-8") as file:
                file.writelines("\n" + known[names[n]].model_dump_json() for n in numbers)
            self.watch.told.advanced(len(numbers))
        return [known[name] for name in names]


def _name(scene: Scene) -> str:
    return hashlib.sha256(scene.sound.tobytes()).hexdigest()


def _read(path: Path) -> dict[str, PlayedStream]:
    """A killed process may leave half a line."""
    found: dict[str, PlayedStream] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            stream = PlayedStream.model_validate_json(line)
        except ValidationError:
            continue
        found[stream.id] = stream
    return found


def _due(happening: Happening) -> DueReply:
    """Due from the chunk in which it is known: whoever needs no decision lag is not early."""
    assert happening.reply is not None
    end_s = happening.known_at / SAMPLE_RATE_HZ
    return DueReply(response_chunk(end_s), end_s, happening.reply.text, happening.reply.key)
