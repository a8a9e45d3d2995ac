"""The engine, step by step: decisions, replies, memory."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import torch

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.forward_input import AUDIO
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.request import MAX_REQUESTS
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.network.attention import Segment, SlotAttention
from interject.model_runtime.protocol import (
    Cause,
    Closed,
    CloseReason,
    Decision,
    Emotion,
    EndReason,
    FloorMode,
    Gap,
    GapReason,
    ReplyDelta,
    ReplyEnded,
    ReplyStarted,
    RuntimeBusy,
    RuntimeFailure,
    Sampling,
    SessionClosed,
    SessionOptions,
    Speaker,
)
from interject.model_runtime.rounding import assert_same, model_terms
from tests.model_runtime.alike import assert_same_decisions
from tests.model_runtime.engine.engine_room import Room, outline
from tests.model_runtime.worlds import SMALL_CONDITION, frames, noise, small_model

if TYPE_CHECKING:
    from interject.model_runtime.checkpoint import Model


pytestmark = pytest.mark.numerics


def forgetful_model() -> Model:
    """The next token depends on the last one alone, so every greedy reply runs into a loop."""
    model = copy.deepcopy(small_model(2048))
    for layer in model.decoder.blocks:
        layer.out.weight.zero_()
        layer.down.weight.zero_()
    model.decoder.head.weight[model.config.layout.text_end] = 0.0
    return model


def test_every_frame_gets_one_decision_in_order() -> None:
    room = Room()
    room.open()
    room.hear(12.0)
    decisions = room.of(Decision)
    assert [d.seq for d in decisions] == list(range(30))
    assert len({d.respond for d in decisions}) == 2, "the small model takes both decisions"
    for decision in decisions:
        gap = decision.respond_logit - decision.silent_logit
        assert decision.respond == (gap > 0)
        p_respond = torch.tensor(gap, dtype=torch.float64).sigmoid().item()
        assert_same([decision.p_respond], [p_respond], terms=1)


def test_a_reply_is_started_spelt_and_ended() -> None:
    room = Room()
    room.open()
    room.hear(12.0)
    started = room.of(ReplyStarted)
    assert [s.reply_id for s in started] == list(range(len(started)))
    for start, end in zip(started, room.of(ReplyEnded), strict=True):
        deltas = [d for d in room.of(ReplyDelta) if d.reply_id == start.reply_id]
        assert start.cause is Cause.MODEL
        assert end.reply_id == start.reply_id
        assert "".join(d.text for d in deltas) == end.text
        assert sum(len(d.token_ids) for d in deltas) == end.token_count
        if end.reason is EndReason.MAX_TOKENS:
            assert end.token_count == 6


def test_draining_a_queue_equals_deciding_one_by_one() -> None:
    """Speculating that the model stays silent is exact: what follows a respond is redone."""
    for seed in range(4):
        one_by_one, drained = Room(), Room()
        for room in (one_by_one, drained):
            room.open()
        one_by_one.hear(24.0, seed=seed)
        drained.hear(24.0, seed=seed, at_once=True)
        assert outline(one_by_one.events["a"]) == outline(drained.events["a"])
        assert_same_decisions(drained.of(Decision), one_by_one.of(Decision), one_by_one.config)


def test_a_session_hears_the_same_alone_and_among_others() -> None:
    alone, crowd = Room(), Room(slots=5, limits=StepLimits(chunks=3))
    alone.open()
    alone.hear(12.0, seed=7, at_once=True)
    names = [crowd.open(name) for name in "abcde"]
    for name, seed in zip(names, (7, 1, 2, 3, 4), strict=True):
        for frame in frames(noise(12.0, seed)):
            crowd.engine.push(name, frame)
    crowd.run()
    assert outline(alone.events["a"]) == outline(crowd.events["a"])


def test_the_threshold_moves_decisions_and_not_probabilities() -> None:
    never, always = Room(), Room()
    never.open(threshold=1.0)
    always.open(threshold=0.0)
    never.hear(4.0)
    always.hear(4.0)
    assert not any(d.respond for d in never.of(Decision))
    assert all(d.respond for d in always.of(Decision))
    first, same = ([room.of(Decision)[0].respond_logit] for room in (never, always))
    assert_same(first, same, terms=model_terms(never.config), condition=SMALL_CONDITION)


def test_settings_change_between_two_decisions() -> None:
    room = Room()
    room.open(threshold=1.0)
    room.hear(2.0)
    room.engine.update("a", threshold=0.0, mode=FloorMode.OBSERVE)
    room.engine.push("a", frames(noise(2.4), 0)[5])
    room.run()
    assert [d.respond for d in room.of(Decision)] == [False] * 5 + [True]
    assert room.of(Decision)[-1].mode is FloorMode.OBSERVE
    assert room.of(ReplyStarted)[-1].mode is FloorMode.OBSERVE


def test_a_skipped_frame_is_a_gap_and_a_repeated_one_is_dropped() -> None:
    room = Room()
    room.open(threshold=1.0)
    heard = frames(noise(4.0))
    for index in (0, 1, 1, 4, 2, 5):
        room.engine.push("a", heard[index])
    room.run()
    assert [d.seq for d in room.of(Decision)] == [0, 1, 4, 5]
    assert room.of(Gap) == [Gap("a", 2, 2, GapReason.MISSING)]


def test_a_backlog_is_bounded_and_what_is_shed_is_reported() -> None:
    room = Room()
    room.open(threshold=1.0)
    for frame in frames(noise(64.0)):
        room.engine.push("a", frame)
    shed = room.of(Gap)
    assert [g.first_seq for g in shed] == list(range(10))
    assert {g.reason for g in shed} == {GapReason.OVERLOAD}
    room.run()
    assert [d.seq for d in room.of(Decision)] == list(range(10, 160))


def test_an_engine_that_falls_behind_sheds_what_has_waited_longest() -> None:
    room = Room(slots=3, backlog_frames=30)
    room.open("late", threshold=1.0)
    room.open("fresh", threshold=1.0)
    heard = frames(noise(8.0))
    for frame in heard:
        room.engine.push("late", frame)
    room.now = 5.0
    for frame in heard:
        room.engine.push("fresh", frame)
    room.run()
    assert [g.first_seq for g in room.of(Gap, "late")] == list(range(10))
    assert {g.reason for g in room.of(Gap, "late")} == {GapReason.OVERLOAD}
    assert [d.seq for d in room.of(Decision, "late")] == list(range(10, 20))
    assert room.of(Gap, "fresh") == []
    assert [d.seq for d in room.of(Decision, "fresh")] == list(range(20))


def test_overload_cuts_no_reply() -> None:
    room = Room(backlog_frames=5)
    room.open(threshold=1.0, max_reply_tokens=9)
    heard = frames(noise(8.0))
    room.engine.push("a", heard[0])
    room.run()
    room.engine.answer_now("a")
    while not room.of(ReplyDelta):
        room.engine.step()
    for frame in heard[1:]:
        room.engine.push("a", frame)
        room.engine.step()
    room.run()
    (reply,) = room.of(ReplyEnded)
    assert reply.token_count == 9
    assert 0 < len(room.of(Gap)) < 15
    shed = {gap.first_seq for gap in room.of(Gap)}
    assert {d.seq for d in room.of(Decision)} | shed == set(range(20))


def test_speakers_and_capture_time_reach_the_decision_untouched() -> None:
    room = Room()
    room.open()
    frame = frames(noise(0.4))[0]
    speakers = (Speaker("ann", -20.5), Speaker("bob", -61.0))
    room.engine.push("a", type(frame)(0, 17.25, frame.pcm, b"", speakers))
    room.run()
    assert room.of(Decision)[0].speakers == speakers
    assert room.of(Decision)[0].captured_at == 17.25


def test_say_puts_given_words_into_the_memory() -> None:
    room = Room()
    room.open(threshold=1.0)
    room.hear(2.0)
    before = room.engine.kv_cache.lengths[room.engine._streams["a"].memory.slot]
    room.engine.say("a", "Mind the step, Zoë!", Emotion.URGENT)
    room.run()
    start, delta, end = room.events["a"][-3:]
    assert start == ReplyStarted("a", 0, 4, Emotion.URGENT, Cause.SAY, FloorMode.SPEAK)
    assert isinstance(delta, ReplyDelta)
    assert isinstance(end, ReplyEnded)
    assert delta.text == end.text == "Mind the step, Zoë!"
    assert end.reason is EndReason.COMPLETE
    stream = room.engine._streams["a"]
    assert room.engine.kv_cache.lengths[stream.memory.slot] == before + 2 + len(
        b"Mind the step, Zo\xc3\xab!"
    )


def test_sessions_that_begin_together_do_not_evict_together() -> None:
    room = Room(slots=4, eviction=Eviction.EXACT)
    names = [room.open(name, threshold=1.0) for name in "abcd"]
    evicted: dict[str, list[int]] = {name: [] for name in names}
    for seq, frame in enumerate(frames(noise(40.0))):
        for name in names:
            before = room.engine.evictions(name)
            room.engine.push(name, frame)
            room.run()
            if room.engine.evictions(name) > before:
                evicted[name].append(seq)
    assert len({seqs[0] for seqs in evicted.values()}) >= len(names) - 1
    cycles = {later - seq for seqs in evicted.values() for seq, later in pairwise(seqs)}
    assert len(cycles) == 1, "and stay apart"


def test_requests_take_their_turn_among_the_frames() -> None:
    room = Room(limits=StepLimits(drain=1))
    room.open(threshold=1.0)
    room.run()
    for seq, frame in enumerate(frames(noise(2.0))):
        room.engine.push("a", frame)
        if seq == 1:
            room.engine.say("a", "one", Emotion.NORMAL)
            room.engine.answer_now("a")
            room.engine.text_turn("a", "two", answer=True)
    room.run()
    told = [e for e in room.events["a"] if isinstance(e, Decision | ReplyStarted)]
    assert [e.seq if isinstance(e, Decision) else e.cause for e in told] == [
        0, 1, Cause.SAY, Cause.ANSWER_NOW, Cause.TEXT_TURN, 2, 3, 4,
    ]  # fmt: skip


def test_answer_now_and_typed_turns_force_a_reply() -> None:
    room = Room()
    room.open(threshold=1.0)
    room.engine.answer_now("a")
    room.run()
    room.hear(2.0)
    room.engine.answer_now("a")
    room.engine.text_turn("a", "What is that?", answer=True)
    room.engine.text_turn("a", "Just so you know.", answer=False)
    room.run()
    causes = [s.cause for s in room.of(ReplyStarted)]
    assert causes == [Cause.ANSWER_NOW, Cause.ANSWER_NOW, Cause.TEXT_TURN]
    assert [s.seq for s in room.of(ReplyStarted)] == [-1, 4, 4]
    assert len(room.of(ReplyEnded)) == 3


def test_typed_text_changes_what_the_model_does() -> None:
    with_text, without = Room(), Room()
    for room in (with_text, without):
        room.open()
    with_text.engine.text_turn("a", "Listen for the bell.", answer=False)
    for room in (with_text, without):
        room.hear(2.0)
    assert with_text.of(Decision)[0].p_respond != without.of(Decision)[0].p_respond


def test_control_ids_never_appear_in_text() -> None:
    room = Room()
    room.open(threshold=0.0, max_reply_tokens=40, sampling=Sampling(temperature=5.0, seed=1))
    room.hear(4.0)
    tokens = [t for d in room.of(ReplyDelta) for t in d.token_ids]
    assert len(tokens) > 50
    assert max(tokens) < 256


def test_sampling_is_reproducible() -> None:
    def texts(seed: int) -> list[str]:
        room = Room()
        room.open(threshold=0.0, sampling=Sampling(temperature=1.0, top_k=20, top_p=0.9, seed=seed))
        room.hear(2.0)
        return [end.text for end in room.of(ReplyEnded)]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def test_a_looping_reply_ends_visibly() -> None:
    room = Room(context=2048)
    room.engine = Engine(forgetful_model(), slots=1)
    room.open(threshold=0.0, max_reply_tokens=200, sampling=Sampling(repetition_window=40))
    room.hear(2.0)
    ends = room.of(ReplyEnded)
    assert len(ends) == 5
    assert {end.reason for end in ends} == {EndReason.REPETITION}


class TestCancel:
    def test_a_running_reply_keeps_what_was_heard(self) -> None:
        room = Room()
        room.open(threshold=0.0, max_reply_tokens=50, sampling=Sampling(temperature=2.0))
        room.engine.push("a", frames(noise(0.8))[0])
        while len(room.of(ReplyDelta)) < 20:
            room.engine.step()
        heard = "".join(d.text for d in room.of(ReplyDelta))[:7]
        room.engine.cancel("a", 0, heard_chars=7)
        end = room.of(ReplyEnded)[0]
        assert end.reason is EndReason.CANCELLED
        assert heard.startswith(end.text)
        stream = room.engine._streams["a"]
        assert room.engine.kv_cache.lengths[stream.memory.slot] == stream.memory.ledger.length

    def test_memory_is_as_if_only_the_heard_words_had_been_said(self) -> None:
        """After a barge-in the next decision equals that of a reply that ended there."""
        cut, short = Room(), Room()
        for room in (cut, short):
            room.open(threshold=1.0)
            room.hear(2.0)
        cut.engine.say("a", "one two three four", Emotion.NORMAL)
        short.engine.say("a", "one two", Emotion.NORMAL)
        cut.run()
        cut.engine.cancel("a", 0, heard_chars=len("one two"))
        assert cut.of(ReplyEnded)[-1].text == "one two"
        for room in (cut, short):
            room.engine.push("a", frames(noise(2.4))[5])
            room.run()
        assert_same_decisions(cut.of(Decision), short.of(Decision), cut.config)

    def test_a_reply_behind_later_chunks_is_cut_from_the_middle(self) -> None:
        room = Room()
        room.open(threshold=1.0)
        room.engine.say("a", "one two three four", Emotion.NORMAL)
        room.hear(2.0)
        stream = room.engine._streams["a"]
        before = room.engine.kv_cache.lengths[stream.memory.slot]
        room.engine.cancel("a", 0, heard_chars=3)
        assert room.engine.kv_cache.lengths[stream.memory.slot] == before - len(" two three four")
        assert stream.memory.ledger.length == room.engine.kv_cache.lengths[stream.memory.slot]
        room.engine.push("a", frames(noise(2.4))[5])
        room.run()
        assert room.of(Decision)[-1].seq == 5

    def test_cancelling_twice_or_nonsense_changes_nothing(self) -> None:
        room = Room()
        room.open(threshold=1.0)
        room.engine.say("a", "one two", Emotion.NORMAL)
        room.run()
        room.engine.cancel("a", 0, heard_chars=3)
        count = len(room.events["a"])
        room.engine.cancel("a", 0, heard_chars=1)
        room.engine.cancel("a", 99, heard_chars=0)
        assert len(room.events["a"]) == count

    def test_what_was_reported_heard_stays(self) -> None:
        room = Room()
        room.open(threshold=1.0)
        room.engine.say("a", "one two three", Emotion.NORMAL)
        room.run()
        room.engine.heard("a", 0, chars=7)
        room.engine.cancel("a", 0, heard_chars=0)
        assert room.of(ReplyEnded)[-1].text == "one two"

    def test_a_reply_cut_by_its_limit_can_be_cancelled_before_and_after_more_sound(self) -> None:
        for later in (False, True):
            room = Room()
            room.open(threshold=0.0)
            room.engine.push("a", frames(noise(0.4))[0])
            room.run()
            end = room.of(ReplyEnded)[0]
            assert end.reason is EndReason.MAX_TOKENS
            room.engine.update("a", threshold=1.0, mode=None)
            if later:
                room.engine.push("a", frames(noise(0.8))[1])
                room.run()
            room.engine.cancel("a", 0, heard_chars=0)
            stream = room.engine._streams["a"]
            assert stream.memory.ledger.length == room.engine.kv_cache.lengths[stream.memory.slot]
            room.engine.push("a", frames(noise(1.2))[2])
            room.run()
            assert stream.memory.ledger.length == room.engine.kv_cache.lengths[stream.memory.slot]


def test_exact_eviction_leaves_the_memory_that_only_the_kept_spans_make() -> None:
    """The next decision equals that of a fresh slot into which just those spans are fed."""
    room = Room(context=256, eviction=Eviction.EXACT)
    room.open(prompt_ids=tuple(range(20)), threshold=0.6)
    room.hear(16.0)
    stream = room.engine._streams["a"]
    assert stream.memory.ledger.length < 20 + 40 * 13, "spans were forgotten"
    slot = room.engine.kv_cache.allocate()
    assert slot is not None
    context = stream.memory.ledger.contents()
    decoder = room.engine.model.decoder
    rows = decoder.embed(torch.tensor([max(i, 0) for i in context.ids]))
    rows[torch.tensor(context.ids) == AUDIO] = torch.cat(context.embeddings)
    segments = [Segment(slot, 0, len(rows))]
    decoder.forward_rows(rows, SlotAttention(room.engine.kv_cache, segments))
    for store in (room.engine.kv_cache.keys, room.engine.kv_cache.values):
        held = store[:, stream.memory.slot, : stream.memory.ledger.length]
        fed = store[:, slot, : len(rows)]
        assert_same(held, fed, terms=model_terms(room.config), condition=SMALL_CONDITION)


def test_a_full_slot_evicts_before_the_next_chunk_comes() -> None:
    room = Room(context=256, eviction=Eviction.EXACT)
    room.open(prompt_ids=tuple(range(20)), threshold=1.0)
    room.run()
    for frame in frames(noise(24.0)):
        room.engine.push("a", frame)
        room.engine.step()
        assert room.of(Decision)[-1].seq == frame.seq, "no decision waits for it"
        room.run()
    assert room.engine.evictions("a") > 1


def test_when_a_full_slot_evicts_changes_nothing() -> None:
    """What is asked for meanwhile comes after it."""
    heard: list[list[Decision]] = []
    for first_evicts in (True, False):
        room = Room(context=256, eviction=Eviction.EXACT)
        room.open(prompt_ids=tuple(range(20)), threshold=1.0)
        for frame in frames(noise(24.0)):
            room.engine.push("a", frame)
            while len(room.of(Decision)) <= frame.seq:
                room.engine.step()
            if room.engine._streams["a"].full:
                if first_evicts:
                    room.engine.step()
                room.engine.say("a", "one two", Emotion.NORMAL)
                room.run()
        assert room.of(ReplyEnded)
        heard.append(room.of(Decision))
        assert len(room.of(Decision)) == 60
    assert_same_decisions(heard[0], heard[1], room.config)


@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_when_a_slot_evicts_does_not_depend_on_how_many_chunks_wait(name: str) -> None:
    heard: list[list[Decision]] = []
    for at_once in (False, True):
        room = Room(eviction=Eviction.EXACT)
        room.open(name, threshold=1.0)
        room.hear(30.0, name=name, at_once=at_once)
        assert room.engine.evictions(name) > 1
        heard.append(room.of(Decision, name))
    assert_same_decisions(heard[0], heard[1], room.config)


def test_recomputing_a_slot_piece_by_piece_changes_nothing() -> None:
    heard: list[list[Decision]] = []
    for recompute in (7, 1_000):
        room = Room(context=256, eviction=Eviction.EXACT, limits=StepLimits(recompute=recompute))
        room.open(prompt_ids=tuple(range(20)), threshold=1.0)
        for frame in frames(noise(24.0)):
            room.engine.push("a", frame)
            room.run()
        assert room.engine.evictions("a") > 1
        heard.append(room.of(Decision))
    assert_same_decisions(heard[0], heard[1], room.config)


def test_one_slot_a_step_is_filled_again_and_others_are_decided_meanwhile() -> None:
    room = Room(context=256, eviction=Eviction.EXACT, limits=StepLimits(recompute=8))
    for name in ("a", "b"):
        room.open(name, prompt_ids=tuple(range(20)), threshold=1.0)
    sound = frames(noise(24.0))
    for frame in sound:
        room.engine.push("a", frame)
        while not room.engine._streams["a"].full and room.engine.step():
            pass
        if room.engine._streams["a"].full:
            break
    room.engine.push("b", sound[0])
    room.engine.step()
    assert room.of(Decision, "b")
    assert room.engine._streams["a"].full, "what nobody waits for comes last"


def test_what_was_not_heard_can_be_taken_back_while_a_slot_is_filled_again() -> None:
    room = Room(context=256, eviction=Eviction.EXACT, limits=StepLimits(recompute=8))
    room.open(prompt_ids=tuple(range(20)), threshold=1.0)
    stream = room.engine._streams["a"]
    room.engine.say("a", "one two", Emotion.NORMAL)
    room.run()
    taken_back = 0
    for frame in frames(noise(24.0)):
        room.engine.push("a", frame)
        while room.engine.step():
            last = room.of(ReplyEnded)[-1]
            if stream.memory.unfilled and last.reason is not EndReason.CANCELLED:
                room.engine.cancel("a", last.reply_id, 3)
                taken_back += 1
        assert stream.memory.ledger.length == room.engine.kv_cache.lengths[stream.memory.slot]
        if room.of(ReplyEnded)[-1].reason is EndReason.CANCELLED:
            room.engine.say("a", "one two", Emotion.NORMAL)
    assert taken_back > 1
    assert len(room.of(Decision)) == 60


@pytest.mark.parametrize("eviction", list(Eviction))
def test_a_session_outlives_its_slot_many_times(eviction: Eviction) -> None:
    """Memory is bounded, the prefix stays, and decisions go on."""
    room = Room(context=256, eviction=eviction)
    room.open(prompt_ids=tuple(range(20)), threshold=0.6)
    stream = room.engine._streams["a"]
    longest = 0
    for second in range(20):
        room.engine._streams["a"].audio.next_seq = second * 15
        for frame in frames(noise(6.0, seed=second), second * 15):
            room.engine.push("a", frame)
            room.run()
            longest = max(longest, room.engine.kv_cache.lengths[stream.memory.slot])
            assert stream.memory.ledger.length == room.engine.kv_cache.lengths[stream.memory.slot]
    assert longest <= 256
    assert len(room.of(Decision)) == 300
    assert stream.memory.ledger.spans[0].length == 20
    assert len(stream.memory.ledger.spans) < 40


def test_finishing_decides_everything_and_closes() -> None:
    room = Room()
    room.open(threshold=1.0)
    for frame in frames(noise(4.0)):
        room.engine.push("a", frame)
    room.engine.finish("a")
    room.run()
    assert len(room.of(Decision)) == 10
    assert room.events["a"][-1] == Closed("a", CloseReason.CLIENT)
    assert room.engine.kv_cache.free_slots == 2
    with pytest.raises(SessionClosed):
        room.engine.push("a", frames(noise(0.4))[0])


def test_a_full_engine_says_so_and_when_to_come_back() -> None:
    room = Room(slots=1)
    room.open("a")
    with pytest.raises(RuntimeBusy, match="all 1 slots are taken") as caught:
        room.open("b")
    assert caught.value.retry_after_s > 0
    room.engine.close("a", CloseReason.CLIENT)
    room.open("b")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prompt_ids": (5, 999_999)}, "token id 999999 is outside 0..287"),
        ({"prompt_ids": ()}, "the prompt ids are empty"),
        ({"system_prompt": "x" * 600}, "the system prompt has 605 tokens, this model takes 128"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, object], message: str) -> None:
    room = Room()
    with pytest.raises(RuntimeFailure, match=message):
        room.open("a", **options)
    assert room.engine.kv_cache.free_slots == 2


def test_a_reply_is_cut_before_it_fills_its_slot() -> None:
    room = Room(context=256)
    room.open(
        threshold=0.0,
        max_reply_tokens=1000,
        sampling=Sampling(temperature=1.0, repetition_window=0),
    )
    room.hear(4.0)
    assert len(room.of(Decision)) == 10
    assert max(end.token_count for end in room.of(ReplyEnded)) == 60


def test_text_that_is_empty_or_too_long_is_refused() -> None:
    room = Room()
    room.open()
    for nothing in ("", "\0", "\u200b"):
        with pytest.raises(RuntimeFailure, match="there is no text"):
            room.engine.say("a", nothing, Emotion.NORMAL)
        with pytest.raises(RuntimeFailure, match="there is no text"):
            room.engine.text_turn("a", nothing, answer=True)
    with pytest.raises(RuntimeFailure, match="the text has 300 tokens, this model takes 124"):
        room.engine.say("a", "x" * 300, Emotion.NORMAL)


def test_a_clip_is_answered_with_the_offline_layout() -> None:
    room = Room()
    room.events["clip"] = []
    clip = torch.from_numpy(noise(3.0).astype("float32") / 32768)
    room.engine.open_clip(
        SessionOptions("clip", max_reply_tokens=5), clip, "What is it?", room.events["clip"].append
    )
    room.run()
    started = room.of(ReplyStarted, "clip")
    assert len(started) == 1
    assert started[0].emotion is Emotion.NORMAL
    assert isinstance(room.events["clip"][-1], Closed)
    assert room.engine.kv_cache.free_slots == 2


def test_a_clip_longer_than_the_memory_is_refused_with_its_limit() -> None:
    room = Room()
    clip = torch.zeros(16_000 * 60)
    with pytest.raises(RuntimeFailure, match=r"lasts 60\.0 s, this model takes at most 1\d\.\d s"):
        room.engine.open_clip(
            SessionOptions("clip", max_reply_tokens=50), clip, "What?", lambda _: None
        )
    assert room.engine.kv_cache.free_slots == 2


def test_replies_are_decoded_in_the_same_step_as_chunks() -> None:
    room = Room()
    room.open("a", threshold=0.0, max_reply_tokens=50, sampling=Sampling(temperature=2.0))
    room.open("b", threshold=1.0)
    room.engine.push("a", frames(noise(0.4))[0])
    for _ in range(4):
        room.engine.step()
    before = len(room.of(ReplyDelta, "a"))
    room.engine.push("b", frames(noise(0.4))[0])
    room.engine.step()
    assert len(room.of(ReplyDelta, "a")) == before + 1
    assert len(room.of(Decision, "b")) == 1


def test_requests_wait_in_bounded_numbers() -> None:
    room = Room()
    room.open(threshold=1.0)
    for number in range(MAX_REQUESTS):
        room.engine.text_turn("a", f"line {number}", answer=False)
    wait = "64 requests of this session wait already"
    with pytest.raises(RuntimeFailure, match=wait):
        room.engine.text_turn("a", "one more", answer=False)
    with pytest.raises(RuntimeFailure, match=wait):
        room.engine.say("a", "one more", Emotion.NORMAL)
    with pytest.raises(RuntimeFailure, match=wait):
        room.engine.answer_now("a")
    room.run()
    room.engine.text_turn("a", "and now", answer=False)
