from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from interject.training.soundflow.composer_settings import ComposerSettings
from interject.training.soundflow.history_review import HistoryReview, objections
from interject.training.soundflow.history_reviewer import RuleReviewer
from interject.training.soundflow.mix_ins import mixed_in, reviewed
from interject.training.soundflow.procedural_library import ProceduralLibrary
from interject.training.soundflow.script_writer import ScriptWriter
from interject.training.soundflow.silence_audit import (
    AuditLabel,
    RespondCriterion,
    SilenceAudit,
    audited,
)
from interject.training.soundflow.stream_script import ScriptedSpeech, ScriptedTurn
from interject.training.soundflow.texts.text_set import Fact
from interject.training.streams.ability import Ability
from tests.training.soundflow.compositions import PLAIN, TEXTS, composer

FACT = Fact(entity="level four", question="Where is the car?", answer="It is on level four.")


def turn(user: str, assistant: str = "Yes.", fact: Fact | None = None) -> ScriptedTurn:
    return ScriptedTurn((ScriptedSpeech(user),), user, "voice_chat", assistant, fact=fact)


TURNS = [turn("I parked on level four.", "Noted.", FACT), *map(turn, ("One?", "Two?", "Three?"))]
RULES = RuleReviewer()
REVIEW = HistoryReview(question=FACT.question, reference_answer=FACT.answer, reference_turn_idx=0)


def test_a_review_that_keeps_the_published_rules_has_no_objection() -> None:
    assert objections(REVIEW, "level four", TURNS, 4) == []


@pytest.mark.parametrize(
    ("changed", "entity", "turns", "at", "says"),
    [
        ({}, "level four", TURNS, 2, "2 rounds before, fewer than 3"),
        ({}, "level four", [TURNS[0], *[replace(t, assistant="") for t in TURNS[1:]]], 4,
         "1 rounds before"),
        ({}, "level four", [*TURNS[:3], turn("Is level four far?")], 4, "the last 2 turns answer"),
        ({}, "Lisbon", TURNS, 4, "not in the turn that it is about"),
        ({"reference_answer": "Downstairs."}, "level four", TURNS, 4, "not in the answer"),
        ({"question": "Is it on level four?"}, "level four", TURNS, 4, "holds its answer"),
        ({"question": "As you mentioned, where?"}, "level four", TURNS, 4, "was mentioned"),
        ({"reference_turn_idx": 4}, "level four", TURNS, 4, "what comes later"),
    ],
)  # fmt: skip
def test_every_published_rule_of_a_review_is_kept(
    changed: dict[str, object], entity: str, turns: list[ScriptedTurn], at: int, says: str
) -> None:
    review = HistoryReview.model_validate({**REVIEW.model_dump(), **changed})
    assert any(says in objection for objection in objections(review, entity, turns, at))


def test_a_script_without_a_good_fact_gets_no_review() -> None:
    rng = np.random.default_rng(1)
    assert reviewed(TURNS[:2], rng, RULES) == TURNS[:2]
    last = reviewed(TURNS, rng, RULES)[-1]
    assert (last.user, last.assistant, last.reference) == (FACT.question, FACT.answer, 0)


def test_reviews_in_streams_point_at_the_turn_they_ask_about() -> None:
    made = composer(
        None, Ability.VOICE_CHAT,
        **{**PLAIN, "mix_ins": {"history_review": 1, "silence": 1, "proactive": 1},
           "overlaps": {"backchannel": 1}, "pace": {"rounds": [6, 6]}},
    )  # fmt: skip
    asked = 0
    for number in range(6):
        turns = made.make(number, 1).turns
        for review in (turn for turn in turns if turn.reference_turn is not None):
            asked += 1
            assert review.reference_turn is not None
            told = turns[review.reference_turn].user.casefold()
            facts = [t.fact for c in TEXTS.texts if c.kind == "chat" for t in c.turns if t.fact]
            fact = next(fact for fact in facts if fact.question == review.user)
            assert fact.entity.casefold() in told
            assert review.assistant == fact.answer
            assert turns[-1] is review
    assert asked >= 4


def test_mix_ins_come_with_their_probability() -> None:
    settings, library = ComposerSettings().mix_ins, ProceduralLibrary()
    found = {"safety_event": 0, "quiet": 0}
    for seed in range(400):
        rng = np.random.default_rng(seed)
        writer = ScriptWriter(library, TEXTS, rng)
        script = writer.write(Ability.VOICE_CHAT, 4)
        kinds = [
            turn.scene_type
            for turn in mixed_in(script, Ability.VOICE_CHAT, settings, writer, rng, RULES).turns
        ]
        found["safety_event"] += "safety_event" in kinds
        found["quiet"] += "remark" in kinds or "ordinary_sound" in kinds
        assert kinds[0] == "voice_chat"
    assert found["safety_event"] / 400 == pytest.approx(0.30, abs=0.07)
    assert found["quiet"] / 400 == pytest.approx(0.40, abs=0.07)


def test_an_unwanted_sound_is_none_that_the_stream_asks_about() -> None:
    settings = ComposerSettings.model_validate({"mix_ins": {"silence": 1, "proactive": 0}}).mix_ins
    for seed in range(60):
        rng = np.random.default_rng(seed)
        writer = ScriptWriter(ProceduralLibrary(), TEXTS, rng)
        script = writer.write(Ability.STREAMING_INSTRUCTION, 4)
        mixed = mixed_in(script, Ability.STREAMING_INSTRUCTION, settings, writer, rng, RULES)
        extras = [t for t in mixed.turns if t not in script.turns]
        for extra in (t for t in extras if t.scene_type == "ordinary_sound"):
            wanted = {t.user for t in script.turns if t.scene_type in ("count", "watch_for")}
            assert extra.user not in wanted


def test_the_audit_is_silent_unless_one_of_four_criteria_is_met() -> None:
    assert audited(None) == SilenceAudit(label=AuditLabel.SILENT)
    for criterion in RespondCriterion:
        assert audited(criterion).label is AuditLabel.RESPOND
        assert audited(criterion, is_clear=False).label is AuditLabel.BORDERLINE
    assert len(RespondCriterion) == 4


@pytest.mark.parametrize(
    "answer",
    [
        '{"label": "respond"}',
        '{"label": "borderline"}',
        '{"label": "silent", "criterion": "equipment damage or fire"}',
        '{"label": "respond", "criterion": "negative emotion"}',
        '{"label": "maybe"}',
    ],
)
def test_an_answer_of_the_audit_that_contradicts_itself_is_refused(answer: str) -> None:
    with pytest.raises(ValidationError):
        SilenceAudit.model_validate_json(answer)
