"""`interject serve` with a telephone number, as a process of its own."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from interject.config import load_profile
from interject.integrations.twilio.simulator.cloud import TwilioAccount, TwilioCloud
from interject.integrations.twilio.simulator.rest_api import RestApi
from tests.live.interject_process import InterjectProcess
from tests.live.redis.server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

HOST = "phone.example.test"
ORIGIN = f"https://{HOST}"
VOICE_URL, COPILOT_URL = f"{ORIGIN}/twilio/voice", f"{ORIGIN}/twilio/copilot"
NUMBER = "+442071838750"


@dataclass(frozen=True)
class Subscription:
    """What server and Twilio have to agree about."""

    account: TwilioAccount = field(default_factory=TwilioAccount)
    secondary_auth_token: str = field(default_factory=lambda: secrets.token_hex(16))
    rest_port: int = field(default_factory=free_port)
    operator_token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def environment(self) -> dict[str, str]:
        return {
            "TWILIO_ACCOUNT_SID": self.account.sid,
            "TWILIO_AUTH_TOKEN": self.account.auth_token,
            "TWILIO_AUTH_TOKEN_SECONDARY": self.secondary_auth_token,
            "TWILIO_API_URL": f"http://127.0.0.1:{self.rest_port}",
            "INTERJECT_TWILIO_CALLER_ID": NUMBER,
            "INTERJECT_API_TOKEN": self.operator_token,
        }


class PhoneServer(InterjectProcess):
    """`options` are those of the command."""

    def __init__(self, folder: Path, *options: str, **environment: str) -> None:
        self.subscription = Subscription()
        super().__init__(
            [
                "serve",
                "--bind",
                "127.0.0.1:0",
                "--public-url",
                ORIGIN,
                "--no-webrtc",
                "--log-format",
                "json",
                *options,
            ],
            folder / "serve.log",
            ready="Interject serves",
            environment=self.subscription.environment | environment,
        )

    @property
    def address(self) -> str:
        """Host and port."""
        url = str(self.logged("Interject serves")[0]["address"])
        return url.removeprefix("http://")

    async def operate(self, path: str, **order: object) -> httpx.Response:
        """What an operator's own program asks for."""
        async with httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False) as client:
            bearer = {"Authorization": f"Bearer {self.subscription.operator_token}"}
            return await client.post(path, json=order, headers=bearer, timeout=30)

    async def read(self, path: str) -> Any:
        async with httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False) as client:
            return await client.get(path, timeout=30)

    @contextlib.asynccontextmanager
    async def connected(self) -> AsyncIterator[TwilioCloud]:
        """Twilio, that knows where it is."""
        account = self.subscription.account
        async with (
            TwilioCloud({ORIGIN: self.address}, account) as cloud,
            RestApi(cloud, self.subscription.rest_port),
        ):
            yield cloud


def brief(folder: Path, name: str = "default", **changes: Any) -> str:
    """A profile with few words of its own, so that tests need not wait for their end."""
    room = {"spoken_announcement": "Hello.", "spoken_stop_notice": "Press star."}
    profile = load_profile(name).model_dump(mode="json", exclude_none=True) | changes
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(profile | {"room": profile["room"] | room}), encoding="utf-8")
    return str(path)


@contextlib.contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[PhoneServer]:
    """One that is ready, gone at the end."""
    server = PhoneServer(folder, *options, **environment)
    try:
        server.start()
        yield server
    finally:
        server.kill()
