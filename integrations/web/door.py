"""One way into an agent that speaks HTTP: a telephone company's webhooks, browsers' offers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from fastapi import APIRouter


class Door(Protocol):
    """Used with `async with` for as long as the process serves; leaving it ends its calls.

    `router` may be asked before it is entered and after it is left: then it takes no calls.
    """

    @property
    def name(self) -> str:
        """As it stands in metrics and logs: `twilio`, `webrtc`."""

    @property
    def router(self) -> APIRouter: ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: object) -> None: ...
