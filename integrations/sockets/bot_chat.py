"""The chat of meetings, by the REST API of whoever's bot sits in them."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

import httpx

from interject.integrations.sockets.meeting_control import ChatRefused

logger = logging.getLogger(__name__)

ATTEMPT_S = 4.0
PAUSE_S = 0.5
ATTEMPTS = 2
MOST_MEETINGS, MOST_TEXTS = 256, 32
LAST_BMP = 0xFFFF
"""Emoji, above all, lie beyond."""


@dataclass(frozen=True, slots=True)
class ChatApi:
    """`path` has the bot's id in the place of `{bot}`; `longest` is how many characters a text may
    have, and `takes_emoji` whether it may have some beyond the first 65,536.
    """

    path: str
    longest: int
    takes_emoji: bool


class BotChat:
    """A `MeetingControl`, used with `async with`."""

    def __init__(self, url: str, key: str, api: ChatApi, *, pause_s: float = PAUSE_S) -> None:
        self._api = api
        self._pause_s = pause_s
        self._client = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Token {key}"},
            timeout=ATTEMPT_S,
            follow_redirects=False,
            trust_env=False,
        )
        self._own: OrderedDict[str, deque[str]] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(self, call_id: str, text: str) -> None:
        text = writable(text, self._api)
        if not text:
            return
        own = self._own.setdefault(call_id, deque(maxlen=MOST_TEXTS))
        self._own.move_to_end(call_id)
        if len(self._own) > MOST_MEETINGS:
            self._own.popitem(last=False)
        own.append(text)
        await self._send(call_id, text)

    def is_own(self, call_id: str, text: str) -> bool:
        own = self._own.get(call_id, deque())
        if (said := text.strip()) not in own:
            return False
        own.remove(said)
        return True

    async def _send(self, call_id: str, text: str) -> None:
        body = {"to": "everyone", "message": text}
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(self._pause_s)
            reason, passing = await self._attempt(self._api.path.format(bot=call_id), body)
            if not reason:
                return
            if not passing:
                break
        logger.warning("A chat message was not written", extra={"reason": reason})
        raise ChatRefused(reason)

    async def _attempt(self, path: str, body: dict[str, str]) -> tuple[str, bool]:
        """Why not, and whether that may be over at the next attempt. The answer's body is of no
        interest.
        """
        try:
            # httpx counts the seconds anew with each piece of an answer.
            async with (
                asyncio.timeout(ATTEMPT_S),
                self._client.stream("POST", path, json=body) as answer,
            ):
                if answer.is_success:
                    return "", False
                status = answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            return type(error).__name__, True
        passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return f"status {status}", passing or status == HTTPStatus.TOO_MANY_REQUESTS


def writable(text: str, api: ChatApi) -> str:
    """What a meeting's chat takes of it."""
    if not api.takes_emoji:
        text = "".join(one for one in text if ord(one) <= LAST_BMP)
    return text.strip()[: api.longest]
