"""Sessions rest while they want nothing, and no step is another one for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.model_runtime.engine.engine import Engine
from interject.model_runtime.engine.ledger import Eviction
from interject.model_runtime.engine.scheduler import StepLimits
from interject.model_runtime.network.backend import TorchBackend
from interject.model_runtime.protocol import Closed, CloseReason, Emotion, Event, SessionOptions
from tests.fakes.late_backend import LateBackend
from tests.model_runtime.engine.resting import assert_only_idle_rest
from tests.model_runtime.worlds import frames, noise, small_model

if TYPE_CHECKING:
    from collections.abc import Callable

SOUND = frames(noise(12.0, 3))
NAMES = "abcdef"


class Crowd:
    """Six sessions; a step has room for the chunks of two."""

    def __init__(self, backend: type[TorchBackend], eviction: Eviction) -> None:
        self.events: list[Event] = []
        self.engine = Engine(
            small_model(100), slots=len(NAMES), eviction=eviction, backend=backend,
            limits=StepLimits(chunks=2), clock=lambda: self.now, backlog_frames=60,
        )  # fmt: skip
        self.now = 0.0
        self.heard = dict.fromkeys(NAMES, 0)
        for name in NAMES:
            self.open(name)

    def open(self, name: str) -> None:
        threshold = 0.5 if name in "abc" else 1.0
        options = SessionOptions(name, threshold=threshold, max_reply_tokens=5)
        self.engine.open(options, self.events.append)
        self.heard[name] = 0

    def hear(self, name: str) -> None:
        self.engine.push(name, SOUND[self.heard[name] % len(SOUND)])
        self.heard[name] += 1

    def begin_anew(self, name: str) -> None:
        self.engine.close(name, CloseReason.CLIENT)
        self.open(name)

    def do(self, deed: str, name: str) -> None:
        if name not in self.engine.session_ids:
            self.open(name)
        deeds: dict[str, Callable[[], object]] = {
            "hear": lambda: self.hear(name),
            "answer": lambda: self.engine.answer_now(name),
            "type": lambda: self.engine.text_turn(name, (1, 2), answer=False),
            "say": lambda: self.engine.say(name, (3, 4), Emotion.NORMAL),
            "cancel": lambda: self.engine.cancel(name, 0, 0),
            "finish": lambda: self.engine.finish(name),
            "begin anew": lambda: self.begin_anew(name),
            "abandon": lambda: self.engine.abandon(name),
        }
        deeds[deed]()


DEEDS = st.one_of(
    st.tuples(st.just("hear"), st.sampled_from(NAMES)),
    st.tuples(st.just("step"), st.sampled_from(NAMES)),
    st.tuples(
        st.sampled_from(["answer", "type", "say", "cancel", "finish", "begin anew", "abandon"]),
        st.sampled_from(NAMES),
    ),
)


@pytest.mark.parametrize("backend", [TorchBackend, LateBackend])
@settings(max_examples=25, deadline=None)
@given(eviction=st.sampled_from(Eviction), deeds=st.lists(DEEDS, max_size=60))
def test_a_step_is_planned_as_if_everybody_were_asked(
    backend: type[TorchBackend], eviction: Eviction, deeds: list[tuple[str, str]]
) -> None:
    crowd = Crowd(backend, eviction)
    for deed, name in deeds:
        crowd.now += 0.05
        if deed == "step":
            crowd.engine.step()
        else:
            crowd.do(deed, name)
        assert_only_idle_rest(crowd.engine)
    while crowd.engine.step():
        assert_only_idle_rest(crowd.engine)


def test_who_wants_nothing_rests_until_something_is_asked() -> None:
    crowd = Crowd(TorchBackend, Eviction.EXACT)
    while crowd.engine.step():
        pass
    table = crowd.engine._streams
    assert table.awake == []
    crowd.hear("d")
    crowd.hear("b")
    assert [stream.name for stream in table.awake] == ["b", "d"]


def test_a_resting_session_that_is_told_to_finish_closes() -> None:
    crowd = Crowd(LateBackend, Eviction.ROTATE)
    while crowd.engine.step():
        pass
    crowd.engine.finish("c")
    crowd.engine.step()
    assert [e.session_id for e in crowd.events if isinstance(e, Closed)] == ["c"]
