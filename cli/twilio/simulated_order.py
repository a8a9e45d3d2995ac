"""What `interject twilio simulate` was asked to do, checked before anything is started."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from interject.cli.input.whole_sound import read_whole
from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure
from interject.cli.process.server_address import server_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

MOST_S = 3_600.0
ELSEWHERE = ("redis:", "rediss:", "local:unix:")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """`address` is host:port; the account is made up where the environment names none."""

    address: str
    public_url: str
    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    operator_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SimulatedOrder:
    """Without a `server` one is started with `serve_words`. Sound is 16 kHz mono."""

    sound: NDArray[np.int16]
    colleague: NDArray[np.int16] | None
    server: RunningServer | None
    serve_words: tuple[str, ...]
    record: Path | None
    keys: str
    seconds: float | None
    json: bool


def read_order(
    *,
    sound: str,
    colleague: str | None,
    server: str | None,
    public_url: str | None,
    profile: str | None,
    runtime: str | None,
    barge_in: bool,
    record: str | None,
    press: str,
    seconds: float | None,
    json: bool,
    environment: Mapping[str, str] = os.environ,
) -> SimulatedOrder:
    """:raises InputFailure: for the first thing that cannot work."""
    _check_packages(
        needs_model=server is None and not (runtime or "local:nano").startswith(ELSEWHERE)
    )
    if seconds is not None and not 0 < seconds <= MOST_S:
        raise InputFailure(f"--seconds {seconds:g}: more than 0, and at most {MOST_S:.0f}")
    if not re.fullmatch(r"[0-9A-D*#]{0,32}", press):
        raise InputFailure(f"--press {press}: a telephone has the keys 0 to 9, * and #")
    if press and colleague is not None:
        raise InputFailure("--press: Twilio tells no copilot of keys; leave out --colleague")
    if server is not None and (profile or barge_in):
        raise InputFailure(
            "--profile and --barge-in: belong to a server that is started; the one of --server has "
            "its own"
        )
    running = None if server is None else _running(server, public_url, environment)
    said = read_whole(sound, most_s=MOST_S)
    answered = None if colleague is None else read_whole(colleague, most_s=MOST_S)
    target = None if record is None else Path(record)
    if target is not None:
        sounds = [sound] if colleague is None else [sound, colleague]
        check_target(target, sounds, option="--record")
    words = ["--profile", profile] if profile else []
    words += ["--runtime", runtime] if runtime else []
    words += ["--barge-in"] if barge_in else []
    return SimulatedOrder(said, answered, running, tuple(words), target, press, seconds, json)


def _check_packages(*, needs_model: bool) -> None:
    if needs_model and find_spec("torch") is None:
        raise InputFailure(
            "the model of a server that is started needs the package torch: pip install "
            "'interject[runtime]', or name a running server with --server"
        )
    try:
        import interject.integrations.twilio.door
        import interject.integrations.twilio.simulator.cloud
        import interject.integrations.twilio.simulator.rest_api  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"telephones need the package {error.name}: pip install 'interject[twilio]'"
        ) from error


def _running(server: str, public_url: str | None, environment: Mapping[str, str]) -> RunningServer:
    address = server_address(server)
    return RunningServer(
        address,
        (public_url or f"http://{address}").rstrip("/"),
        environment.get("TWILIO_ACCOUNT_SID", ""),
        environment.get("TWILIO_AUTH_TOKEN", ""),
        environment.get("INTERJECT_API_TOKEN", "").split(",")[0].strip(),
    )
