"""The requests themselves, as vLLM's server takes them for Fun-Audio-Chat, and as OpenAI's does."""

from __future__ import annotations

import base64
import io
import math
import wave
from typing import TYPE_CHECKING, Any

from interject.agent.responder.dialogue import DialogueTurn, Enquiry
from interject.agent.responder.recent_sound import seconds_of
from interject.agent.responder.script import ChatScript
from interject.agent.responder.sources import Sources
from interject.agent.responder.tools.tool import Tool, ToolResult
from interject.config.responder import FUN_AUDIO_CHAT_ROLE
from interject.model_runtime.protocol import SAMPLE_RATE_HZ, Cause
from tests.agent.responder.test_responding import DRAFT, ended, hear
from tests.agent.responder.test_tools import ORDER
from tests.agent.responder.worlds import endpoint, profile, room
from tests.fakes.model_server import streamed
from tests.fakes.runtime import Scripted

if TYPE_CHECKING:
    from interject.config.responder import ResponderBase

SECOND = b"\1\0" * SAMPLE_RATE_HZ


def fun_audio_chat(**changes: Any) -> ResponderBase:
    settings = profile("", {"engine": "fun_audio_chat", "base_url": "http://a/v1", **changes})
    assert settings.responder is not None
    return settings.responder


async def test_fun_audio_chat_is_asked_as_it_was_trained() -> None:
    wanted = {"engine": "fun_audio_chat", "model": "FunAudioLLM/Fun-Audio-Chat-8B"}
    with endpoint(streamed("At ten.")) as server:
        async with room(server, wanted) as world:
            await hear(world, 1)
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    asked = server.received[0].json
    assert server.received[0].path == "/v1/chat/completions"
    sound = asked["messages"][1]["content"][0]["input_audio"].pop("data")
    assert len(sound) > 10_000
    assert asked == {
        "model": "FunAudioLLM/Fun-Audio-Chat-8B",
        "messages": [
            {"role": "system", "content": FUN_AUDIO_CHAT_ROLE},
            {
                "role": "user",
                "content": [
                    {"type": "input_audio", "input_audio": {"format": "wav"}},
                    {"type": "text", "text": f"The draft of your reply: {DRAFT}"},
                ],
            },
        ],
        "temperature": 0.0,
        "max_tokens": 160,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


async def test_fun_audio_chat_gets_what_a_tool_has_found_as_hermes_has_it() -> None:
    wanted = {"engine": "fun_audio_chat", "tools": [ORDER]}
    call = '<tool_call>{"name": "order_status", "arguments": {"number": 7}}</tool_call>'
    with endpoint(streamed(call), streamed("Yesterday [1].")) as server:
        async with room(server, wanted) as world:
            await hear(world, 1)
            world.gate.reply(Scripted(DRAFT), cause=Cause.MODEL)
            await ended(world)
    first, second = (request.json for request in server.received)
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][2:] == [
        {"role": "assistant", "content": call},
        {
            "role": "user",
            "content": '<tool_response>{"name": "order_status", '
            '"content": "[1] Order 7 left yesterday."}</tool_response>',
        },
    ]
    assert {**second, "messages": []} == {**first, "messages": []}
    assert "tools" not in second


def positions(messages: list[dict[str, Any]], sound_s: float) -> float:
    """Letters a third, sound five a second: what vLLM counts is ceil(floor(25 s) / 5)."""
    texts = [one["content"] for one in messages if isinstance(one["content"], str)]
    texts += [
        p["text"] for one in messages for p in one["content"] if isinstance(p, dict) and "text" in p
    ]
    return sum(6 + len(text) / 3 for text in texts) + math.ceil(math.floor(25 * sound_s) / 5)


def test_its_2048_positions_and_eight_turns_hold_however_long_people_talk() -> None:
    turns = tuple(
        DialogueTurn("assistant" if at % 2 else "user", f"Turn {at}. " + "word " * 150)
        for at in range(30)
    )
    asked = Enquiry(DRAFT, heard=SECOND * 280, turns=turns)
    settings = fun_audio_chat(most_sound_s=300.0)
    messages = ChatScript(settings).messages(asked, Sources())
    assert len(messages) <= 1 + 8
    assert messages[0]["content"] == FUN_AUDIO_CHAT_ROLE
    assert positions(messages, 280) + settings.max_tokens <= 2_048
    kept = [one["content"].partition(".")[0] for one in messages[1:-1]]
    assert kept == [f"Turn {at}" for at in range(30 - len(kept), 30)]


def test_of_sound_that_is_too_long_the_end_is_kept() -> None:
    asked = Enquiry(DRAFT, heard=b"\2\0" * SAMPLE_RATE_HZ * 100 + SECOND * 100)
    settings = fun_audio_chat(most_positions=600, most_sound_s=300.0)
    content = ChatScript(settings).messages(asked, Sources())[-1]["content"]
    with wave.open(io.BytesIO(base64.b64decode(content[0]["input_audio"]["data"]))) as file:
        sound = file.readframes(file.getnframes())
    assert 60 <= seconds_of(sound) <= 88
    assert set(sound) == {0, 1}


def test_its_tools_stand_in_its_prompt() -> None:
    settings = fun_audio_chat()

    async def run(arguments: dict[str, Any]) -> ToolResult:
        return ToolResult("")

    script = ChatScript(settings, [Tool("order", "Finds it.", {"type": "object"}, run)])
    (system, _) = script.messages(Enquiry(DRAFT), Sources())
    assert script.offered == []
    assert system["content"].startswith(FUN_AUDIO_CHAT_ROLE)
    assert '"name": "order"' in system["content"].partition("<tools>")[2]
