"""Names, chat and the end of a meeting, as Attendee's server posts them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import OrderedDict
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import ValidationError

from interject.integrations.sockets.attendee.messages import (
    CHAT,
    COMING,
    LONGEST_NAME,
    OVER,
    STATE,
    AttendeeEvent,
    ChatData,
    ComingData,
    StateData,
)
from interject.integrations.sockets.socket_events import (
    ClosedByPeer,
    TextWritten,
    TrackLeft,
    TrackNamed,
)
from interject.integrations.web.guarded_route import guarded

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from interject.integrations.sockets.attendee.roster import Roster
    from interject.integrations.sockets.attendee.settings import AttendeeSettings
    from interject.integrations.sockets.meeting_control import MeetingControl
    from interject.integrations.sockets.platform import CallEvents

PATH = "/sockets/attendee/webhook"
SIGNATURE = "x-webhook-signature"
NOT_SIGNED = (
    "Attendee has not signed this with INTERJECT_ATTENDEE_WEBHOOK_SECRET, which its page Settings, "
    "Webhooks shows"
)
NO_SECRET = "set INTERJECT_ATTENDEE_WEBHOOK_SECRET, which Attendee's page Settings, Webhooks shows"
NOT_READ = "this is no event of Attendee's"
MOST_KEYS = 4_096


def signature(payload: object, secret: str) -> str:
    """Of what was posted, written again: Attendee signs no bytes, but the JSON with sorted keys."""
    canonical = json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    key = base64.b64decode(secret)
    digest = hmac.new(key, canonical.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


class AttendeeWebhooks:
    """An event that comes twice, as one whose answer got lost, is one. Its signature has no time
    in it, so whoever has recorded one may send it again; the last `MOST_KEYS` are known.
    """

    def __init__(
        self,
        settings: AttendeeSettings,
        roster: Roster,
        control: MeetingControl | None,
        calls: CallEvents,
    ) -> None:
        self._settings = settings
        self._roster = roster
        self._control = control
        self._calls = calls
        self._seen: OrderedDict[str, None] = OrderedDict()

    def router(self) -> APIRouter:
        router = APIRouter(route_class=guarded(self._check))

        @router.post(PATH)
        async def event(request: Request) -> Response:
            self._take(self._signed(await request.body(), request.headers.get(SIGNATURE, "")))
            return Response(status_code=HTTPStatus.NO_CONTENT)

        return router

    def _check(self, connection: HTTPConnection) -> None:
        """Before its body is read."""
        settings = self._settings
        if not (settings.webhook_secret or settings.insecure_dev):
            raise HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, NO_SECRET)
        if settings.webhook_secret and SIGNATURE not in connection.headers:
            raise HTTPException(HTTPStatus.FORBIDDEN, NOT_SIGNED)

    def _signed(self, body: bytes, signed: str) -> Any:
        """:raises HTTPException: when it is no JSON, or somebody else's."""
        try:
            payload = json.loads(body)
        except (ValueError, RecursionError):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, NOT_READ) from None
        if secret := self._settings.webhook_secret:
            own = signature(payload, secret)
            if not hmac.compare_digest(own.encode(), signed.encode("latin-1", "replace")):
                raise HTTPException(HTTPStatus.FORBIDDEN, NOT_SIGNED)
        return payload

    def _take(self, payload: Any) -> None:
        """What is of no use here is answered alike: Attendee would send it again.

        :raises HTTPException: when it is no event of a bot's.
        """
        try:
            event = AttendeeEvent.model_validate(payload)
            if self._is_new(event.idempotency_key):
                self._pass_on(event)
        except ValidationError:
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, NOT_READ) from None

    def _pass_on(self, event: AttendeeEvent) -> None:
        match event.trigger:
            case str() as trigger if trigger == COMING:
                self._coming(event.bot_id, ComingData.model_validate(event.data))
            case str() as trigger if trigger == CHAT:
                self._written(event.bot_id, ChatData.model_validate(event.data))
            case str() as trigger if trigger == STATE:
                if StateData.model_validate(event.data).new_state in OVER:
                    self._roster.forget(event.bot_id)
                    self._calls.take(event.bot_id, ClosedByPeer("the meeting is over"))

    def _coming(self, bot_id: str, coming: ComingData) -> None:
        uuid = coming.participant_uuid
        if coming.event_type == "join":
            name = (coming.participant_name or uuid)[:LONGEST_NAME]
            self._roster.came(bot_id, uuid, name)
            self._calls.take(bot_id, TrackNamed(uuid, name))
        elif coming.event_type == "leave":
            self._roster.left(bot_id, uuid)
            self._calls.take(bot_id, TrackLeft(uuid))

    def _written(self, bot_id: str, chat: ChatData) -> None:
        if self._control is not None and self._control.is_own(bot_id, chat.text):
            return
        if chat.sender_name:
            self._calls.take(bot_id, TrackNamed(chat.sender_uuid, chat.sender_name[:LONGEST_NAME]))
        self._calls.take(bot_id, TextWritten(chat.sender_uuid, chat.text))

    def _is_new(self, key: str) -> bool:
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > MOST_KEYS:
            self._seen.popitem(last=False)
        return True
