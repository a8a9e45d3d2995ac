"""In a real room a responder's process says what stands in a note, and what a tool has found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from interject.config.notes import NotesSettings
from interject.config.responder import ChatResponder, PythonTool
from interject.model_runtime.protocol import Cause
from tests.fakes.runtime import FakeRuntime, Scripted
from tests.live.livekit.participants import person
from tests.live.livekit.test_room import AGENT, ROOM, agent
from tests.live.responder_process import responder_process
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.live.livekit.server import LiveKitServer

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]

NOTE = "# Opening hours\nWe are open from nine to five, and on Sunday from ten to two.\n"
DESK = "tests.agent.responder.desk_tools:order_status"


@pytest.mark.parametrize(
    ("options", "words", "source"),
    [
        ([], "We are open from nine to five, and on Sunday from ten to two.", "shop.md, Opening"),
        (
            ["--call", "order_status", "--arguments", '{"number": 7}'],
            "Order 7 left yesterday.",
            "tool order_status",
        ),
    ],
    ids=["note", "tool"],
)
async def test_a_reply_is_said_and_its_source_stands_in_the_chat(
    livekit_server: LiveKitServer, tmp_path: Path, options: list[str], words: str, source: str
) -> None:
    (tmp_path / "shop.md").write_text(NOTE)
    runtime = FakeRuntime()
    with responder_process(*options) as url:
        tool = PythonTool(kind="python", name="order_status", entry=DESK)
        changes: dict[str, Any] = {
            "outputs": ("spoken", "posted"),
            "notes": NotesSettings(folder=str(tmp_path)),
            "responder": ChatResponder(
                engine="chat", base_url=url, model="m", tools=(tool,),
                max_wait_s=60.0,
            ),
        }  # fmt: skip
        async with (
            person(livekit_server, ROOM, "ann") as ann,
            agent(livekit_server, runtime, **changes),
        ):
            await until(lambda: runtime.sessions, "the gate")
            runtime.sessions[0].reply(Scripted("We are open from nine."), cause=Cause.MODEL)
            await until(lambda: ann.found("transcription"), "the words")
            await until(lambda: words in ann.found("transcription")[-1].fields["text"], "all words")
            await until(lambda: ann.found("voice_started", identity=AGENT), "the voice")
            await until(lambda: runtime.sessions[0].said == [words], "the gate's memory")
            chats = [str(one.fields["text"]) for one in ann.found("chat", identity=AGENT)]
    assert chats[-1].partition("\n")[0] == words
    assert source in chats[-1].partition("\n")[2]
