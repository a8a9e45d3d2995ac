"""Events arrive signed and once, and a server that is slow, away or wrong holds up no call."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from interject.agent.cues.checklist import ChecklistItem, ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.summary import CallSummary
from interject.agent.floor import Verdict
from interject.agent.outputs import Cue, Posted, Spoken
from interject.agent.responder.tools.asked_tool import AskedTool
from interject.agent.responder.tools.operator import WishOutcome
from interject.config import load_profile
from interject.integrations.web.dead_letters import DeadLetters
from interject.integrations.web.webhook import SENDERS, RetryBackoff, WebhookOutput
from interject.integrations.web.webhook_event import webhook_event
from interject.integrations.web.webhook_signature import WebhookSecret
from interject.model_runtime.protocol import (
    Cause,
    Emotion,
    EndReason,
    FloorMode,
    ReplyEnded,
    ReplyStarted,
)
from tests.fakes.clock import FakeClock
from tests.full_disk import full_disk
from tests.integrations.web.served import served
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"
QUICK = RetryBackoff(pauses_s=(0.0, 0.0, 0.0), attempt_s=0.3)
CUE = Cue(
    "CA1", "CA1-0", "note", 500, "Offer a refund.", Emotion.NORMAL, 7, 3.2, 33.2, 1, ("agent",)
)


class Receiver:
    """A server of the operator's: it answers as `statuses` say, then with 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.headers: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.hangs = False
        self.elsewhere = "/elsewhere"
        self.retry_after = "0"
        routes = [Route(path, self.take, methods=["POST"]) for path in ("/hook", "/elsewhere")]
        self.app = Starlette(routes=routes)

    async def take(self, request: Request) -> Response:
        self.headers.append(dict(request.headers))
        self.bodies.append(await request.body())
        if self.hangs:
            await asyncio.sleep(1)
        status = self.statuses.pop(0) if self.statuses else 204
        headers = {"location": self.elsewhere, "retry-after": self.retry_after}
        return Response(status_code=status, headers=headers)


@asynccontextmanager
async def posting(receiver: Receiver, secret: str = SECRET) -> AsyncIterator[WebhookOutput]:
    async with (
        served(receiver.app) as url,
        WebhookOutput(
            f"{url}/hook", WebhookSecret(secret), backoff=QUICK, wall_clock=FakeClock(1_700_000_000)
        ) as output,
    ):
        yield output


@pytest.mark.parametrize("elsewhere", ["mailto:a@b", "x:foo", "https:foo", "http://[bad"])
async def test_a_redirect_to_no_address_is_dropped_and_the_next_event_arrives(
    elsewhere: str,
) -> None:
    receiver = Receiver(302)
    receiver.elsewhere = elsewhere
    async with posting(receiver) as output:
        await output.emit(CUE)
        await until(lambda: output.dropped)
        await output.emit(CUE)
        await until(lambda: output.delivered)
    assert (output.dropped, output.delivered) == (1, 1)


async def test_an_event_arrives_with_a_signature_that_the_standard_s_libraries_check() -> None:
    receiver = Receiver()
    async with posting(receiver) as output:
        await output.emit(CUE)
    (headers,), (body,) = receiver.headers, receiver.bodies
    signed = f"{headers['webhook-id']}.1700000000.".encode() + body
    digest = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
    assert headers["webhook-timestamp"] == "1700000000"
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert json.loads(body) == {
        "type": "cue.shown",
        "timestamp": "2023-11-14T22:13:20.000+00:00",
        "data": {
            "call": "CA1",
            "cue": {
                "id": "CA1-0", "category": "note", "priority": 500, "text": "Offer a refund.",
                "emotion": "normal", "chunk": 7, "time": 1_700_000_000.0,
                "expiry": 1_700_000_030.0, "count": 1, "sources": [],
            },
            "identities": ["agent"],
        },
    }  # fmt: skip
    assert (output.delivered, output.dropped) == (1, 0)


async def test_what_is_said_and_posted_is_told_too() -> None:
    receiver = Receiver()
    async with posting(receiver) as output:
        await output.emit(Spoken("CA1", 2, 9, 4.0, Emotion.URGENT, "Look out!", 5, True))
        await output.emit(Posted("CA1", 3, 9, 4.0, Emotion.NORMAL, "Noted.", EndReason.COMPLETE))
    found = {told["type"]: told["data"] for told in map(json.loads, receiver.bodies)}
    assert found["reply.spoken"]["heard_chars"] == 5
    assert found["reply.spoken"]["interrupted"] is True
    assert found["reply.posted"]["end"] == "complete"


