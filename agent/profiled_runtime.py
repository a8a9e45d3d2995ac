"""A runtime as a profile wants it: its responder finds the words, and all pass the privacy gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.agent.privacy.gate import gated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from interject.agent.responder.responder import Responder
    from interject.agent.responder.responding_runtime import RespondingRuntime
    from interject.agent.responder.tools.asked_tool import AskedTool
    from interject.agent.responder.tools.operator import Operator
    from interject.agent.responder.tools.tool import Tool
    from interject.agent.responder.watch import ResponderWatch
    from interject.config import Profile
    from interject.model_runtime.protocol import Runtime, RuntimeSession, SessionOptions


class ProfiledRuntime:
    """`responder` is shared with others and stays open; without one the profile's own is opened,
    if it names any, told of to `watch`, and closed with this. The runtime is never closed.
    `operator` is asked before a tool that needs a person's yes, and `on_asked` told of it.

    :raises ResponderUnusable: when what the profile says of its responder cannot work.
    """

    def __init__(
        self,
        runtime: Runtime,
        profile: Profile,
        responder: Responder | None = None,
        *,
        watch: ResponderWatch | None = None,
        operator: Operator | None = None,
        on_asked: Callable[[AskedTool], None] = lambda asked: None,
    ) -> None:
        self._own = None
        if responder is None and profile.responder is not None:
            from interject.agent.responder.responder import open_responder

            responder = self._own = open_responder(profile, watch=watch)
        self._responder = responder
        self._responding: RespondingRuntime | None = None
        if responder is not None:
            from interject.agent.responder.responding_runtime import RespondingRuntime

            runtime = self._responding = RespondingRuntime(
                runtime, profile, responder, operator=operator, on_asked=on_asked
            )
        self._runtime = gated(runtime, profile)

    async def open(self, options: SessionOptions) -> RuntimeSession:
        return await self._runtime.open(options)

    def forget_sound(self) -> None:
        """What was heard so far is given to no responder."""
        if self._responding is not None:
            self._responding.forget_sound()

    def lend(self, tools: Sequence[Tool]) -> bool:
        """Tools of the platform, for the responder; whether there is one."""
        if self._responder is not None:
            self._responder.lend(tools)
        return self._responder is not None

    async def aclose(self) -> None:
        if self._own is not None:
            await self._own.aclose()
