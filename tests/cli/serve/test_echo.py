"""Where the profile wants the agent's voice taken out, and whether that can be done here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.serve.echo import echo_maker
from interject.config import load_profile

if TYPE_CHECKING:
    from interject.config import Profile

WEBRTC_ECHO = "interject.integrations.livekit.room.webrtc_echo"


def profile(*, wanted: bool) -> Profile:
    default = load_profile("default")
    room = default.room.model_copy(update={"echo_cancellation": wanted})
    return default.model_copy(update={"room": room})


def test_a_profile_that_wants_it_gets_webrtc_s() -> None:
    pytest.importorskip("livekit.rtc")
    make = echo_maker(profile(wanted=True))
    assert make is not None
    assert type(make()).__name__ == "WebRtcEcho"


def test_without_the_package_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, WEBRTC_ECHO, raising=False)
    monkeypatch.setitem(sys.modules, "livekit", None)
    assert echo_maker(profile(wanted=False)) is None
    with pytest.raises(InputFailure, match=r"pip install 'interject\[livekit\]'"):
        echo_maker(profile(wanted=True))
