"""What is added to a script by chance: silence that is right, alarms, questions about before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from interject.training.soundflow.stream_script import ScriptedSpeech, ScriptedTurn
from interject.training.streams.ability import Ability

if TYPE_CHECKING:
    from interject.training.soundflow.composer_settings import MixInSettings
    from interject.training.soundflow.history_reviewer import HistoryReviewer
    from interject.training.soundflow.script_writer import ScriptWriter
    from interject.training.soundflow.stream_script import StreamScript
    from interject.training.sounds.waves import Rng

ALL_SPEECH = (Ability.REAL_TIME_ASR, Ability.TRANSLATION)
"""Here whatever is said is answered, so that no talk can be by the way."""
REMARK_SHARE = 0.5
TRIES = 20


def mixed_in(
    script: StreamScript,
    ability: Ability,
    settings: MixInSettings,
    writer: ScriptWriter,
    rng: Rng,
    reviewer: HistoryReviewer,
) -> StreamScript:
    """Each kind with its probability; a review comes last, when all numbers of turns are known."""
    silence, proactive, review = (
        bool(rng.random() < share)
        for share in (settings.silence, settings.proactive, settings.history_review)
    )
    turns = list(script.turns)
    if silence:
        is_talk = ability not in ALL_SPEECH and rng.random() < REMARK_SHARE
        extra = writer.remark() if is_talk else _unwanted(writer, script)
        if extra is not None:
            turns.insert(_place(turns, rng), extra)
    if proactive and ability is not Ability.PROACTIVE:
        turns.insert(_place(turns, rng), writer.alarming_sound())
    if review:
        turns = reviewed(turns, rng, reviewer)
    return replace(script, turns=tuple(turns))


def _unwanted(writer: ScriptWriter, script: StreamScript) -> ScriptedTurn | None:
    """An ordinary sound that nobody in this stream has asked about, if chance finds one."""
    for _ in range(TRIES):
        extra = writer.ordinary_sound()
        if not _labels(extra) & script.labels:
            return extra
    return None


def _labels(turn: ScriptedTurn) -> set[str]:
    return {part.label for part in turn.parts if not isinstance(part, ScriptedSpeech)}


def _place(turns: list[ScriptedTurn], rng: Rng) -> int:
    """Anywhere but before the first turn, which may be the instruction."""
    return int(rng.integers(1, len(turns) + 1))


def reviewed(turns: list[ScriptedTurn], rng: Rng, reviewer: HistoryReviewer) -> list[ScriptedTurn]:
    """With one question about before at the end, if the published rules leave one that is good."""
    review = reviewer.review(turns, rng)
    if review is None:
        return turns
    question = ScriptedTurn(
        (ScriptedSpeech(review.question),), review.question, "history_review",
        review.reference_answer, reference=review.reference_turn_idx,
    )  # fmt: skip
    return [*turns, question]
