"""From an item to a stream: its sounds, one behind the other or at their times, and its turns."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from interject.agent.sound_file import BadSound, read_sound_file
from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ
from interject.training.dataset.items import (
    MergedItem,
    PublicItem,
    PublicTurn,
    TrainerItem,
    is_silent,
)
from interject.training.dataset.problem import bad_stream
from interject.training.dataset.stream_item import as_stream, as_turns
from interject.training.streams.ability import Ability
from interject.training.streams.problem import BadStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from interject.training.dataset.items import Item
    from interject.training.streams.stream import TrainingStream


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """What an item does not say of itself. `decision_lag_s` is how long after its turn's end a
    reply is decided, where the item has no chunk of its own for it.
    """

    ability: Ability | None = None
    decision_lag_s: float = 0.0


PLAIN = ReadingRules()


@dataclass(frozen=True, slots=True)
class ItemReader:
    """Sounds lie in `folder`; `name` is that of the items' file, for those without an id."""

    folder: Path
    name: str
    rules: ReadingRules

    def stream(self, item: Item, place: str) -> TrainingStream:
        """`place` is where the item lies.

        :raises BadRecord: when it or one of its sounds cannot be used.
        """
        public = item if isinstance(item, PublicItem) else _as_public(item, place, self.name)
        try:
            ability = self._ability(public)
            if not public.turns:
                raise BadStream("turns", "is empty; a stream has sound, and sound lies in turns")
            sounds = self._sounds(public)
            if any(turn.end_s is not None for turn in public.turns):
                sound, turns = _joined(public, sounds), as_turns(public)
            else:
                sound, turns = self._one_behind_the_other(public, sounds)
            return as_stream(public, sound, turns, ability)
        except BadStream as exc:
            raise bad_stream(place, exc) from None

    def _ability(self, item: PublicItem) -> Ability:
        if item.ability is not None:
            return item.ability
        named = item.stream_scene_type.strip().lower().replace(" ", "_").replace("-", "_")
        if named in tuple(Ability):
            return Ability(named)
        if self.rules.ability is None:
            raise BadStream(
                "stream_scene_type",
                f"is {item.stream_scene_type!r}, none of the seven abilities "
                f"({', '.join(Ability)}); say which one it teaches with --ability",
            )
        return self.rules.ability

    def _sounds(self, item: PublicItem) -> list[NDArray[np.float32]]:
        """A turn each; a file that several turns name is decoded once."""
        known: dict[str, NDArray[np.float32]] = {}
        for number, turn in enumerate(item.turns):
            if turn.audio_path not in known:
                known[turn.audio_path] = self._sound(number, turn)
        return [known[turn.audio_path] for turn in item.turns]

    def _sound(self, number: int, turn: PublicTurn) -> NDArray[np.float32]:
        place = f"turns.{number}.audio_path"
        try:
            return read_sound_file(_inside(self.folder, turn.audio_path, place))
        except BadSound as exc:
            raise BadStream(place, f"{turn.audio_path}: {exc}") from None

    def _one_behind_the_other(
        self, item: PublicItem, sounds: list[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], tuple[StreamTurn, ...]]:
        """A published turn is answered where its sound ends. Two never answer after one chunk, so
        a very short turn's reply comes a chunk later; silence behind the last makes room for it.
        """
        turns: list[StreamTurn] = []
        end, last = 0, -1
        for turn, sound in zip(item.turns, sounds, strict=True):
            start_s, end = end / SAMPLE_RATE_HZ, end + len(sound)
            end_s, chunk = end / SAMPLE_RATE_HZ, None
            if not is_silent(turn.assistant):
                lag_s = self.rules.decision_lag_s
                chunk = last = max(response_chunk(end_s, decision_lag_s=lag_s), last + 1)
            reply = "" if chunk is None else turn.assistant
            turns.append(
                StreamTurn(start_s, end_s, turn.user, reply, turn.emotion, turn.scene_type, chunk)
            )
        missing = max((last + 1) * FRAME_SAMPLES - end, 0) if last * FRAME_SAMPLES >= end else 0
        return np.concatenate([*sounds, np.zeros(missing, np.float32)]), tuple(turns)


def _as_public(item: TrainerItem | MergedItem, place: str, stem: str) -> PublicItem:
    """A trainer's item has no id: its file's name and its line are one."""
    turns = (
        [(turn.audio_path, turn) for turn in item.conversation]
        if isinstance(item, TrainerItem)
        else [(item.merge_path, item)]
    )
    return PublicItem(
        id=f"{stem}-{place.rpartition(' ')[2]}",
        stream_scene_type="",
        num_turns=len(turns),
        turns=tuple(
            PublicTurn(
                user=turn.user or "",
                assistant=turn.assistant,
                emotion=turn.emotion,
                scene_type="",
                audio_path=path,
            )
            for path, turn in turns
        ),
    )


def _inside(folder: Path, name: str, place: str) -> Path:
    """:raises BadStream: when there is no path, or it leads out of the folder, by a link say."""
    if not name.strip() or "\0" in name:
        raise BadStream(place, "is empty; a turn without sound teaches nothing")
    try:
        path = Path(os.path.realpath(folder / name))
    except (OSError, ValueError):
        raise BadStream(place, f"{name!r} is no path") from None
    if not path.is_relative_to(os.path.realpath(folder)):
        raise BadStream(place, f"{name!r} leads out of the folder of its file")
    return path


def _joined(item: PublicItem, sounds: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Turns that name one file share it."""
    kept = [
        sound
        for number, sound in enumerate(sounds)
        if not number or item.turns[number].audio_path != item.turns[number - 1].audio_path
    ]
    return np.concatenate(kept)
