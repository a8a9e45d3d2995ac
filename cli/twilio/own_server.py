"""An `interject serve` for one simulated call, with signatures and tokens as for a real one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import sys
from typing import TYPE_CHECKING, Any, Self

from interject.cli.process.failures import InputFailure, complain
from interject.cli.twilio.simulated_order import RunningServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interject.integrations.twilio.simulator.cloud import TwilioAccount

PUBLIC_URL = "https://simulated.invalid"
COLLEAGUE = "+15550100009"
READY = "Interject serves"
START_S = 120.0
STOP_S = 10.0
TOLD = ("warning", "error", "critical")


class OwnServer:
    """Used with `async with`; it is gone at the end.

    :raises InputFailure: when it does not start, in its own words.
    """

    def __init__(self, words: Sequence[str], account: TwilioAccount, rest_url: str) -> None:
        self._words = words
        self._token = secrets.token_hex(16)
        self._account = account
        self._environment = os.environ | {
            "TWILIO_ACCOUNT_SID": account.sid,
            "TWILIO_AUTH_TOKEN": account.auth_token,
            "TWILIO_API_URL": rest_url,
            "INTERJECT_API_TOKEN": self._token,
            "INTERJECT_TWILIO_COPILOT_THEN": COLLEAGUE,
        }
        self._last = ""
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "interject", "serve", "--twilio", "--no-webrtc",
            "--bind", "127.0.0.1:0", "--public-url", PUBLIC_URL, "--drain-timeout", "0",
            "--log-format", "json", *self._words,
            env=self._environment, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None, "it was entered"
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def ready(self) -> RunningServer:
        """:raises InputFailure: when it ends instead, or does not become ready in time."""
        assert self._process is not None, "it was entered"
        try:
            async with asyncio.timeout(START_S):
                while (record := await self._record()) is not None:
                    if record.get("message") == READY:
                        return self._running(str(record["address"]).removeprefix("http://"))
        except TimeoutError:
            raise InputFailure(f"the server did not start within {START_S:.0f} s") from None
        await asyncio.wait_for(self._process.wait(), STOP_S)
        raise InputFailure(f"the server did not start: {self._last or 'it said nothing'}")

    def _running(self, address: str) -> RunningServer:
        self._reading = asyncio.create_task(self._read_on(), name="server-log")
        account = self._account
        return RunningServer(address, PUBLIC_URL, account.sid, account.auth_token, self._token)

    async def _read_on(self) -> None:
        while await self._record() is not None:
            pass

    async def _record(self) -> dict[str, Any] | None:
        """The next line of its log. Warnings are passed on; None at the end."""
        assert self._process is not None, "it was entered"
        assert self._process.stderr is not None, "it is a pipe"
        line = (await self._process.stderr.readline()).decode("utf-8", "replace")
        if not line:
            return None
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            self._last = line.strip().removeprefix("interject: ")
            return {}
        if record.get("level") in TOLD:
            extra = {
                k: v for k, v in record.items() if k not in ("time", "level", "logger", "message")
            }
            said = "  ".join(f"{name}={value}" for name, value in extra.items())
            complain(f"the server says: {record.get('message')} {said}".rstrip())
        return record
