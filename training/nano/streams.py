"""The streams of nano's test as a data set, for `interject eval stream`.

`python -m interject.training.nano.streams FOLDER`: voices that training never heard.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from interject.model_runtime.protocol import FRAME_SAMPLES, SAMPLE_RATE_HZ, Emotion
from interject.training.dataset.build import build
from interject.training.dataset.manifest import BuildSettings
from interject.training.dataset.problem import DatasetError
from interject.training.nano.held_out import festival_bank
from interject.training.nano.random_scene import make_scene
from interject.training.nano.scene import Style
from interject.training.nano.speech_bank import BankSize, make_bank
from interject.training.nano.stock import make_stock
from interject.training.sequences.prompt import VERBATIM_PROMPT
from interject.training.sounds.catalogue import CLASSES
from interject.training.speech.utterance import SynthesisError
from interject.training.streams.ability import Ability
from interject.training.streams.span import Layer, SoundSource, StreamSpan
from interject.training.streams.stream import TrainingStream
from interject.training.streams.turn import StreamTurn, response_chunk

if TYPE_CHECKING:
    from interject.training.nano.scene import Happening, Scene, Stock
    from interject.training.nano.speech_bank import SpeechBank


class Voices(StrEnum):
    """Festival's, which training never heard, or espeak-ng's: one rendering of each wording."""

    HELD_OUT = "held-out"
    ESPEAK = "espeak"


CHUNKS = 60
QUICK_BANK = BankSize(1, 0, 14, 2, 0, 6, 0, own_a_reply=0, isolated=8)
STOCK_SEED = 70_001
ABILITIES = {
    Style.MIXED: Ability.ENVIRONMENT_AGENT,
    Style.COUNT: Ability.STREAMING_INSTRUCTION,
    Style.UNRELATED: Ability.PROACTIVE,
    Style.LONE: Ability.PROACTIVE,
}
"""What comes nearest: requests and sounds of all kinds, counting, and nothing to answer."""
TURNS = (Style.MIXED, Style.UNRELATED, Style.MIXED, Style.COUNT, Style.MIXED, Style.UNRELATED)
COUNTED_KEY, COUNTING = "number", "count"
SYNTHESISED = SoundSource(
    "interject.training.nano", "Apache-2.0", hashlib.sha256(b"synthesised").hexdigest()
)


@dataclass(frozen=True, slots=True)
class NanoStreams:
    """A `StreamSource` of scenes."""

    stock: Stock

    def make(self, number: int, seed: int) -> TrainingStream:
        style = TURNS[number % len(TURNS)]
        rng = np.random.default_rng((seed, number))
        return as_stream(make_scene(self.stock, rng, CHUNKS, style), style, number, seed)


def as_stream(scene: Scene, style: Style, number: int, seed: int) -> TrainingStream:
    sound = scene.sound[: scene.chunks * FRAME_SAMPLES]
    turns: list[StreamTurn] = []
    for happening in scene.happenings:
        turns.append(_turn(happening, turns[-1].end_s if turns else 0.0))
    return TrainingStream(
        stream_id=f"nano-{number:05d}",
        ability=ABILITIES[style],
        sound=np.clip(sound, -1, 1),
        turns=tuple(turns),
        spans=tuple(_span(happening) for happening in scene.happenings),
        seed=seed,
        system_prompt=VERBATIM_PROMPT,
    )


def _turn(happening: Happening, before_s: float) -> StreamTurn:
    start_s, end_s = happening.turn_s(before_s)
    user = "" if happening.key in CLASSES else happening.key
    if happening.reply is None:
        return StreamTurn(start_s, max(end_s, before_s), user, scene_type=happening.key)
    kind = COUNTING if happening.reply.key == COUNTED_KEY else happening.key
    emotion = Emotion(happening.reply.emotion)
    chunk = response_chunk(end_s)
    return StreamTurn(start_s, end_s, user, happening.reply.text, emotion, kind, chunk)


def _span(happening: Happening) -> StreamSpan:
    is_sound = happening.key in CLASSES
    return StreamSpan(
        Layer.FOREGROUND if is_sound else Layer.SPEECH,
        happening.key,
        happening.start / SAMPLE_RATE_HZ,
        happening.end / SAMPLE_RATE_HZ,
        text="" if is_sound else happening.key,
        source=SYNTHESISED,
    )


def make_voices(voices: Voices, cache: Path) -> SpeechBank:
    """:raises SynthesisError: when a synthesiser is missing."""
    if voices is Voices.ESPEAK:
        return make_bank(QUICK_BANK, STOCK_SEED)
    return festival_bank(cache)


def main(
    folder: Annotated[Path, typer.Argument(help="Where to write the data set.")],
    cache: Annotated[Path, typer.Option(help="Where held-out speech is kept.")] = Path(".cache"),
    voices: Annotated[Voices, typer.Option(help="espeak takes seconds.")] = Voices.HELD_OUT,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Streams of 24 s.")] = 60,
    seed: Annotated[int, typer.Option(min=0)] = 90_001,
    held_out_sounds: Annotated[bool, typer.Option(help="Sounds made by other means, too.")] = False,
) -> None:
    """Write streams as nano's test has them: half mixed, a third without anything to answer."""
    try:
        bank, many = make_voices(voices, cache), 60 if voices is Voices.HELD_OUT else 6
        stock = make_stock(
            bank, STOCK_SEED, sounds_a_class=many, rooms=many, held_out=held_out_sounds
        )
        settings = BuildSettings(
            recipe="interject.training.nano.streams",
            settings={"held_out_sounds": held_out_sounds, "voices": voices.value},
            seed=seed,
            count=count,
        )
        build(NanoStreams(stock), settings, folder)
    except (DatasetError, SynthesisError, OSError) as exc:
        raise typer.BadParameter(str(exc)) from exc
    sys.stdout.write(f"{count} streams of {CHUNKS * FRAME_SAMPLES / SAMPLE_RATE_HZ:g} s\n")


if __name__ == "__main__":
    typer.run(main)
