"""People who talk at once: over the agent, over each other, and with pauses in their sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.training.soundflow.mix_ins import ALL_SPEECH
from interject.training.soundflow.stream_script import (
    OTHER,
    USER,
    AnswerRule,
    Onset,
    ScriptedSpeech,
    ScriptedTurn,
    StreamScript,
)
from interject.training.soundflow.texts.text_set import BackchannelText, RemarkText

if TYPE_CHECKING:
    from interject.training.soundflow.composer_settings import OverlapSettings
    from interject.training.soundflow.texts.text_set import TextSet
    from interject.training.sounds.waves import Rng
    from interject.training.streams.ability import Ability

LEAST_WORDS = 5
"""A shorter sentence has no pause inside."""


def overlapping(
    script: StreamScript, ability: Ability, settings: OverlapSettings, texts: TextSet, rng: Rng
) -> StreamScript:
    """The same turns, some of them with an overlap, and backchannels between them.

    Where all speech is answered nobody says anything by the way.
    """
    turns: list[ScriptedTurn] = []
    moved: dict[int, int] = {}
    by_the_way = ability not in ALL_SPEECH
    for number, turn in enumerate(script.turns):
        before = turns[-1] if turns else None
        if by_the_way and before and _is_answer(before) and rng.random() < settings.backchannel:
            turns.append(_backchannel(texts, rng))
        moved[number] = len(turns)
        turns.append(_changed(turn, turns[-1] if turns else None, settings, texts, rng, by_the_way))
    return replace(script, turns=tuple(_renumbered(turn, moved) for turn in turns))


def _is_answer(turn: ScriptedTurn) -> bool:
    return turn.rule is AnswerRule.END and bool(turn.assistant)


def _changed(
    turn: ScriptedTurn, before: ScriptedTurn | None, settings: OverlapSettings, texts: TextSet,
    rng: Rng, by_the_way: bool,
) -> ScriptedTurn:  # fmt: skip
    part = turn.parts[0]
    if not turn.is_spoken or not isinstance(part, ScriptedSpeech) or part.speaker != USER:
        return turn
    if before and _is_answer(before) and rng.random() < settings.barge_in:
        turn = replace(turn, onset=Onset.BARGE_IN)
    if rng.random() < settings.pause:
        turn = replace(turn, parts=(_with_pause(part, settings.pause_chunks, rng),))
    if by_the_way and turn.rule is AnswerRule.END and rng.random() < settings.cross_talk:
        remark = texts.draw(RemarkText, rng)
        talk = ScriptedSpeech(remark.text, OTHER, recording=texts.recording_of(remark))
        turn = replace(turn, cross_talk=talk)
    return turn


def _with_pause(part: ScriptedSpeech, most_chunks: int, rng: Rng) -> ScriptedSpeech:
    words = len(part.text.split())
    if words < LEAST_WORDS:
        return part
    return replace(
        part, pause_word=int(rng.integers(1, words - 2)),
        pause_chunks=int(rng.integers(1, most_chunks + 1)),
    )  # fmt: skip


def _backchannel(texts: TextSet, rng: Rng) -> ScriptedTurn:
    drawn = texts.draw(BackchannelText, rng)
    speech = ScriptedSpeech(drawn.text, recording=texts.recording_of(drawn))
    return ScriptedTurn((speech,), drawn.text, "backchannel", onset=Onset.BACKCHANNEL)


def _renumbered(turn: ScriptedTurn, moved: dict[int, int]) -> ScriptedTurn:
    return turn if turn.reference is None else replace(turn, reference=moved[turn.reference])
