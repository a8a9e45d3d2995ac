"""What clients say, as Pipecat's say it, and what comes of it; and whatever else may come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interject.integrations.conversation.floor_control import ControlRefused, Method, Refusal
from interject.integrations.webrtc.client_messages import ClientMessages


class FakeAgent:
    """A `CalledAgent` that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def write(self, identity: str, text: str) -> None:
        self.told.append(("write", identity, text))

    def digit(self, identity: str, digit: str) -> None:
        self.told.append(("digit", identity, digit))

    def rest(self, identity: str) -> None:
        self.told.append(("rest", identity))

    def control(self, method: Method, payload: str, *, caller: str) -> str:
        if method is Method.SET_CAP:
            raise ControlRefused(Refusal.FORBIDDEN, "not here")
        self.told.append((method, json.loads(payload), caller))
        return '{"listening": false}'


class FakeEnd:
    def __init__(self) -> None:
        self.told: list[Any] = []

    def hang_up(self) -> None:
        self.told.append("hang up")

    def interrupt(self) -> None:
        self.told.append("interrupt")

    def set_receiver_delay(self, seconds: float) -> None:
        self.told.append(seconds)


class World:
    def __init__(self) -> None:
        self.agent, self.end = FakeAgent(), FakeEnd()
        self.texts: list[str] = []
        self.messages = ClientMessages(self.agent, self.end, self.texts.append, identity="caller")

    def says(self, kind: str, data: object = None, message_id: str = "7") -> None:
        message = {"label": "rtvi-ai", "type": kind, "id": message_id, "data": data}
        self.messages.take(json.dumps(message))

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts]


@pytest.fixture
def world() -> World:
    return World()


def test_a_client_that_is_ready_is_told_that_the_bot_is(world: World) -> None:
    world.says("client-ready", {"version": "2.1.0", "about": {"library": "client-js"}})
    (ready,) = world.answers
    assert (ready["label"], ready["type"], ready["id"]) == ("rtvi-ai", "bot-ready", "7")
    assert ready["data"]["version"].split(".")[0] == "2"
    assert ready["data"]["about"]["library"] == "interject"


def test_typed_text_is_written(world: World) -> None:
    world.says("send-text", {"content": "hello", "options": {"run_immediately": True}})
    assert world.agent.told == [("write", "caller", "hello")]


@pytest.mark.parametrize("data", [{"buttons": ["1", "x", "#"]}, {"buttons": ["1"], "button": "#"}])
def test_keys_are_passed_on_one_by_one(world: World, data: dict[str, Any]) -> None:
    world.says("dtmf", data)
    assert world.agent.told == [("digit", "caller", "1"), ("digit", "caller", "#")]


@pytest.mark.parametrize("name", ["stop_listening", "interject.stop_listening"])
def test_a_control_is_called_and_its_status_answers(world: World, name: str) -> None:
    world.says("client-message", {"t": name, "d": {"who": "me"}}, "a1")
    assert world.agent.told == [(Method.STOP_LISTENING, {"who": "me"}, "caller")]
    (answer,) = world.answers
    assert (answer["type"], answer["id"]) == ("server-response", "a1")
    assert answer["data"] == {"t": name, "d": {"listening": False}}


@pytest.mark.parametrize(
    ("name", "reason"), [("set_cap", "not here"), ("dance", "there is no 'dance' here")]
)
def test_a_refused_control_rejects_the_request(world: World, name: str, reason: str) -> None:
    world.says("client-message", {"t": name}, "a2")
    (answer,) = world.answers
    assert (answer["type"], answer["id"]) == ("error-response", "a2")
    assert answer["data"]["error"] == reason


def test_the_rest_of_what_a_caller_may_ask(world: World) -> None:
    world.says("client-message", {"t": "interrupt"})
    world.says("client-message", {"t": "playout_delay", "d": {"seconds": 0.12}})
    world.says("disconnect-bot", {})
    assert world.end.told == ["interrupt", 0.12, "hang up"]


@pytest.mark.parametrize("delay", [{"seconds": -3}, {"seconds": 6}, {}, None])
def test_a_delay_that_is_none_is_refused(world: World, delay: object) -> None:
    world.says("client-message", {"t": "playout_delay", "d": delay}, "a3")
    (answer,) = world.answers
    assert (answer["type"], answer["id"]) == ("error-response", "a3")
    assert answer["data"]["error"] == "seconds: a number from 0 to 5"
    assert world.end.told == []


def test_keys_that_are_no_list_are_refused(world: World) -> None:
    world.says("dtmf", {"buttons": "*"})
    (answer,) = world.answers
    assert answer["type"] == "error"
    assert "a list of keys" in answer["data"]["error"]
    assert world.agent.told == []


def test_a_muted_microphone_rests(world: World) -> None:
    for index, enabled in ((0, True), (1, False), (0, False)):
        status = {"type": "trackStatus", "receiver_index": index, "enabled": enabled}
        world.messages.take(json.dumps({"type": "signalling", "message": status}))
    assert world.agent.told == [("rest", "caller")]


def test_types_of_a_later_version_are_ignored(world: World) -> None:
    world.says("ui-snapshot", {"tree": []})
    world.messages.take('{"label": "other", "type": "client-ready"}')
    assert world.texts == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"type": 3}', '"ping"', '{"label": "rtvi-ai"}']
)
def test_what_is_no_message_is_refused_in_words(world: World, text: str) -> None:
    world.messages.take(text)
    (answer,) = world.answers
    assert answer["type"] == "error"
    assert answer["data"]["fatal"] is False


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
_kinds = st.sampled_from(
    ["client-ready", "send-text", "dtmf", "client-message", "disconnect-bot", "signalling"]
)


@given(_kinds, _values, _values)
@settings(max_examples=300)
def test_no_message_breaks_the_call(kind: str, data: object, message: object) -> None:
    world = World()
    found = {"label": "rtvi-ai", "type": kind, "id": "1", "data": data, "message": message}
    world.messages.take(json.dumps(found))
    assert all(isinstance(answer["type"], str) for answer in world.answers)
