"""Endpoints that break, lie and drip: of each come words, or one line of why there are none."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

import pytest

from interject.agent.responder.chat_server import ChatServer
from interject.agent.responder.completion import TokenUse, ToolCall
from interject.agent.responder.failures import ResponderFailure, ResponderUnusable
from tests.agent.responder.worlds import endpoint, profile
from tests.fakes.model_server import ModelServer, Scripted, said, streamed

HELLO = streamed("Hel", "lo \u2028 there", usage=(5, 2))


async def parts(server: ModelServer, **responder: Any) -> list[Any]:
    settings = profile(server.url, responder).responder
    assert settings is not None
    chat = ChatServer(settings, {"KEY": "secret"})
    try:
        found = cast("Any", chat.complete([{"role": "user", "content": "hi"}], []))
        async with aclosing(found):
            return [part async for part in found]
    finally:
        await chat.aclose()


@pytest.mark.parametrize(
    "answer",
    [HELLO, replace(HELLO, drip_s=0.0001), replace(HELLO, body=HELLO.body.replace(b"\n", b"\r\n"))],
)
async def test_words_come_however_they_are_sent(answer: Scripted) -> None:
    with endpoint(answer) as server:
        found = await parts(server, api_key_env="KEY")
    assert found == ["Hel", "lo \u2028 there", TokenUse(5, 2)]
    assert server.received[0].key == "Bearer secret"


async def test_one_that_does_not_stream_is_understood_too() -> None:
    with endpoint(said("Hello.")) as server:
        assert await parts(server) == ["Hello."]


async def test_one_that_counts_no_tokens_is_asked_without() -> None:
    def answer(request: Any) -> Scripted:
        return Scripted(b"{}", status=400) if "stream_options" in request.json else HELLO

    with endpoint() as server:
        server.respond = answer
        assert (await parts(server))[0] == "Hel"


async def test_a_call_in_pieces_is_one_call() -> None:
    pieces = [
        {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "order", "arguments": ""}}]},
        {"tool_calls": [{"index": 1, "id": "b", "function": {"name": "hours"}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"num'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'ber": 7}'}}]},
    ]
    with endpoint(streamed(*pieces)) as server:
        found = await parts(server)
    assert found == [ToolCall("a", "order", '{"number": 7}'), ToolCall("b", "hours", "")]


def piece(name: str | None = None, arguments: Any = None, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{**more, "function": {"name": name, "arguments": arguments}}]}


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}])
async def test_two_calls_stay_two_where_a_server_does_not_number_them(index: Any) -> None:
    pieces = [
        piece("order", '{"num', id="a", **index),
        piece(None, 'ber": 7}', **index),
        piece("order", {"number": 8}, id="b", **index),
        piece("order", "", id="b", **index),
    ]
    with endpoint(streamed(*pieces)) as server:
        found = await parts(server)
    assert found == [
        ToolCall("a", "order", '{"number": 7}'),
        ToolCall("b", "order", '{"number": 8}'),
    ]


async def test_two_calls_without_number_and_name_of_their_own_stay_two() -> None:
    with endpoint(streamed(piece("order", "{}", id=""), piece("hours", "{}", id=""))) as server:
        found = await parts(server)
    assert found == [ToolCall("call-0", "order", "{}"), ToolCall("call-1", "hours", "{}")]


async def test_of_content_in_parts_the_text_is_said() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    with endpoint(streamed({"content": [thought, {"type": "text", "text": "At ten."}]})) as server:
        assert await parts(server) == ["At ten."]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Scripted(b"{}", status=500), "it answered 500"),
        (Scripted(b"", status=307, headers=(("Location", "http://127.0.0.1:1/"),)), "answered 307"),
        (Scripted(b"<html>", kind="text/html"), "no chat completion"),
        (Scripted(b"<html>"), "no chat completion"),
        (Scripted(b"data: {\n\n", kind="text/event-stream"), "no chat completion"),
        (Scripted(b'data: {"choices": 5}\n\n', kind="text/event-stream"), "no chat completion"),
        (Scripted(b'data: {"error": {"message": "x"}}\n\n', kind="text/event-stream"), "an error"),
        (replace(HELLO, cut_at=40), "broke off"),
        (Scripted(b"data: " + b"x" * 2_000_000, kind="text/event-stream"), "does not end"),
    ],
)
async def test_what_is_no_answer_is_one_line(answer: Scripted, why: str) -> None:
    with endpoint(answer) as server, pytest.raises(ResponderFailure, match=why) as raised:
        await parts(server)
    assert "\n" not in str(raised.value)


async def test_one_that_is_not_there_is_one_line() -> None:
    with endpoint() as server:
        pass
    with pytest.raises(ResponderFailure, match="cannot be reached"):
        await parts(server)


async def test_a_key_that_is_not_set_is_said_before_anybody_is_heard() -> None:
    settings = profile("http://127.0.0.1:1/v1", {"api_key_env": "NO_KEY"}).responder
    assert settings is not None
    with pytest.raises(ResponderUnusable, match="variable NO_KEY, which is not set"):
        ChatServer(settings, {})


async def test_whoever_stops_reading_closes_the_connection() -> None:
    body = HELLO.body
    with endpoint(replace(HELLO, hold_at=body.index(b"lo "))) as server:
        settings = profile(server.url).responder
        assert settings is not None
        chat = ChatServer(settings)
        found = cast("Any", chat.complete([], []))
        async with aclosing(found):
            assert await anext(found) == "Hel"
        await asyncio.to_thread(server.left.wait, 20)
        assert server.left.is_set()
        await chat.aclose()


async def test_what_a_profile_adds_goes_along() -> None:
    with endpoint(HELLO) as server:
        await parts(server, extra={"top_p": 0.5, "max_completion_tokens": 9})
    asked = json.loads(server.received[0].body)
    assert (asked["top_p"], asked["max_completion_tokens"], asked["stream"]) == (0.5, 9, True)
