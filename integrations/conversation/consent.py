"""Who allows to be heard. What it decides holds from the same moment on."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from interject.integrations.conversation.consent_store import Wishes

if TYPE_CHECKING:
    from collections.abc import Callable

    from interject.config import RoomSettings
    from interject.integrations.conversation.consent_store import RoomConsent

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
    the latter. What an earlier agent of this room `kept` holds from the beginning: who stopped and
    who withdrew is known by digests then, until he is `met`.
    """

    def __init__(
        self, *, may_control: Callable[[str], bool], kept: RoomConsent | None = None
    ) -> None:
        self._may_control = may_control
        self._kept: RoomConsent | None = None
        self._digest: Callable[[str], str] = str
        self._listeners: list[Listener] = []
        self._stopped_by: str | None = None
        self._unmet: set[str] = set()
        self._withdrawn: set[str] = set()
        self.on_change: Callable[[], None] = _nobody
        if kept is not None:
            self.keep(kept)

    def keep(self, kept: RoomConsent) -> None:
        """Which room this is has become known; to be called before anybody is met in it."""
        earlier, wishes = self._stopped_by, kept.read()
        self._kept, self._digest = kept, kept.digest
        self._unmet = set(wishes.withdrawn)
        if earlier is not None:
            self._stopped_by = kept.digest(earlier)
            self._changed()
        elif wishes.stopped_by is not None:
            self._stopped_by = wishes.stopped_by
            for listener in self._listeners:
                listener.stop_listening()

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

    def meet(self, identity: str) -> None:
        """Somebody is here; to be called before anything of him can be heard."""
        if (digest := self._digest(identity)) in self._unmet:
            self._unmet.remove(digest)
            self._withdraw(identity)

    def stop(self, identity: str, scope: Scope = Scope.ROOM) -> None:
        if scope is Scope.ME:
            self._withdraw(identity)
        elif self.listening:
            self._stopped_by = self._digest(identity)
            for listener in self._listeners:
                listener.stop_listening()
        logger.info("Listening was stopped", extra={"scope": scope.value})
        self._changed()

    def resume(self, identity: str, scope: Scope = Scope.ROOM, *, authority: bool = False) -> None:
        """`authority` is the operator of the server, who may lift the room's silence always.

        :raises PermissionError: when somebody else stopped it and this one may not control.
        """
        if scope is Scope.ME:
            self._withdrawn.discard(identity)
            self._unmet.discard(self._digest(identity))
            for listener in self._listeners:
                listener.include(identity)
        elif not self.listening:
            if not (authority or self._is_stopper(identity) or self._may_control(identity)):
                raise PermissionError(
                    "somebody else stopped the listening; they can resume it, or who may control"
                )
            self._stopped_by = None
            for listener in self._listeners:
                listener.resume_listening()
        logger.info("Listening was resumed", extra={"scope": scope.value})
        self._changed()

    def _is_stopper(self, identity: str) -> bool:
        return self._digest(identity) == self._stopped_by

    def _withdraw(self, identity: str) -> None:
        self._withdrawn.add(identity)
        for listener in self._listeners:
            listener.exclude(identity)

    def _changed(self) -> None:
        if self._kept is not None:
            withdrawn = self._unmet.union(map(self._digest, self._withdrawn))
            self._kept.write(
                Wishes(stopped_by=self._stopped_by, withdrawn=tuple(sorted(withdrawn)))
            )
        self.on_change()
