"""Finding out that a worker died, long before its lease ends."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.model_runtime.redis import scripts
from interject.model_runtime.redis.scripts import Script

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from interject.model_runtime.redis.keys import Keys
    from interject.model_runtime.redis.worker.liveness import Liveness

logger = logging.getLogger(__name__)


class FailureDetector:
    """Only who was seen to listen can fall silent, and only while this worker listens as well.

    So nobody is taken for dead when Redis starts again, or another node serves the shard: there
    nobody listens at first.
    """

    def __init__(self, keys: Keys, *, token: str, liveness: Liveness) -> None:
        self._keys = keys
        self._token = token
        self._liveness = liveness
        self._term: int | None = None
        self._seen: set[str] = set()
        self._silent: set[str] = set()

    async def look(self, client: Redis) -> bool:
        """Whether somebody's lease was ended, so that what it had is anyone's.

        That takes two looks in a row: who lost only the connection has the time between them.
        """
        term, suspects = self._liveness.term, self._suspects()
        if term is None:
            return False
        here, ended, *found = await scripts.run(
            client, Script.LOOK, [self._keys.fleet], self._keys.prefix, self._token, *suspects
        )
        if ended:
            logger.warning("workers have died", extra={"count": ended})
        if term == self._liveness.term:
            if here:
                self._note(dict(zip(found[::2], found[1::2], strict=True)), suspects)
            else:
                self._liveness.missed()
        return bool(ended)

    def _suspects(self) -> set[str]:
        """Who was silent at the last look, if that was made under the present subscription."""
        if self._term != self._liveness.term:
            self._term = self._liveness.term
            self._seen.clear()
            self._silent.clear()
        suspects, self._silent = self._silent, set()
        return suspects

    def _note(self, found: dict[bytes, int], suspects: set[str]) -> None:
        """Who was found dead is to be seen again first: a worker may live without listening."""
        silent = {token.decode() for token, listens in found.items() if not listens}
        listening = {token.decode() for token, listens in found.items() if listens}
        self._silent = (silent & self._seen) - suspects
        self._seen = listening | self._silent
