"""What was stopped in a room, kept for the agent that follows one whose process died there."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, ValidationError

from interject.config.strict import StrictModel

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

SALT_BYTES = 16
KEPT_S = 30 * 86_400.0
"""No room lasts longer; nobody tells a folder that outlives processes when one has ended."""


class Wishes(StrictModel):
    """Digests of who stopped the room's listening, if anybody did, and of who withdrew himself."""

    stopped_by: str | None = None
    withdrawn: tuple[str, ...] = Field(default=(), strict=False)


NONE = Wishes()


@dataclass(frozen=True, slots=True)
class RoomConsent:
    """One room's file. No name and no identity is in it: only who knows `salt` can compare them."""

    path: Path
    salt: bytes = field(repr=False)

    def digest(self, identity: str) -> str:
        return _digest(self.salt, "identity", identity)

    def read(self) -> Wishes:
        """A file that cannot be read may have said no."""
        try:
            return Wishes.model_validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return NONE
        except (OSError, ValidationError) as error:
            logger.error(
                "What was stopped in this room cannot be read; nobody is listened to",
                extra={"error_type": type(error).__name__},
            )
            return Wishes(stopped_by="")

    def write(self, wishes: Wishes) -> None:
        """Whole or not at all, and there before whoever asked is answered."""
        try:
            if wishes == NONE:
                self.path.unlink(missing_ok=True)
                return
            with _private_file(self.path) as fresh:
                fresh.write_text(wishes.model_dump_json(), encoding="utf-8")
                fresh.replace(self.path)
        except OSError as error:
            logger.error(
                "What was stopped in this room cannot be kept; another agent would not know it",
                extra={"error_type": type(error).__name__},
            )


@dataclass(frozen=True, slots=True)
class ConsentStore:
    """A private folder, shared by the processes that serve rooms.

    A room is known by its `sid`: the next room of the same name has another.
    """

    folder: Path
    salt: bytes = field(repr=False)

    @classmethod
    def at(cls, place: str | Path) -> Self:
        """One that outlives them all, with its salt beside the files.

        :raises OSError: when it cannot be used.
        """
        folder = Path(place).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in folder.glob("*.json"):
            if file.stat().st_mtime < time.time() - KEPT_S:
                file.unlink(missing_ok=True)
        return cls(folder, _salt(folder / "salt"))

    def room(self, sid: str) -> RoomConsent:
        return RoomConsent(self.folder / f"{_digest(self.salt, 'room', sid)}.json", self.salt)

    def carry(self, former_sid: str, sid: str) -> None:
        """A server that was away has made the room anew; to the people in it it is the same."""
        wishes = self.room(former_sid).read()
        if former_sid != sid and wishes != NONE:
            self.room(sid).write(wishes)
            self.forget(former_sid)

    def forget(self, sid: str) -> None:
        self.room(sid).write(NONE)


@contextlib.contextmanager
def _private_file(path: Path) -> Iterator[Path]:
    """Beside `path`, under a name of its own: containers that share the folder may have the same
    process id. The folder may be one that others can read.
    """
    fresh = path.with_suffix(f".{secrets.token_hex(8)}")
    fresh.touch(mode=0o600)
    try:
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _salt(path: Path) -> bytes:
    """The first process to come makes it, whole before anybody can read it."""
    with _private_file(path) as fresh:
        fresh.write_bytes(secrets.token_bytes(SALT_BYTES))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(fresh)
    return path.read_bytes()


def _digest(salt: bytes, kind: str, name: str) -> str:
    return hmac.new(salt, f"{kind}:{name}".encode(), hashlib.sha256).hexdigest()
