"""Runs one `interject twilio simulate`: a call from its webhook to its end."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from typing import TYPE_CHECKING, TypeVar

import httpx

from interject.cli.output.event_lines import EventLines
from interject.cli.output.simulation_watch import shown_by
from interject.cli.process.failures import EXIT_DIFFERS, InputFailure, complain, reason
from interject.cli.process.simulation import LINGER_S, run_simulation, until_left
from interject.cli.twilio.call_watch import CallWatch
from interject.cli.twilio.own_server import OwnServer
from interject.integrations.twilio.simulator.cloud import TwilioAccount, TwilioCloud
from interject.integrations.twilio.simulator.rest_api import RestApi

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from interject.cli.process.signals import StopSignals
    from interject.cli.twilio.simulated_order import RunningServer, SimulatedOrder
    from interject.integrations.twilio.simulator.call import SimulatedCall

KEY_S = 0.3
OTHER_SETTINGS = (
    "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and INTERJECT_PUBLIC_URL have to be here what the "
    "server was started with"
)
Result = TypeVar("Result")


def run(order: SimulatedOrder) -> int:
    """1 where no agent had the call."""
    return run_simulation(functools.partial(_simulate, order))


async def _simulate(order: SimulatedOrder, signals: StopSignals) -> int:
    stop = asyncio.Event()
    lines = EventLines(sys.stdout, as_json=order.json, stop=stop.set)
    with signals.told(asyncio.get_running_loop(), stop.set):
        async with contextlib.AsyncExitStack() as stack:
            ready = await _unless(stop, _ready(order, stack))
            if ready is None:
                return 0
            cloud, server = ready
            path = "voice" if order.colleague is None else "copilot"
            url = f"{server.public_url}/twilio/{path}"
            async with cloud.phones(url) as call:
                code = await _on_the_line(order, server, call, lines, stop, url)
    if lines.failure is not None:
        raise lines.failure
    return code


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, Result]) -> Result | None:
    """None: it was stopped before that was done."""
    working = asyncio.create_task(work, name="start")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    working.cancel()
    await asyncio.wait({working})
    return None


async def _ready(
    order: SimulatedOrder, stack: contextlib.AsyncExitStack
) -> tuple[TwilioCloud, RunningServer]:
    given = order.server
    account = _account(given)
    cloud = TwilioCloud({}, account)
    if given is None:
        api = await stack.enter_async_context(RestApi(cloud))
        server = await stack.enter_async_context(OwnServer(order.serve_words, account, api.url))
        given = await server.ready()
    cloud.network.routes[given.public_url] = given.address
    return await stack.enter_async_context(cloud), given


def _account(server: RunningServer | None) -> TwilioAccount:
    """Made up where none is known: a server that checks no signatures takes that, too."""
    if server is None or not (server.account_sid and server.auth_token):
        return TwilioAccount()
    return TwilioAccount(server.account_sid, server.auth_token)


async def _on_the_line(
    order: SimulatedOrder,
    server: RunningServer,
    call: SimulatedCall,
    lines: EventLines,
    stop: asyncio.Event,
    url: str,
) -> int:
    watch = CallWatch(call, shown_by(lines, as_json=order.json))
    watch.note("calls", webhook=url, call=call.sid)
    tasks = [
        asyncio.create_task(
            watch.follow(server.address, server.operator_token, call.sid), name="follow"
        ),
        asyncio.create_task(watch.look(), name="look"),
    ]
    talk = asyncio.create_task(_talk(order, call, watch), name="talk")
    ends = [asyncio.create_task(stop.wait()), asyncio.create_task(call.over.wait())]
    try:
        await until_left(talk, ends, order.seconds)
        if talk.done():
            talk.result()
        by = "Twilio's end" if call.over.is_set() else "the caller"
        await call.hang_up()
        await call.over.wait()
        watch.look_once()
    finally:
        for task in (*tasks, talk, *ends):
            task.cancel()
        await asyncio.gather(*tasks, talk, *ends, return_exceptions=True)
        watch.finish()
    watch.note("over", by=by, status=call.status.value, **watch.counts)
    watch.finish()
    if order.record is not None:
        _record(call, order.record)
    if stop.is_set() or any(stream.began.is_set() for stream in call.streams):
        return 0
    complain("no agent had this call; the lines above say why")
    if any(status == httpx.codes.FORBIDDEN for _, _, status in call.network.posted):
        complain(OTHER_SETTINGS)
    return EXIT_DIFFERS


async def _talk(order: SimulatedOrder, call: SimulatedCall, watch: CallWatch) -> None:
    """Returns when there is nothing more to say, and the agent is silent again."""
    await watch.until(lambda: bool(call.streams) and call.stream.began.is_set())
    if order.colleague is None:
        await watch.until_announced()
    else:
        await watch.until(lambda: call.callee_is_there)
    watch.note("caller_speaks", seconds=round(len(order.sound) / 16_000, 1))
    async with asyncio.TaskGroup() as group:
        group.create_task(call.handset.say(order.sound))
        if order.colleague is not None:
            group.create_task(call.callee.say(order.colleague))
    watch.note("caller_is_silent")
    for key in order.keys:
        watch.note("key", digit=key)
        call.press(key)
        await asyncio.sleep(KEY_S)
    await asyncio.sleep(LINGER_S)
    await watch.until(lambda: not watch.speaks)


def _record(call: SimulatedCall, path: Path) -> None:
    """:raises InputFailure: when it cannot be written."""
    try:
        call.recording.write(path)
    except OSError as error:
        raise InputFailure(f"--record {path}: could not be written ({reason(error)})") from None
