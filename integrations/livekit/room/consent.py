"""Who allows to be heard. What it decides holds from the same moment on."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import RoomSettings

logger = logging.getLogger(__name__)

EVERYBODY = "*"
NOBODY = ""
"""Who asked is not known. No participant's identity is empty."""


class Scope(StrEnum):
    """Whose sound a wish is about: the asker's own, or everybody's."""

    ME = "me"
    ROOM = "room"


class Listener(Protocol):
    """What consent switches; an ear, or what stands behind it."""

    def exclude(self, identity: str) -> None: ...

    def include(self, identity: str) -> None: ...

    def stop_listening(self) -> None: ...

    def resume_listening(self) -> None: ...


def may_control(settings: RoomSettings, identity: str) -> bool:
    return not {EVERYBODY, identity}.isdisjoint(settings.control)


def _nobody() -> None:
    """Nobody wants to know."""


class Consent:
    """Anybody may stop the listening, for everyone or for himself, whatever a profile says.

    His own silence only he can lift, and it outlives his leaving and coming back; the room's can
    be lifted by whoever stopped it, or by somebody who may control; what `NOBODY` stopped, only by
    the latter.
    """

    def __init__(self, *, may_control: Callable[[str], bool]) -> None:
        self._may_control = may_control
        self._listeners: list[Listener] = []
        self._stopped_by: str | None = None
        self._withdrawn: set[str] = set()
        self.on_change: Callable[[], None] = _nobody

    @property
    def listening(self) -> bool:
        return self._stopped_by is None

    @property
    def withdrawn(self) -> tuple[str, ...]:
        """The identities that are not heard while the others are."""
        return tuple(sorted(self._withdrawn))

    def attach(self, listener: Listener) -> None:
        """A listener that comes later is told at once what holds."""
        self._listeners.append(listener)
        for identity in self._withdrawn:
            listener.exclude(identity)
        if not self.listening:
            listener.stop_listening()

    def detach(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def stop(self, identity: str, scope: Scope = Scope.ROOM) -> None:
        if scope is Scope.ME:
            self._withdrawn.add(identity)
            for listener in self._listeners:
                listener.exclude(identity)
        elif self.listening:
            self._stopped_by = identity
            for listener in self._listeners:
                listener.stop_listening()
        logger.info("Listening was stopped", extra={"scope": scope.value})
        self.on_change()

    def resume(self, identity: str, scope: Scope = Scope.ROOM, *, authority: bool = False) -> None:
        """`authority` is the operator of the server, who may lift the room's silence always.

        :raises PermissionError: when somebody else stopped it and this one may not control.
        """
        if scope is Scope.ME:
            self._withdrawn.discard(identity)
            for listener in self._listeners:
                listener.include(identity)
        elif not self.listening:
            if not (authority or identity == self._stopped_by or self._may_control(identity)):
                raise PermissionError(
                    "somebody else stopped the listening; they can resume it, or who may control"
                )
            self._stopped_by = None
            for listener in self._listeners:
                listener.resume_listening()
        logger.info("Listening was resumed", extra={"scope": scope.value})
        self.on_change()
