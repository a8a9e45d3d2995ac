"""What methods and attributes do, and to whom they are refused, whatever carries them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest

from interject.integrations.conversation.consent import Consent, Scope
from interject.integrations.conversation.floor_control import (
    LISTENING_ATTRIBUTE,
    MODE_ATTRIBUTE,
    ControlRefused,
    FloorControl,
    Method,
    Refusal,
)
from interject.model_runtime.protocol import FloorMode
from tests.fakes.room_controls import FakeControls


@dataclass
class Desk:
    """Only the host may control."""

    controls: FakeControls = field(default_factory=FakeControls)
    changes: list[None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.consent = Consent(may_control=self.may_control)
        self.control = FloorControl(
            self.controls,
            self.consent,
            may_control=self.may_control,
            on_change=lambda: self.changes.append(None),
        )

    def may_control(self, identity: str) -> bool:
        return identity == "host"

    def call(self, method: Method, caller: str = "host", **payload: object) -> dict[str, object]:
        answer: dict[str, object] = json.loads(
            self.control.call(method, json.dumps(payload), caller=caller)
        )
        return answer


def test_methods_switch_and_answer_with_the_state() -> None:
    desk = Desk()
    desk.call(Method.SET_MODE, mode="speak")
    desk.call(Method.SET_THRESHOLD, threshold=0.7)
    assert desk.call(Method.SET_CAP, per_minute=None) == {
        "mode": "speak", "threshold": 0.7, "per_minute": None, "listening": True, "withdrawn": [],
    }  # fmt: skip
    assert desk.controls.mode is FloorMode.SPEAK
    assert len(desk.changes) == 3


@pytest.mark.parametrize("method", [Method.SET_MODE, Method.SET_THRESHOLD, Method.SET_CAP])
def test_who_may_not_control_is_told_so_before_his_payload_is_read(method: Method) -> None:
    desk = Desk()
    with pytest.raises(ControlRefused, match="may not control") as refused:
        desk.control.call(method, "no JSON", caller="guest")
    assert refused.value.refusal is Refusal.FORBIDDEN
    assert desk.changes == []


def test_anybody_may_say_no_and_only_some_may_lift_it_for_others() -> None:
    desk = Desk()
    assert desk.call(Method.STOP_LISTENING, "ann")["listening"] is False
    with pytest.raises(ControlRefused, match="somebody else stopped") as refused:
        desk.call(Method.RESUME_LISTENING, "ben")
    assert refused.value.refusal is Refusal.FORBIDDEN
    assert desk.call(Method.STOP_LISTENING, "ben", who="me")["withdrawn"] == ["ben"]
    assert desk.call(Method.RESUME_LISTENING, "ann")["listening"] is True


@pytest.mark.parametrize(
    ("method", "payload", "says"),
    [
        (Method.SET_MODE, '{"mode": "shout"}', "mode: "),
        (Method.SET_THRESHOLD, '{"threshold": 2}', "threshold: "),
        (Method.SET_CAP, "", "per_minute: "),
        (Method.STATUS, '{"who": "me"}', "who: "),
        (Method.STATUS, "[", "the payload: "),
    ],
)
def test_a_payload_that_is_not_the_methods_json_is_refused(
    method: Method, payload: str, says: str
) -> None:
    with pytest.raises(ControlRefused, match=f"^{says}") as refused:
        Desk().control.call(method, payload, caller="host")
    assert refused.value.refusal is Refusal.BAD_REQUEST


def test_attributes_show_what_holds() -> None:
    desk = Desk()
    assert desk.control.attributes() == {MODE_ATTRIBUTE: "observe", LISTENING_ATTRIBUTE: "true"}
    desk.consent.stop("ann")
    assert desk.control.attributes()[LISTENING_ATTRIBUTE] == "false"


def test_a_wish_for_a_mode_counts_of_who_may_control_and_of_the_operator() -> None:
    desk = Desk()
    desk.control.wish(MODE_ATTRIBUTE, "speak", identity="guest", operator=False)
    desk.control.wish(MODE_ATTRIBUTE, "shout", identity="host", operator=False)
    assert desk.control.status().mode is FloorMode.OBSERVE
    desk.control.wish(MODE_ATTRIBUTE, "speak", identity="host", operator=False)
    assert desk.control.status().mode is FloorMode.SPEAK
    desk.control.wish(MODE_ATTRIBUTE, "assist", identity="agent", operator=True)
    assert desk.control.status().mode is FloorMode.ASSIST
    assert len(desk.changes) == 2


def test_a_wish_about_listening_is_for_ones_own_sound_or_the_operators_for_all() -> None:
    desk = Desk()
    desk.control.wish(LISTENING_ATTRIBUTE, "false", identity="ann", operator=False)
    assert (desk.consent.listening, desk.consent.withdrawn) == (True, ("ann",))
    desk.control.wish(LISTENING_ATTRIBUTE, "true", identity="ann", operator=False)
    assert desk.consent.withdrawn == ()
    desk.consent.stop("ben", Scope.ROOM)
    desk.control.wish(LISTENING_ATTRIBUTE, "true", identity="ann", operator=False)
    desk.control.wish(LISTENING_ATTRIBUTE, "perhaps", identity="agent", operator=True)
    assert not desk.consent.listening
    desk.control.wish(LISTENING_ATTRIBUTE, "true", identity="agent", operator=True)
    assert desk.consent.listening
