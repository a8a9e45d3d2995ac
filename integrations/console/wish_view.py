"""A tool that waits for an operator's yes, as people see it."""

from __future__ import annotations

from interject.agent.responder.tools.operator import WishOutcome
from interject.config.strict import StrictModel


class WishArgument(StrictModel):
    """It has passed the privacy gate."""

    name: str
    value: str


class WishView(StrictModel):
    """`speaker` is whose words led to it. Times are in seconds since 1970: it was `asked` then, can
    be answered `until` then, and is `over` since then. `outcome` and `by`, the name of whoever
    answered, are there when it is.
    """

    id: str
    tool: str
    arguments: tuple[WishArgument, ...]
    speaker: str
    asked: float
    until: float
    over: float | None = None
    outcome: WishOutcome | None = None
    by: str = ""
