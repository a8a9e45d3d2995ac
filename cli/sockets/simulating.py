"""Runs one `interject sockets simulate`: a call from its first message to its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import sys
import wave
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import soxr

from interject.cli.input.whole_sound import read_whole
from interject.cli.output.event_lines import EventLines
from interject.cli.output.output_paths import check_target
from interject.cli.output.simulation_watch import shown_by
from interject.cli.process.failures import EXIT_DIFFERS, InputFailure, complain, reason
from interject.cli.process.server_address import server_address
from interject.cli.process.simulation import LINGER_S, run_simulation, until_left
from interject.cli.sockets.dials import RATE_HZ, SHOWN, api_token, dial_of
from interject.cli.sockets.peer_watch import PeerWatch
from interject.integrations.audio.playout_buffer import FULL_SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from interject.cli.process.signals import StopSignals
    from interject.cli.sockets.command import SimulatedPlatform
    from interject.cli.sockets.dials import Dial

MOST_S = 3_600.0
COMING_S = 20.0
UNAUTHORIZED = "unauthorized"
"""Of AudioHook's `disconnect`."""


@dataclass(frozen=True, slots=True)
class DialOrder:
    """Sound is 16 kHz mono."""

    sound: NDArray[np.int16]
    address: str
    platform: SimulatedPlatform
    record: Path | None
    seconds: float | None
    json: bool
    environment: Mapping[str, str] = field(repr=False)


def read_order(
    sound: str,
    server: str,
    platform: SimulatedPlatform,
    record: str | None,
    seconds: float | None,
    *,
    json: bool,
    environment: Mapping[str, str] = os.environ,
) -> DialOrder:
    """:raises InputFailure: for the first thing that cannot work."""
    try:
        import interject.integrations.sockets.simulator.peer  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"sockets need the package {error.name}: pip install 'interject[sockets]'"
        ) from error
    if seconds is not None and not 0 < seconds <= MOST_S:
        raise InputFailure(f"--seconds {seconds:g}: more than 0, and at most {MOST_S:.0f}")
    address = server_address(server)
    said = read_whole(sound, most_s=MOST_S)
    target = None if record is None else Path(record)
    if target is not None:
        check_target(target, [sound], option="--record")
    return DialOrder(said, address, platform, target, seconds, json, environment)


def run(order: DialOrder) -> int:
    """1 where no agent had the call."""
    return run_simulation(functools.partial(_simulate, order))


async def _simulate(order: DialOrder, signals: StopSignals) -> int:
    from websockets.exceptions import InvalidHandshake

    stop = asyncio.Event()
    lines = EventLines(sys.stdout, as_json=order.json, stop=stop.set)
    dial = dial_of(order.platform, order.address, order.environment)
    peer = dial.peer
    with signals.told(asyncio.get_running_loop(), stop.set):
        try:
            async with peer.dialled(f"ws://{order.address}{dial.path}", dial.headers):
                watch = PeerWatch(peer, shown_by(lines, as_json=order.json))
                await _on_the_call(order, dial, watch, stop)
        except (OSError, InvalidHandshake) as error:
            raise InputFailure(_not_let_in(order, error)) from None
    watch.look_once()
    watch.note("over", code=peer.close_code, **watch.counts)
    if order.record is not None:
        _record(dial, order.record)
    if lines.failure is not None:
        raise lines.failure
    if stop.is_set() or watch.counts.get("decisions") or watch.has_spoken:
        return 0
    complain(f"no agent had this call: {why_no_agent(order, watch)}")
    return EXIT_DIFFERS


def why_no_agent(order: DialOrder, watch: PeerWatch) -> str:
    if any(told.fields.get("reason") == UNAUTHORIZED for told in watch.peer.told):
        return f"who calls is not known; set {SHOWN[order.platform]} to what the server has"
    return watch.peer.close_reason or "it decided and said nothing"


def _not_let_in(order: DialOrder, error: Exception) -> str:
    status: Any = getattr(getattr(error, "response", None), "status_code", None)
    where = f"--server http://{order.address}"
    if status in (403, 404):
        return (
            f"{where}: the socket is not let in; start the server with --sockets "
            f"{order.platform.partition('-')[0]}, and set {SHOWN[order.platform]} to what it was "
            "started with"
        )
    if status is not None:
        return (
            f"{where}: the socket is not opened (status {status}); its agents may be taken, or "
            "it is being stopped: ask /readyz"
        )
    return f"{where}: nobody answers there; start the server first, and give the address it logs"


async def _on_the_call(order: DialOrder, dial: Dial, watch: PeerWatch, stop: asyncio.Event) -> None:
    watch.note("dials", platform=order.platform.value, call=dial.call)
    token = api_token(order.environment)
    works = [
        asyncio.create_task(watch.follow(order.address, token, dial.call), name="follow"),
        asyncio.create_task(watch.look(), name="look"),
    ]
    talk = asyncio.create_task(_talk(order, dial, watch), name="talk")
    ends = [asyncio.create_task(one.wait()) for one in (stop, watch.peer.ended)]
    try:
        await until_left(talk, ends, order.seconds)
    finally:
        for task in (*works, talk, *ends):
            task.cancel()
        await asyncio.gather(*works, talk, *ends, return_exceptions=True)


async def _talk(order: DialOrder, dial: Dial, watch: PeerWatch) -> None:
    """Returns when there is nothing more to say, and the agent is silent again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(COMING_S):
            await watch.until(lambda: bool(watch.counts.get("decisions")) or watch.has_spoken)
    await watch.until_announced()
    watch.note("caller_speaks", seconds=round(len(order.sound) / RATE_HZ, 1))
    await dial.peer.say(dial.speaker, _at(order.sound, dial.peer.dialect.rate_hz))
    watch.note("caller_is_silent")
    await asyncio.sleep(LINGER_S)
    await watch.until(lambda: not watch.speaks)


def _at(sound: NDArray[np.int16], rate_hz: int) -> NDArray[np.int16]:
    made: NDArray[np.float32] = soxr.resample(sound.astype(np.float32), RATE_HZ, rate_hz)
    return np.clip(np.rint(made), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16)


def _record(dial: Dial, path: Path) -> None:
    """:raises InputFailure: when it cannot be written."""
    said, heard = np.concatenate(dial.peer.said[dial.speaker]), np.concatenate(dial.peer.heard)
    both = np.stack([part[: min(len(said), len(heard))] for part in (said, heard)], axis=1)
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(dial.peer.dialect.rate_hz)
            file.writeframes(both.astype("<i2").tobytes())
    except OSError as error:
        raise InputFailure(f"--record {path}: could not be written ({reason(error)})") from None
