"""What `interject serve` was asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure
from interject.model_runtime.device_choice import read_slots
from interject.model_runtime.telemetry.logs import LogFormat

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_SLOTS = 8
OWN_MODEL = ("local:", "embedded:")
SOCKET = "local:unix:"


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """As they were given. `webrtc` and `twilio`: None, where nothing was said of them."""

    profile: str = "default"
    runtime: str = "local:nano"
    slots: str | None = None
    max_calls: int | None = None
    bind: str = "127.0.0.1:8080"
    public_url: str | None = None
    api_token: str = field(default="", repr=False)
    viewer_token: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    webrtc: bool | None = None
    stun: tuple[str, ...] = ()
    turn: tuple[str, ...] = ()
    relay_only: bool = False
    twilio: bool | None = None
    sockets: tuple[str, ...] = ()
    webhook: str | None = None
    dead_letters: str | None = None
    records: str | None = None
    neighbours: str | None = field(default=None, repr=False)
    barge_in: bool = False
    insecure_dev: bool = False
    wait_s: float = 10.0
    drain_timeout_s: float = 60.0
    log_format: LogFormat = LogFormat.TEXT

    def __post_init__(self) -> None:
        """:raises InputFailure: for a number that is none."""
        for name, value in (("--wait", self.wait_s), ("--drain-timeout", self.drain_timeout_s)):
            if not value >= 0:  # nan, too
                raise InputFailure(f"{name} {value:g}: a time is not negative")
        if self.max_calls is not None and self.max_calls < 1:
            raise InputFailure(f"--max-calls {self.max_calls}: at least one, or leave it out")

    @property
    def has_own_model(self) -> bool:
        return self.runtime.startswith(OWN_MODEL) and not self.runtime.startswith(SOCKET)

    @property
    def slot_count(self) -> int | None:
        """:raises RuntimeFailure: when it is no number of slots."""
        return DEFAULT_SLOTS if self.slots is None else read_slots(self.slots, owner="a server")

    @property
    def most_calls(self) -> int | None:
        """None: only the runtime knows."""
        if self.max_calls is not None:
            return self.max_calls
        return self.slot_count if self.has_own_model else None

    def wants_twilio(self, environment: Mapping[str, str]) -> bool:
        if self.twilio is None:
            return bool(environment.get("TWILIO_ACCOUNT_SID"))
        return self.twilio
