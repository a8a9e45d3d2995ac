"""What operators are asked in a session: the first of them who answers decides."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from interject.agent.responder.tools.operator import OperatorAnswer, WishOutcome
from interject.integrations.console.wish_view import WishArgument, WishView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.agent.responder.tools.operator import ToolWish

MOST_OPEN = 8
SHOWN_S = 8.0
"""So long everybody sees what was answered, and by whom."""


class OpenWishes:
    """The `Operator` of a session. `attended`: whether somebody who may answer looks at a console;
    `shown_as` is how a speaker's name may be seen, and `on_change` gets each wish as it is now.
    """

    def __init__(
        self,
        attended: Callable[[], Awaitable[bool]],
        shown_as: Callable[[str], str],
        on_change: Callable[[WishView], None],
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._attended = attended
        self._shown_as = shown_as
        self._on_change = on_change
        self._wall_clock = wall_clock
        self._waiting: dict[str, asyncio.Future[OperatorAnswer]] = {}
        self._views: dict[str, WishView] = {}

    def shown(self) -> tuple[WishView, ...]:
        """Those that wait for an answer, and those that have just had one."""
        oldest = self._wall_clock() - SHOWN_S
        gone = [
            one.id for one in self._views.values() if one.over is not None and one.over < oldest
        ]
        for wish_id in gone:
            del self._views[wish_id]
        return tuple(self._views.values())

    async def decide(self, wish: ToolWish) -> OperatorAnswer:
        attended = await self._attended()
        view = self._view(wish)
        if not attended or len(self._waiting) >= MOST_OPEN:
            return self._decided(view, OperatorAnswer(WishOutcome.ABSENT))
        waiting = self._waiting[wish.id] = asyncio.get_running_loop().create_future()
        self._become(view)
        answer = OperatorAnswer(WishOutcome.WITHDRAWN)
        try:
            async with asyncio.timeout(wish.within_s):
                answer = await waiting
        except TimeoutError:
            answer = OperatorAnswer(WishOutcome.UNANSWERED)
        finally:
            del self._waiting[wish.id]
            self._decided(view, answer)
        return answer

    def answer(self, wish_id: str, *, allowed: bool, by: str) -> bool:
        """False: it is not asked any more, or never was."""
        waiting = self._waiting.get(wish_id)
        if waiting is None or waiting.done():
            return False
        outcome = WishOutcome.ALLOWED if allowed else WishOutcome.DENIED
        waiting.set_result(OperatorAnswer(outcome, by))
        return True

    def _view(self, wish: ToolWish) -> WishView:
        now = round(self._wall_clock(), 3)
        return WishView(
            id=wish.id,
            tool=wish.tool,
            arguments=tuple(WishArgument(name=name, value=value) for name, value in wish.shown),
            speaker=wish.speaker and self._shown_as(wish.speaker),
            asked=now,
            until=round(now + wish.within_s, 3),
        )

    def _decided(self, view: WishView, answer: OperatorAnswer) -> OperatorAnswer:
        now = round(self._wall_clock(), 3)
        self._become(
            view.model_copy(update={"over": now, "outcome": answer.outcome, "by": answer.by})
        )
        return answer

    def _become(self, view: WishView) -> None:
        self._views[view.id] = view
        self._on_change(view)
