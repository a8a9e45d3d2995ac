"""A runtime whose sessions' replies are put into words by a responder."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING

from interject.agent.privacy.redactor import Redactor
from interject.agent.responder.responding_session import RespondingSession
from interject.agent.responder.routing import Routing
from interject.agent.responder.tools.operator import NoOperator
from interject.agent.responder.tools.permission import Permissions

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.agent.responder.responder import Responder
    from interject.agent.responder.tools.asked_tool import AskedTool
    from interject.agent.responder.tools.operator import Operator
    from interject.config import Profile
    from interject.model_runtime.protocol import Runtime, SessionOptions


class RespondingRuntime:
    """It stands between a runtime and what reads the tags of replies: a responder may write some,
    too. It owns neither the runtime nor the responder. `operator` is asked before what needs a
    person's yes, and `on_asked` told of it.
    """

    def __init__(
        self,
        runtime: Runtime,
        profile: Profile,
        responder: Responder,
        *,
        operator: Operator | None = None,
        on_asked: Callable[[AskedTool], None] = lambda asked: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._responder = responder
        self._routing = Routing(profile, responder.settings.route)
        self._redactor = redactor = Redactor(profile.privacy)
        self._permissions = Permissions(
            redactor,
            responder.settings.operator_wait_s,
            operator or NoOperator(),
            on_asked,
            clock=clock,
        )
        self._clock = clock
        self._sessions: weakref.WeakSet[RespondingSession] = weakref.WeakSet()

    async def open(self, options: SessionOptions) -> RespondingSession:
        await self._responder.ready()
        inner = await self._runtime.open(options)
        session = RespondingSession(
            inner,
            self._responder,
            self._routing,
            self._redactor,
            self._permissions,
            clock=self._clock,
        )
        self._sessions.add(session)
        return session

    def forget_sound(self) -> None:
        """What was heard so far is given to nobody."""
        for session in self._sessions:
            session.forget_sound()

    async def aclose(self) -> None:
        await self._runtime.aclose()
