"""One HTTP server for all doors, from its start until the last call has ended."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from interject.agent.responder.responder import open_responder
from interject.cli.process.neighbours import server_name
from interject.cli.process.responder_spans import ResponderSpans
from interject.cli.serve.probes import probe_router
from interject.cli.serve.readiness import Readiness
from interject.cli.serve.voice_check import VoiceCheck
from interject.cli.serve.web_metrics import WebMetrics
from interject.integrations.console.access import ConsoleAccess
from interject.integrations.console.console import MOST_SOCKETS, Console
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.conversation.free_slots import free_slots
from interject.integrations.conversation.responder_metrics import ResponderMetrics
from interject.integrations.conversation.role import Role
from interject.integrations.conversation.switchboard import Switchboard
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.connections import Connections
from interject.integrations.web.cue_screens import MOST_SCREENS, CueScreens
from interject.integrations.web.erasure import Remembering, SessionErasure
from interject.integrations.web.http_server import HttpServer
from interject.integrations.web.origins import Origins
from interject.model_runtime.telemetry.client_watch import WatchedRuntime
from interject.model_runtime.telemetry.health import Stage
from interject.model_runtime.telemetry.metrics import MediaMetrics
from interject.model_runtime.telemetry.tracing import open_tracer

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
    from interject.integrations.console.session_source import SessionSource
    from interject.integrations.web.webhook import WebhookOutput
    from interject.model_runtime.protocol import Runtime

logger = logging.getLogger("interject.serve")

GOODBYE = "I have to go now. Goodbye."


@dataclass(frozen=True, slots=True)
class DoorsServer:
    """Everything about it has been checked already."""

    _options: ServeOptions
    _exposure: Exposure
    _profile: Profile
    _doors: Doors
    _webhook: WebhookOutput | None
    _make_echo: Callable[[], EchoProcessor] | None
    _records: RecordStore | None
    _neighbours: NeighboursAt | None

    async def run(self, runtime: Runtime, listener: socket.socket, stop: asyncio.Event) -> None:
        """Once `stop` is set no call is taken, and those in progress end or are told."""
        options, exposure = self._options, self._exposure
        bearer, registry = Bearer(*exposure.tokens), CollectorRegistry()
        lookers = Bearer(*exposure.tokens, *exposure.viewer_tokens)
        connections = Connections()
        screens = CueScreens(lookers, most_screens=min(MOST_SCREENS, connections.most // 2))
        most_sockets = min(MOST_SOCKETS, connections.most // 4)
        sessions = LiveSessions(screens, server=server_name())
        voice = VoiceCheck(self._profile.voice)
        readiness = Readiness(lambda: free_slots(runtime), voice.fault)
        async with AsyncExitStack() as stack:
            if self._webhook is not None:
                await stack.enter_async_context(self._webhook)
            tracer = open_tracer("interject-media")
            stack.callback(tracer.close)
            watched = WatchedRuntime(runtime, MediaMetrics(registry), tracer=tracer)
            metrics = ResponderMetrics(registry, ResponderSpans(tracer))
            responder = open_responder(self._profile, watch=metrics)
            if responder is not None:
                stack.push_async_callback(responder.aclose)
            switchboard = Switchboard(
                Role(self._profile, watched, barge_in=options.barge_in),
                watched,
                most_calls=options.most_calls,
                outputs=[self._webhook] if self._webhook is not None else [],
                followers=[sessions],
                make_echo=self._make_echo,
                goodbye=GOODBYE,
                records=self._records,
                responder=responder,
            )
            registry.register(switchboard.registry)
            host, port = listener.getsockname()[:2]
            origins = Origins(exposure.own_origins(port), options.origins)
            elsewhere: list[SessionSource] = []
            if self._neighbours is not None:
                joined = self._neighbours.joined(sessions, looks=True)
                elsewhere.append((await stack.enter_async_context(joined)).sessions)
            console = Console(
                sessions,
                ConsoleAccess(bearer, lookers),
                origins,
                talk=self._doors.has_browsers,
                others=elsewhere,
                records=self._records,
                most_sockets=most_sockets,
            )
            await stack.enter_async_context(console)
            held: list[Remembering] = [screens, sessions]
            held += [self._webhook] if self._webhook is not None else []
            erasure = SessionErasure(bearer, held, self._records, switchboard.call_ids)
            registry.register(WebMetrics(screens, self._webhook, connections, console))
            app = make_app(
                self._doors.open(switchboard, bearer, screens),
                routers=[
                    screens.router,
                    console.router,
                    erasure.router,
                    probe_router(readiness, registry, bearer),
                ],
                origins=origins,
                check_host=bearer.is_open or options.insecure_dev,
            )
            server = HttpServer(app, listener, connections)
            await readiness.look()
            group = await stack.enter_async_context(asyncio.TaskGroup())
            looking = group.create_task(readiness.keep_looking(), name="readiness")
            running = group.create_task(server.run(), name="http")
            stopping = group.create_task(stop.wait(), name="stop")
            starting = group.create_task(server.until_serving(), name="start")
            starting.add_done_callback(lambda _: _tell_ready(readiness, exposure, host, port))
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            readiness.stage = Stage.DRAINING
            logger.info("draining", extra={"count": len(switchboard.calls)})
            await switchboard.drain(options.drain_timeout_s)
            screens.close()
            console.close()
            server.stop()
            await running
            for task in (looking, stopping, starting):
                task.cancel()


def _tell_ready(readiness: Readiness, exposure: Exposure, host: str, port: int) -> None:
    readiness.stage = Stage.READY
    if not exposure.tokens:
        logger.info("no token is asked for: only this machine may call")
    if exposure.public_url is not None:
        logger.info("others reach it", extra={"address": exposure.public_url})
    host = f"[{host}]" if ":" in host else host
    logger.info("Interject serves", extra={"address": f"http://{host}:{port}"})
