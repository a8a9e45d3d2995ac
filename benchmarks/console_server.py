"""A server with a console and staged calls: `python -m benchmarks.console_server 50`.

It writes its port, tells its own processor time to whoever asks `/cpu`, and ends with its stdin.
With `--neighbours` others of that Redis see its sessions, and it sees theirs.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
import uuid
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter

from benchmarks.console_stage import ConsoleStage, StagedCall
from interject.agent.records.store import RecordStore
from interject.agent.responder.tools.operator import ToolWish
from interject.cli.process.neighbours import NeighboursAt, server_name
from interject.integrations.console.access import ConsoleAccess
from interject.integrations.console.console import Console
from interject.integrations.console.live_sessions import LiveSessions
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.http_server import HttpServer
from interject.integrations.web.origins import Origins

if TYPE_CHECKING:
    from interject.integrations.console.session_source import SessionSource

SHOWN = (
    StagedCall("CA6f1f20b7aa41", "twilio", "call_center_copilot", ("customer", "agent"),
               "+49 30 901820 47"),
    StagedCall("9d2c61fa8e", "webrtc", "default", ("caller",)),
    StagedCall("b1a7c90e55", "attendee", "meeting_assistant", ("Mara", "Jonas", "Ines")),
    StagedCall("e4410c7b12", "plain", "podcast_producer", ("host", "guest")),
    StagedCall("CA0b7e99d23c", "twilio", "call_center_copilot", ("customer", "agent"),
               "+44 20 7946 0813"),
    StagedCall("7c55d1aa09", "audiohook", "call_center_copilot", ("customer", "agent"),
               "+1 212 555 0192"),
)  # fmt: skip


KEPT = StagedCall("desk-3", "plain", "call_center_copilot", ("customer", "agent"), lasts_s=60.0)


def calls(count: int) -> list[StagedCall]:
    """As many as are asked for; those that are shown in pictures first."""
    kinds = [SHOWN[index % len(SHOWN)] for index in range(count)]
    return [
        StagedCall(f"{one.call_id}{index:02}", one.door, one.profile, one.voices, one.label)
        for index, one in enumerate(kinds)
    ]


async def serve(count: int, port: int, records: RecordStore | None, redis: str | None) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    staged = [*calls(count), *([KEPT] if records else [])]
    screens, origins = CueScreens(Bearer()), Origins([url])
    sessions = LiveSessions(screens, server=server_name() if redis else "")
    measures = APIRouter()
    measures.add_api_route("/cpu", lambda: time.process_time())
    measures.add_api_route("/ask", partial(ask, sessions))
    async with AsyncExitStack() as stack:
        elsewhere: list[SessionSource] = []
        if redis is not None:
            joined = NeighboursAt(redis).joined(sessions, looks=True)
            elsewhere.append((await stack.enter_async_context(joined)).sessions)
        access = ConsoleAccess(Bearer(), Bearer())
        console = Console(sessions, access, origins, talk=True, others=elsewhere, records=records)
        app = make_app([], routers=[screens.router, console.router, measures], origins=origins)
        await stack.enter_async_context(console)
        server = HttpServer(app, listener)
        running = asyncio.create_task(server.run())
        await server.until_serving()
        print(url.rpartition(":")[2], flush=True)
        await stack.enter_async_context(ConsoleStage([sessions], staged, records))
        await asyncio.to_thread(sys.stdin.read)
        console.close()
        server.stop()
        await running


async def ask(sessions: LiveSessions) -> str:
    """In the first call; it answers with what came of it."""
    live = sessions.live(sessions.states[0].id)
    assert live is not None, "the calls go on"
    given = (("order", "4711"), ("amount", "12.50"), ("reason", "arrived broken, as she says"))
    wish = ToolWish(uuid.uuid4().hex, "s", "refund", given, "customer", within_s=20.0)
    return (await live.operator.decide(wish)).outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sessions", type=int, nargs="?", default=len(SHOWN))
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--records", type=Path, help="where one more call, that ends, is kept")
    parser.add_argument("--neighbours", help="a Redis, as redis://127.0.0.1:6379/0")
    asked = parser.parse_args()
    records = None if asked.records is None else RecordStore(asked.records)
    asyncio.run(serve(asked.sessions, asked.port, records, asked.neighbours))


if __name__ == "__main__":
    main()
