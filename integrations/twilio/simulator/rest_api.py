"""Twilio's REST API, as far as calls go: create, read, update, and streams on a call."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from aiohttp import web

from interject.integrations.twilio.simulator.call_status import CallParties, CallStatus
from interject.integrations.twilio.simulator.debugger import TwilioRefusal
from interject.integrations.twilio.simulator.twiml import StreamOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from interject.integrations.twilio.simulator.call import SimulatedCall
    from interject.integrations.twilio.simulator.cloud import TwilioCloud

    Form = dict[str, str]

VERSION = "2010-04-01"


class RestApi:
    """Used with `async with`; serves `url`. `requests` are the paths and forms that came; the next
    `busy` of them are refused, as Twilio does it where too many come at once.
    """

    def __init__(self, cloud: TwilioCloud, port: int = 0) -> None:
        self.requests: list[tuple[str, Form]] = []
        self.url = ""
        self.busy = 0
        self._cloud, self._port = cloud, port
        application = web.Application()
        calls = f"/{VERSION}/Accounts/{cloud.account_sid}/Calls"
        application.add_routes(
            [
                web.post(f"{calls}.json", self._answered(self._create)),
                web.get(f"{calls}/{{sid}}.json", self._answered(self._read)),
                web.post(f"{calls}/{{sid}}.json", self._answered(self._update)),
                web.post(f"{calls}/{{sid}}/Streams.json", self._answered(self._start_stream)),
                web.post(
                    f"{calls}/{{sid}}/Streams/{{stream}}.json", self._answered(self._stop_stream)
                ),
            ]
        )
        self._runner = web.AppRunner(application, access_log=None)

    async def __aenter__(self) -> RestApi:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._runner.cleanup()

    def _answered(
        self, handle: Callable[[web.Request, Form], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            if request.headers.get("Authorization") != self._credentials():
                return _refused(401, 20003, "Authenticate")
            form = {name: str(value) for name, value in (await request.post()).items()}
            self.requests.append((request.path, form))
            if self.busy:
                self.busy -= 1
                return _refused(429, 20429, "Too Many Requests")
            try:
                return await handle(request, form)
            except KeyError:
                what = f"The requested resource {request.path} was not found"
                return _refused(404, 20404, what)

        return answer

    def _credentials(self) -> str:
        pair = f"{self._cloud.account_sid}:{self._cloud.network.auth_token}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def _create(self, request: web.Request, form: Form) -> web.Response:
        if not form.get("To"):
            return _refused(400, 21201, "No 'To' number is specified")
        if not form.get("From"):
            return _refused(400, 21213, "No 'From' number is specified")
        if not ("Twiml" in form or "Url" in form):
            return _refused(400, 21205, "Url parameter is required.")
        parties = CallParties(form["From"], form["To"], "outbound-api")
        call = self._cloud.new_call(parties, form.get("StatusCallback", ""))
        self._cloud.place(call, form)
        return web.json_response(_shown(call), status=201)

    async def _read(self, request: web.Request, form: Form) -> web.Response:
        return web.json_response(_shown(self._call(request)))

    async def _update(self, request: web.Request, form: Form) -> web.Response:
        call = self._call(request)
        if call.status.is_over:
            return _refused(400, 21220, "Call is not in-progress. Cannot redirect.")
        if "Status" in form:
            await call.end(CallStatus(form["Status"]))
        elif "Twiml" in form:
            await call.follow(form["Twiml"])
        elif "Url" in form:
            await call.follow(await call.fetch(form["Url"]))
        return web.json_response(_shown(call))

    async def _start_stream(self, request: web.Request, form: Form) -> web.Response:
        call = self._call(request)
        given = {
            form[f"{name}.Name"]: form[f"{name}.Value"]
            for name in (key.removesuffix(".Name") for key in form if key.endswith(".Name"))
        }
        try:
            order = StreamOrder.checked(
                form["Url"], form.get("Track", "inbound_track"), two_way=False,
                name=form.get("Name", ""), status_callback=form.get("StatusCallback", ""),
                parameters=given,
            )  # fmt: skip
        except TwilioRefusal as refused:
            return _refused(400, refused.alert.code, refused.alert.detail)
        stream = call.open_stream(order)
        return web.json_response(self._shown_stream(call, stream.sid, "in-progress"), status=201)

    async def _stop_stream(self, request: web.Request, form: Form) -> web.Response:
        call = self._call(request)
        wanted = request.match_info["stream"]
        found = [one for one in call.streams if wanted in (one.sid, one.order.name)]
        if not found:
            raise KeyError(wanted)
        await found[0].stop()
        return web.json_response(self._shown_stream(call, found[0].sid, "stopped"))

    def _shown_stream(self, call: SimulatedCall, sid: str, status: str) -> dict[str, Any]:
        path = f"/{VERSION}/Accounts/{self._cloud.account_sid}/Calls/{call.sid}/Streams/{sid}.json"
        return {
            "sid": sid, "account_sid": self._cloud.account_sid, "call_sid": call.sid,
            "name": None, "status": status, "date_updated": call.network.timestamp(), "uri": path,
        }  # fmt: skip

    def _call(self, request: web.Request) -> SimulatedCall:
        """:raises KeyError: when there is no such call."""
        return self._cloud.calls[request.match_info["sid"]]


def _refused(status: int, code: int, message: str) -> web.Response:
    told = {
        "code": code, "message": message, "status": status,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
    }  # fmt: skip
    return web.json_response(told, status=status)


def _shown(call: SimulatedCall) -> dict[str, Any]:
    account = call.network.account_sid
    path = f"/{VERSION}/Accounts/{account}/Calls/{call.sid}"
    parts = ("notifications", "recordings", "streams")
    return {
        "sid": call.sid, "account_sid": account, "parent_call_sid": None, "api_version": VERSION,
        "to": call.parties.called, "to_formatted": call.parties.called,
        "from": call.parties.caller, "from_formatted": call.parties.caller,
        "phone_number_sid": "", "status": call.status.value, "direction": call.parties.direction,
        "answered_by": call.answered_by or None, "start_time": None, "end_time": None,
        "duration": None, "price": None, "price_unit": "USD", "annotation": None,
        "forwarded_from": None, "group_sid": None, "caller_name": None, "queue_time": "0",
        "trunk_sid": None, "date_created": call.network.timestamp(),
        "date_updated": call.network.timestamp(), "uri": f"{path}.json",
        "subresource_uris": {part: f"{path}/{part.title()}.json" for part in parts},
    }  # fmt: skip