async def test_what_an_operator_was_asked_is_told_with_his_answer() -> None:
    receiver = Receiver()
    given = (("amount", "5"),)
    asked = AskedTool(
        "CA1", "w", 3, 7, 3.2, "refund", given, "ann", WishOutcome.ALLOWED, "Ada", 2.5
    )
    async with posting(receiver) as output:
        await output.emit(asked)
        await until(lambda: output.delivered)
    told = json.loads(receiver.bodies[0])
    assert told["type"] == "tool.asked"
    assert told["data"] == {
        "call": "CA1", "reply": 3, "chunk": 7, "tool": "refund", "arguments": {"amount": "5"},
        "speaker": "ann", "outcome": "allowed", "by": "Ada", "waited_s": 2.5,
    }  # fmt: skip


async def test_a_signature_is_the_one_of_the_standard_s_own_example() -> None:
    """From the tests of its reference libraries."""
    secret = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = secret.headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', now_s=1_614_265_330
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 507, 520, 524])
async def test_what_may_pass_is_tried_again_under_the_same_id(status: int) -> None:
    receiver = Receiver(status, status)
    async with posting(receiver) as output:
        await output.emit(CUE)
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert len(receiver.bodies) == 3
    assert (output.delivered, output.dropped) == (1, 0)


@pytest.mark.parametrize("status", [302, 307, 400, 401, 404, 410, 501, 505])
async def test_a_refusal_is_not_repeated_and_a_redirect_is_not_followed(status: int) -> None:
    receiver = Receiver(status)
    async with posting(receiver) as output:
        await output.emit(CUE)
    assert len(receiver.bodies) == 1
    assert (output.delivered, output.dropped) == (0, 1)


async def test_events_that_are_refused_again_and_again_hold_up_no_other() -> None:
    """A server may have a fault with summaries alone."""
    refused: list[bytes] = []
    taken: list[bytes] = []

    async def take(request: Request) -> Response:
        body = await request.body()
        (refused if b"Refused" in body else taken).append(body)
        return Response(status_code=500 if b"Refused" in body else 204)

    app = Starlette(routes=[Route("/hook", take, methods=["POST"])])
    slow = RetryBackoff(pauses_s=(1.0,), attempt_s=5.0)
    async with served(app) as url, WebhookOutput(f"{url}/hook", backoff=slow) as output:
        for _ in range(8):
            await output.emit(replace(CUE, text="Refused"))
        await until(lambda: len(refused) == 8, "all of them once")
        await output.emit(CUE)
        await until(lambda: taken, "the one behind them")
        assert len(refused) == 8
    assert len(refused) == 16


async def test_a_connection_serves_many_events() -> None:
    peers = set()

    async def take(request: Request) -> Response:
        peers.add(request.client)
        return Response("taken")

    app = Starlette(routes=[Route("/hook", take, methods=["POST"])])
    async with served(app) as url, WebhookOutput(f"{url}/hook", backoff=QUICK) as output:
        for _ in range(40):
            await output.emit(CUE)
        await until(lambda: output.delivered == 40)
    assert len(peers) <= SENDERS


async def test_an_answer_without_an_end_has_been_given() -> None:
    async def never(request: Request) -> StreamingResponse:
        async def drops() -> AsyncIterator[bytes]:
            for _ in range(200):
                yield b"x" * 1_000

        return StreamingResponse(drops())

    app = Starlette(routes=[Route("/hook", never, methods=["POST"])])
    async with served(app) as url, WebhookOutput(f"{url}/hook", backoff=QUICK) as output:
        await output.emit(CUE)
        await until(lambda: output.delivered)
    assert output.dropped == 0


async def test_a_server_that_stays_broken_is_given_up() -> None:
    receiver = Receiver(*[500] * 9)
    async with posting(receiver) as output:
        await output.emit(CUE)
    assert len(receiver.bodies) == 1 + len(QUICK.pauses_s)
    assert output.dropped == 1


async def test_a_server_that_is_away_costs_events_and_no_time() -> None:
    async with WebhookOutput("http://127.0.0.1:9/hook", backoff=QUICK) as output:
        await output.emit(CUE)
    assert (output.delivered, output.dropped) == (0, 1)


async def test_events_that_a_slow_server_leaves_no_room_for_are_counted() -> None:
    receiver = Receiver()
    receiver.hangs = True
    output = WebhookOutput("http://127.0.0.1:9/hook", backoff=QUICK, waiting_events=3)
    async with asyncio.timeout(1):
        for _ in range(10):
            await output.emit(CUE)
    assert output.dropped == 7


async def test_a_server_that_never_answers_is_left_after_a_while() -> None:
    receiver = Receiver()
    receiver.hangs = True
    async with posting(receiver) as output:
        await output.emit(CUE)
    assert output.dropped == 1
    assert len(receiver.bodies) == 1 + len(QUICK.pauses_s)


