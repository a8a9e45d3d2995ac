"""What `--sockets` makes of its names, with the settings of each."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING, Any

import pytest

from interject.cli.process.failures import InputFailure
from interject.cli.serve.socket_platforms import (
    PlatformParts,
    SocketSurroundings,
    read_platforms,
)
from interject.config import load_profile
from interject.integrations.conversation.copilot_profile import SHIPPED
from interject.integrations.web.bearer import Bearer
from tests.integrations.sockets.audiohook.calling import HOST, GenesysPeer
from tests.integrations.sockets.audiohook.signing import API_KEY, SECRET
from tests.integrations.sockets.stage import socket_server
from tests.integrations.twilio.stage import FakeScreens
from tests.waiting import until

if TYPE_CHECKING:
    from interject.integrations.sockets.platform import SocketPlatform

SETTINGS = {
    "INTERJECT_AUDIOHOOK_API_KEY": API_KEY,
    "INTERJECT_AUDIOHOOK_CLIENT_SECRET": base64.b64encode(SECRET).decode(),
    "INTERJECT_ATTENDEE_SECRET": "s" * 24,
    "INTERJECT_RECALL_TOKEN": "t" * 24,
}


def made(*names: str) -> list[SocketPlatform]:
    screens: Any = FakeScreens()
    parts = PlatformParts(Bearer("token"), screens, load_profile("default"))
    around = SocketSurroundings(SETTINGS, f"https://{HOST}", insecure_dev=False)
    return [platform for make in read_platforms(names, around) for platform in make(parts)]


def test_each_platform_has_an_address_of_its_own() -> None:
    paths = [platform.path for platform in made("plain", "attendee,recall", " audiohook ", "plain")]
    assert paths == [
        "/sockets/plain",
        "/sockets/attendee/{secret}",
        "/sockets/recall",
        "/sockets/audiohook/monitor",
        "/sockets/audiohook/connector",
    ]


async def test_what_genesys_signs_is_checked_for_the_public_address() -> None:
    """A usual role that nobody could read is no copilot's."""
    peer = GenesysPeer()
    async with socket_server(made("audiohook")) as stage, peer.calls(stage):
        await until(lambda: stage.runtime.sessions, "the session")
        assert stage.model.options.system_prompt == load_profile(SHIPPED).system_prompt
    assert peer.kinds() == ["opened", "closed"]


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if ".sockets.audiohook." in name]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "http_sf", None)
    with pytest.raises(InputFailure, match=r"http_sf.*pip install 'interject\[sockets\]'"):
        made("audiohook")
