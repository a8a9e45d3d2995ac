"""A door for sockets on a real server, and a runtime that follows a script."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.runtime_connection import ReconnectBackoff
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.sockets.door import SocketDoor
from interject.integrations.sockets.plain.platform import PlainPlatform
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.origins import Origins
from tests.fakes.runtime import FakeRuntime
from tests.integrations.twilio.stage import FakeScreens
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from interject.integrations.conversation.call_agent import CallAgent
    from interject.integrations.sockets.platform import SocketPlatform
    from tests.fakes.runtime import FakeRuntimeSession

TOKEN = "token-of-the-operator"
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
QUICK = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=0.05)
SILENT = {"room": {"announce": "none"}}


@dataclass(frozen=True)
class SocketStage:
    """`url` is the server's as a web socket's."""

    board: Switchboard
    runtime: FakeRuntime
    screens: FakeScreens
    url: str

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    @property
    def agent(self) -> CallAgent:
        [agent] = self.board.calls
        return agent

    @property
    def http(self) -> str:
        return f"http{self.url.removeprefix('ws')}"

    def metric(self, name: str, **labels: str) -> float:
        return self.board.registry.get_sample_value(f"interject_sockets_{name}", labels) or 0.0


@contextlib.asynccontextmanager
async def socket_server(
    platforms: Sequence[SocketPlatform] | None = None,
    *,
    runtime: FakeRuntime | None = None,
    profile: Profile | dict[str, Any] | None = None,
    most_calls: int | None = None,
    barge_in: bool = False,
    backoff: ReconnectBackoff = QUICK,
) -> AsyncIterator[SocketStage]:
    """Without `platforms` the plain one."""
    model = runtime or FakeRuntime()
    if not isinstance(profile, Profile):
        profile = Profile(name="test", system_prompt="listen", **(profile or SILENT))
    role = Role(profile, runtime=model, barge_in=barge_in)
    board = Switchboard(role, model, most_calls=most_calls, backoff=backoff)
    screens = FakeScreens()
    door = SocketDoor(board, platforms or [PlainPlatform(Bearer(TOKEN), screens)])
    async with served(make_app([door], origins=Origins([]))) as url:
        yield SocketStage(board, model, screens, f"ws{url.removeprefix('http')}")
