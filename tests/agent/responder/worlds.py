"""Sessions of a scripted gate whose replies a real endpoint on the loopback puts into words."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from interject.agent import AgentSession, CollectingOutput
from interject.agent.responder.responder import open_responder
from interject.config import Profile
from tests.fakes.model_server import ModelServer, Scripted, serving
from tests.fakes.runtime import FakeRuntime
from tests.fakes.sink import TroubledSink
from tests.fakes.voice import FakeVoice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from interject.agent.responder.circuit_breaker import CircuitBreaker
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.responder.tools.tool_box import CallOutcome
    from interject.agent.responder.watch import AnswerNote
    from interject.agent.sinks import AudioSink
    from tests.fakes.runtime import FakeRuntimeSession


class Counting:
    """A `ResponderWatch` that keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[AnswerNote] = []
        self.calls: list[tuple[str, CallOutcome]] = []
        self.left_out: list[bool] = []

    def answered(self, note: AnswerNote) -> None:
        self.notes.append(note)

    def called(self, tool: str, outcome: CallOutcome) -> None:
        self.calls.append((tool, outcome))

    def asked(self, *, left_out: bool) -> None:
        self.left_out.append(left_out)


class Room:
    """One session, what it made known, and what the endpoint was asked."""

    def __init__(self, server: ModelServer, watch: Counting) -> None:
        self.server = server
        self.watch = watch
        self.runtime = FakeRuntime()
        self.output = CollectingOutput()
        self.voice = FakeVoice()
        self.events: list[Any] = []
        self.session: AgentSession | None = None

    @property
    def gate(self) -> FakeRuntimeSession:
        return self.runtime.sessions[0]

    def messages(self, request: int = -1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.received[request].json["messages"]
        return found


def profile(url: str, responder: dict[str, Any] | None = None, **changes: Any) -> Profile:
    given = {
        "engine": "chat",
        "base_url": url,
        "model": "m",
        "max_wait_s": 2.0,
        **(responder or {}),
    }
    return Profile.model_validate(
        {
            "name": "test",
            "system_prompt": "listen",
            "outputs": ["spoken", "posted"],
            "responder": given,
            **changes,
        }
    )


@contextmanager
def endpoint(*answers: Scripted) -> Iterator[ModelServer]:
    with serving(ModelServer(list(answers))) as server:
        yield server


@asynccontextmanager
async def room(
    server: ModelServer,
    responder: dict[str, Any] | None = None,
    *,
    operator: Operator | None = None,
    breaker: CircuitBreaker | None = None,
    sink: AudioSink | None = None,
    **changes: Any,
) -> AsyncIterator[Room]:
    watch = Counting()
    wanted = profile(server.url, responder, **changes)
    lent = open_responder(wanted, watch=watch, breaker=breaker)
    assert lent is not None
    made = Room(server, watch)
    try:
        async with AgentSession(
            made.runtime,
            wanted,
            voice=made.voice,
            sink=sink or TroubledSink(),
            outputs=[made.output],
            observer=made.events.append,
            responder=lent,
            operator=operator,
        ) as session:
            made.session = session
            yield made
    finally:
        await lent.aclose()
