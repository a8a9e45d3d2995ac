"""A server with a telephone number that all tests here share, and the Twilio that calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from interject.model_runtime.local.process import ServerProcess
from tests.live.twilio.phone_server import brief, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from interject.integrations.twilio.simulator.cloud import TwilioCloud
    from tests.live.twilio.phone_server import PhoneServer


@pytest.fixture(scope="package")
def nano_url() -> Iterator[str]:
    with ServerProcess("nano", slots=6) as process:
        yield process.url


@pytest.fixture(scope="package")
def phone_server(tmp_path_factory: pytest.TempPathFactory, nano_url: str) -> Iterator[PhoneServer]:
    folder = tmp_path_factory.mktemp("serve")
    with serving(folder, "--runtime", nano_url, "--profile", brief(folder), "--barge-in") as server:
        yield server


@pytest.fixture
async def twilio(phone_server: PhoneServer) -> AsyncIterator[TwilioCloud]:
    async with phone_server.connected() as cloud:
        yield cloud