@pytest.mark.parametrize("text", ["", "whsec_c2hvcnQ=", "whsec_no base64 at all", "x" * 99])
def test_a_secret_that_is_none_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValueError, match="openssl rand") as caught:
        WebhookSecret(text)
    assert not text or text.removeprefix("whsec_") not in str(caught.value)


async def test_a_server_that_answers_in_drops_is_left_after_a_while() -> None:
    ended = asyncio.Event()
    open_ends: list[asyncio.StreamWriter] = []

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ends.append(writer)
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while not ended.is_set():
                writer.write(b"X-Drop: a\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        open_ends.remove(writer)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with WebhookOutput(f"http://127.0.0.1:{port}/", backoff=QUICK) as output:
            await output.emit(CUE)
            await until(lambda: output.dropped == 1)
        ended.set()
        await until(lambda: not open_ends, "their ends")


async def test_a_checklist_is_an_event_of_its_own() -> None:
    receiver = Receiver()
    item = ChecklistItem("hello", "Greets by name", True, chunk=9, at_s=4.0, time=1_700_000_000.0)
    update = ChecklistUpdate((item,), ("hello",), call="CA1", identities=("agent",))
    async with posting(receiver) as output:
        await output.emit(update)
        await until(lambda: receiver.bodies, "the event")
    event = json.loads(receiver.bodies[0])
    assert event["type"] == "checklist.updated"
    assert event["data"] == {
        "items": [
            {
                "item": "hello", "text": "Greets by name", "done": True, "chunk": 9, "at_s": 4.0,
                "time": 1_700_000_000.0,
            }
        ],
        "ticked": ["hello"],
        "over": False,
        "call": "CA1",
        "identities": ["agent"],
    }  # fmt: skip


async def test_a_call_s_summary_is_an_event_too() -> None:
    receiver = Receiver()
    *_, summary = CuePipeline(load_profile("default"), "CA1", lambda: ["agent"]).finish()
    async with posting(receiver) as output:
        await output.emit(summary)
        await until(lambda: receiver.bodies, "the event")
    event = json.loads(receiver.bodies[0])
    assert (event["type"], event["data"]["call"]) == ("call.summary", "CA1")
    assert event["data"]["markdown"].startswith("# Call CA1")


def test_a_long_call_s_summary_fits_through_a_proxy() -> None:
    cues = CuePipeline(load_profile("default"), "CA1", lambda: ["agent"])
    for number in range(600):
        started = ReplyStarted("CA1", number, number, Emotion.NORMAL, Cause.MODEL, FloorMode.SPEAK)
        ended = ReplyEnded("CA1", number, EndReason.COMPLETE, f"{number} " + "é" * 990, 300)
        list(cues.replied(started, ended, Verdict.SPEAK))
    *_, summary = cues.finish()
    event = webhook_event(summary, now=1.7e9)
    assert len(event.model_dump_json()) < 600_000
    assert isinstance(event.data, CallSummary)
    assert event.data.replies[-1].text.startswith("599 ")
    assert event.data.more_replies + len(event.data.replies) == 600


def test_a_secret_from_a_file_has_a_line_s_end() -> None:
    signed = [WebhookSecret(text).headers("a", b"{}", now_s=1) for text in (SECRET, f"{SECRET}\n")]
    assert signed[0] == signed[1]


async def test_a_server_that_answers_500_for_a_minute_gets_each_event_once() -> None:
    """With its minute, and all our pauses, a hundredth as long."""
    usual = RetryBackoff()
    assert sum(usual.pauses_s[:-1]) > 60.0
    quicker = RetryBackoff(tuple(pause_s / 100 for pause_s in usual.pauses_s), attempt_s=5.0)
    receiver = Receiver(*[500] * 10_000)
    async with (
        served(receiver.app) as url,
        WebhookOutput(f"{url}/hook", WebhookSecret(SECRET), backoff=quicker) as output,
    ):
        for number in range(40):
            await output.emit(replace(CUE, id=f"CA1-{number}", text=f"Card {number}"))
        await asyncio.sleep(0.6)
        refused = len(receiver.bodies)
        receiver.statuses.clear()
        await until(lambda: output.delivered == 40, "all of them")
    assert output.dropped == 0
    taken = [json.loads(body)["data"]["cue"]["text"] for body in receiver.bodies[refused:]]
    assert sorted(taken) == sorted(f"Card {number}" for number in range(40))
    ids = {headers["webhook-id"] for headers in receiver.headers}
    assert len(ids) == 40, "an attempt has the id of the one before"


async def test_what_is_given_up_is_a_dead_letter(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    receiver = Receiver(400)
    async with (
        served(receiver.app) as url,
        WebhookOutput(f"{url}/hook", dead_letters=letters, wall_clock=FakeClock(1.7e9)) as output,
    ):
        await output.emit(CUE)
        await until(lambda: output.dropped == 1)
    (letter,) = letters.read()
    assert (letter.id, letter.reason) == (receiver.headers[0]["webhook-id"], "status 400")
    assert letter.time == "2023-11-14T22:13:20.000+00:00"
    assert letter.event == json.loads(receiver.bodies[0])
    assert (letters.kept, letters.lost) == (1, 0)
    assert letters.path.stat().st_mode & 0o077 == 0


async def test_what_has_no_room_and_what_is_left_at_the_end_are_dead_letters(
    tmp_path: Path,
) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    output = WebhookOutput(
        "http://127.0.0.1:9/hook", dead_letters=letters, backoff=QUICK, waiting_events=3
    )
    for _ in range(5):
        await output.emit(CUE)
    assert [letter.reason for letter in letters.read()] == ["too many wait"] * 2
    async with output:
        pass
    assert len({letter.id for letter in letters.read()}) == 5


async def test_a_call_that_is_forgotten_is_told_to_nobody(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    slow = RetryBackoff(pauses_s=(0.05, 0.05), attempt_s=5.0)
    receiver = Receiver(500, 500, 500, 500, 500, 500)
    async with served(receiver.app) as url:
        hook = WebhookOutput(f"{url}/hook", backoff=slow, dead_letters=letters)
        for call in ("CA1", "CA2"):
            await hook.emit(replace(CUE, session_id=call))
        assert hook.forget({"CA1"}) == 1
        async with hook:
            await until(lambda: receiver.bodies, "the first attempt")
            assert hook.forget({"CA2"}) == 1
            await asyncio.sleep(0.2)
    assert b'"call":"CA1"' not in b"".join(receiver.bodies)
    assert len(receiver.bodies) == 1
    assert not letters.path.exists()


def test_a_file_of_dead_letters_keeps_the_latest(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl", most_bytes=2_000)
    for number in range(100):
        letters.add(f"msg_{number}", b'{"type":"cue.shown"}', "status 500", now=1.7e9)
        assert letters.path.stat().st_size <= 2_000
    kept = [letter.id for letter in letters.read()]
    assert kept == [f"msg_{number}" for number in range(100 - len(kept), 100)]
    assert (letters.kept, letters.lost) == (100, 100 - len(kept))


def letter_of(call: str) -> bytes:
    return json.dumps({"type": "cue.shown", "data": {"call": call, "text": "word" * 20}}).encode()


def test_a_full_disk_costs_no_letter_but_its_own(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.add("msg_1", letter_of("a"), "status 500", now=1.7e9)
    with full_disk(at=letters.path.stat().st_size + 30):
        letters.add("msg_2", letter_of("a"), "status 500", now=1.7e9)
    letters.add("msg_3", letter_of("b"), "status 500", now=1.7e9)
    assert [letter.id for letter in letters.read()] == ["msg_1", "msg_3"]
    assert (letters.kept, letters.lost) == (2, 1)
    with letters.path.open("ab") as file:
        file.write(b'{"id":"torn')
    letters.add("msg_4", letter_of("b"), "status 500", now=1.7e9)
    assert [letter.id for letter in letters.read()] == ["msg_1", "msg_3", "msg_4"]


def test_of_a_call_that_is_forgotten_no_torn_line_stays(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.add("msg_1", letter_of("b"), "status 500", now=1.7e9)
    with letters.path.open("ab") as file:
        file.write(letter_of("a")[:70] + b"\n")
    died = tmp_path / ".dead.jsonl.new"
    died.write_bytes(letter_of("a"))
    assert letters.forget({"a"}) == 0
    assert letters.path.read_bytes().count(b"\n") == 1
    assert [letter.id for letter in letters.read()] == ["msg_1"]
    assert not died.exists()
    with full_disk(at=10), pytest.raises(OSError, match="too large"):
        letters.keep(letters.read())
    assert [path.name for path in tmp_path.iterdir()] == ["dead.jsonl"]


def test_a_line_that_is_no_letter_is_left_out_and_a_folder_costs_no_call(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl")
    letters.path.write_text('{"id": "ms\n\n[]\n')
    letters.add("msg_1", b"{}", "status 500", now=1.7e9)
    assert [letter.id for letter in letters.read()] == ["msg_1"]
    nowhere = DeadLetters(tmp_path / "no" / "dead.jsonl")
    nowhere.add("msg_1", b"{}", "status 500", now=1.7e9)
    assert (nowhere.kept, nowhere.lost) == (0, 1)
