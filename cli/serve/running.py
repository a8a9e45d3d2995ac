"""Runs one `interject serve`: the runtime, the doors, and the HTTP server around them."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from interject.agent.soundboard.soundboard import check_sounds
from interject.cli.output.output_paths import check_target
from interject.cli.process.failures import InputFailure
from interject.cli.process.neighbours import neighbours_at
from interject.cli.process.records_folder import records_at, swept, warn_of_nothing
from interject.cli.process.signals import StopSignals
from interject.cli.process.webhook_target import read_secret, read_url
from interject.cli.serve.echo import echo_maker
from interject.cli.serve.exposure import read_exposure
from interject.cli.serve.variables import check_names, warn_of_idle
from interject.config import load_profile
from interject.integrations.conversation.call_log import name_call
from interject.integrations.conversation.free_slots import once_there
from interject.model_runtime.opening import open_runtime
from interject.model_runtime.telemetry.logs import set_up

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from interject.agent.records.store import RecordStore
    from interject.cli.process.neighbours import NeighboursAt
    from interject.cli.serve.doors import Doors
    from interject.cli.serve.exposure import Exposure
    from interject.cli.serve.options import ServeOptions
    from interject.config import Profile
    from interject.integrations.audio.echo import EchoProcessor
    from interject.integrations.web.webhook import WebhookOutput
    from interject.model_runtime.protocol import Runtime

logger = logging.getLogger("interject.serve")

TALKATIVE = {
    **dict.fromkeys(("aioice", "aiortc", "httpx", "twilio"), logging.WARNING),
    "uvicorn": logging.ERROR,
}
"""They log addresses and whole requests where nobody stops them; uvicorn warns of each caller who
speaks no HTTP.
"""


THREADS = 64
"""A name that no DNS answers for occupies one for a minute, whoever has given up: with Python's six
(of two cores) the voices and prompts of calls would wait behind a webhook's.
"""


@dataclass(frozen=True, slots=True)
class _Checked:
    options: ServeOptions
    exposure: Exposure
    profile: Profile
    doors: Doors
    webhook: WebhookOutput | None
    make_echo: Callable[[], EchoProcessor] | None
    records: RecordStore | None
    neighbours: NeighboursAt | None


def serve(options: ServeOptions) -> None:
    """Return once it was stopped, and its calls have ended.

    :raises InputFailure, ProfileError, RuntimeFailure: for what cannot work.
    """
    set_up(sys.stderr, options.log_format, name_lines=name_call)
    for name, level in TALKATIVE.items():
        logging.getLogger(name).setLevel(level)
    check_names(os.environ)
    checked = _checked(options)
    warn_of_idle(options, os.environ)
    warn_of_nothing(checked.records, checked.profile)
    with (
        StopSignals() as signals,
        checked.exposure.listener() as listener,
        swept(checked.records),
    ):
        asyncio.run(_run(checked, listener, signals))


def _checked(options: ServeOptions) -> _Checked:
    """Everything that can be checked without the runtime."""
    exposure = read_exposure(options)
    profile = load_profile(options.profile)
    check_sounds(profile)
    assert options.most_calls is None or options.most_calls > 0, "it was read"
    try:
        from interject.cli.serve.doors import Doors

        webhook = _webhook(options)
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise InputFailure(
            f"serving needs the package {error.name}: pip install 'interject[serve]'"
        ) from error
    doors = Doors(options, exposure)
    records = records_at(options.records)
    neighbours = neighbours_at(options.neighbours, options.runtime)
    return _Checked(
        options, exposure, profile, doors, webhook, echo_maker(profile), records, neighbours
    )


def _webhook(options: ServeOptions) -> WebhookOutput | None:
    if options.webhook is None:
        if options.dead_letters is not None:
            raise InputFailure("--webhook-dead-letters: without --webhook there are none")
        return None
    from interject.integrations.web.dead_letters import DeadLetters
    from interject.integrations.web.webhook import WebhookOutput

    url, secret = read_url("--webhook", options.webhook), read_secret(os.environ)
    letters = None
    if options.dead_letters is not None:
        path = Path(options.dead_letters)
        check_target(path, (), option="--webhook-dead-letters")
        letters = DeadLetters(path)
    return WebhookOutput(url, secret, dead_letters=letters)


async def _run(checked: _Checked, listener: socket.socket, signals: StopSignals) -> None:
    """A signal while the model is being loaded ends it at once."""
    from interject.integrations.web.accept_errors import quieten_accept_errors

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="serve"))
    quieten_accept_errors(loop)
    with signals.told(loop, stop.set):
        opening = asyncio.ensure_future(_opened(checked.options))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({opening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not opening.done():
            opening.cancel()
            await asyncio.wait({opening})
            return
        runtime = opening.result()
        try:
            from interject.cli.serve.doors_server import DoorsServer

            await DoorsServer(
                checked.options,
                checked.exposure,
                checked.profile,
                checked.doors,
                checked.webhook,
                checked.make_echo,
                checked.records,
                checked.neighbours,
            ).run(runtime, listener, stop)
        finally:
            await runtime.aclose()
    logger.info("stopped")


async def _opened(options: ServeOptions) -> Runtime:
    """:raises RuntimeFailure: when it cannot be used, or does not come in time."""
    if options.runtime.startswith("embedded:"):
        return await asyncio.to_thread(open_runtime, options.runtime, slots=options.slot_count)
    runtime = open_runtime(options.runtime, slots=options.slot_count)
    try:
        await once_there(runtime, options.wait_s)
    except BaseException:
        await runtime.aclose()
        raise
    return runtime
