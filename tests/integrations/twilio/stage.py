"""A door on a real server, a runtime that follows a script, and Twilio as the tests have it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from interject.config import Profile
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.runtime_connection import ReconnectBackoff
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.twilio.door import TwilioDoor
from interject.integrations.twilio.settings import TwilioSettings
from interject.integrations.twilio.simulator.cloud import TwilioCloud
from interject.integrations.twilio.simulator.rest_api import RestApi
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.origins import Origins
from tests.fakes.runtime import FakeRuntime
from tests.integrations.web.served import served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from interject.agent.outputs import OutputEvent
    from interject.integrations.audio.echo import EchoProcessor
    from interject.integrations.conversation.cues import CueMessage
    from interject.integrations.conversation.decision_message import DecisionMessage
    from interject.integrations.twilio.tickets import Tickets
    from tests.fakes.runtime import FakeRuntimeSession

PUBLIC_URL = "https://voice.example.test"
VOICE_URL = f"{PUBLIC_URL}/twilio/voice"
COPILOT_URL = f"{PUBLIC_URL}/twilio/copilot"
OPERATOR = "token-of-the-operator"
QUICK = ReconnectBackoff(first_s=0.01, longest_s=0.02, give_up_s=0.05)


class FakeScreens:
    """Keeps the cues that it is sent."""

    def __init__(self) -> None:
        self.cues: list[tuple[str, CueMessage, list[str]]] = []
        self.decisions: list[tuple[str, DecisionMessage]] = []
        self.replies: list[OutputEvent] = []

    async def send_cue(self, call_id: str, cue: CueMessage, identities: list[str]) -> None:
        self.cues.append((call_id, cue, identities))

    async def send_decision(self, call_id: str, decision: DecisionMessage) -> None:
        self.decisions.append((call_id, decision))

    async def emit(self, event: OutputEvent) -> None:
        self.replies.append(event)


@dataclass(frozen=True)
class Stage:
    """`operator` asks as the operator's programs do."""

    board: Switchboard
    runtime: FakeRuntime
    screens: FakeScreens
    cloud: TwilioCloud
    api: RestApi
    operator: httpx.AsyncClient

    @property
    def model(self) -> FakeRuntimeSession:
        return self.runtime.sessions[-1]

    def metric(self, name: str, **labels: str) -> float:
        return self.board.registry.get_sample_value(f"interject_twilio_{name}", labels) or 0.0


@contextlib.asynccontextmanager
async def telephone(
    runtime: FakeRuntime | None = None,
    *,
    most_calls: int | None = None,
    bearer: Bearer | None = None,
    profile: Profile | dict[str, Any] | None = None,
    barge_in: bool = False,
    make_echo: Callable[[], EchoProcessor] | None = None,
    backoff: ReconnectBackoff = QUICK,
    tickets: Tickets | None = None,
    **changes: Any,
) -> AsyncIterator[Stage]:
    """`changes` are of the settings."""
    model = runtime or FakeRuntime()
    if not isinstance(profile, Profile):
        profile = Profile(name="test", system_prompt="listen", **(profile or {}))
    role = Role(profile, runtime=model, barge_in=barge_in)
    board = Switchboard(role, model, most_calls=most_calls, make_echo=make_echo, backoff=backoff)
    screens = FakeScreens()
    async with TwilioCloud({}) as cloud, RestApi(cloud) as api:
        given: dict[str, Any] = {
            "account_sid": cloud.account_sid,
            "auth_token": cloud.auth_token,
            "public_url": PUBLIC_URL,
            "rest_url": api.url,
        }
        door = TwilioDoor(
            board,
            TwilioSettings.made(**(given | changes)),
            bearer=bearer or Bearer(OPERATOR),
            screens=screens,
            tickets=tickets,
        )
        app = make_app([door], origins=Origins([PUBLIC_URL]))
        async with (
            served(app) as url,
            httpx.AsyncClient(
                base_url=url,
                headers={"Authorization": f"Bearer {OPERATOR}"},
                trust_env=False,
            ) as operator,
        ):
            cloud.network.routes[PUBLIC_URL] = url.removeprefix("http://")
            try:
                yield Stage(board, model, screens, cloud, api, operator)
            finally:
                for call in list(cloud.calls.values()):
                    await call.hang_up()
