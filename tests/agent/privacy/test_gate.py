"""Whatever a session lets out has passed the gate: every sort of output, and every opener."""

from __future__ import annotations

import re
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from interject.agent import AgentSession, CollectingOutput, Cue, Posted, Spoken
from interject.agent.cues.checklist import ChecklistUpdate
from interject.agent.cues.pipeline import CuePipeline
from interject.agent.cues.summary import CallSummary
from interject.agent.outputs import Unvoiced
from interject.agent.privacy.gate import gated
from interject.config import Profile
from interject.integrations.web.webhook_event import webhook_event
from interject.model_runtime.protocol import (
    Cause,
    Decision,
    EndReason,
    FloorMode,
    ReplyDelta,
    ReplyEnded,
    SessionOptions,
    Speaker,
)
from tests.agent.test_session import until
from tests.fakes.runtime import Cancelled, FakeRuntime, Scripted
from tests.fakes.voice import FakeVoice

ROOT = Path(__file__).parents[3]
CARD, MAIL, RING = "4111 1111 1111 1111", "anna@firma.example", "+49 171 5551234"
TEXT = f"[offer] Her card is {CARD}, mail {MAIL} or ring {RING}. [done asked]"
SHOWN = "Her card is [card], mail [email] or ring [phone]."
OPENS = re.compile(r"await [\w.() ]+\.open\([^)]")
SECRETS = ("4111", "1111", "anna@", "firma.example", "5551234")


def profile(**changes: Any) -> Profile:
    given = {
        "name": "test",
        "system_prompt": "listen",
        "cue": {"categories": {"offer": {}}},
        "checklist": {"items": {"asked": "Asks for the card"}},
        "privacy": {"redact": ["card", "iban", "phone", "email"]},
        **changes,
    }
    return Profile.model_validate(given)


class Everywhere:
    """Keeps all that a session lets out, as a door does."""

    def __init__(self, role: Profile) -> None:
        self.cues = CuePipeline(role, "call", lambda: ["ann"], wall_clock=lambda: 0.0)
        self.left: list[Any] = list(self.cues.begin())

    def observe(self, event: Any) -> None:
        self.cues.observe(event)
        self.left.append(event)

    def started(self, *args: Any) -> None:
        self.left += args

    def ended(self, started: Any, ended: Any, verdict: Any) -> None:
        self.left += [started, ended, *self.cues.replied(started, ended, verdict)]

    async def emit(self, event: Any) -> None:
        for one in self.cues.add(event):
            self.left += [one, webhook_event(one, now=0.0).model_dump_json()]

    def finish(self) -> None:
        for one in self.cues.finish():
            self.left += [one, webhook_event(one, now=0.0).model_dump_json()]

    def said(self) -> str:
        """Texts are in no `repr` of what a session lets out."""
        return "\n".join(_whole(one) for one in self.left)


def _whole(one: Any) -> str:
    shown = is_dataclass(one) and not isinstance(one, type)
    return repr(asdict(one) if shown else one)


async def test_every_sort_of_output_has_lost_what_the_profile_names() -> None:
    runtime, voice = FakeRuntime(), FakeVoice()
    role = profile(mode="speak", outputs=["spoken", "posted", "cue"])
    out = Everywhere(role)
    async with AgentSession(
        runtime, role, voice=voice, outputs=[out], observer=out.observe, watcher=out
    ) as session:
        model = runtime.sessions[0]
        model.reply(Scripted(TEXT), cause=Cause.MODEL)
        await session.finish()
        heard = " ".join(word.text for word in session.heard_words())
    out.finish()
    kinds = {type(one) for one in out.left}
    assert {Spoken, Posted, Cue, ChecklistUpdate, CallSummary, ReplyDelta} <= kinds
    texts = [one.text for one in out.left if isinstance(one, Spoken | Posted | Cue)]
    assert texts == [SHOWN] * 3
    for secret in SECRETS:
        assert secret not in out.said()
        assert secret not in "".join(voice.texts) + heard


async def test_what_is_read_since_no_voice_says_it_has_passed_too() -> None:
    runtime, output = FakeRuntime(), CollectingOutput()
    async with AgentSession(
        runtime, profile(), voice=FakeVoice(fails_after=0), outputs=[output], readers=True
    ) as session:
        runtime.sessions[0].reply(Scripted(TEXT), cause=Cause.MODEL)
        await until(lambda: output.events != [])
        await session.stop()
    (read,) = [event for event in output.events if isinstance(event, Unvoiced)]
    assert read.text == SHOWN


async def test_a_caller_s_number_as_a_name_is_in_no_summary() -> None:
    cues = CuePipeline(profile(), "call", list)
    cues.observe(decided("sip_+491715551234"))
    (summary,) = [one for one in cues.finish() if isinstance(one, CallSummary)]
    assert [one.speaker for one in summary.talk] == ["sip_[phone]"]
    assert "5551234" not in summary.markdown


def decided(identity: str) -> Any:
    speakers = (Speaker(identity, -20.0),)
    return Decision("s", 0, 0.0, 1.0, 0.0, 0.3, False, FloorMode.SPEAK, speakers=speakers)


async def opened(runtime: FakeRuntime, **changes: Any) -> Any:
    options = SessionOptions("s", "listen", mode=FloorMode.SPEAK)
    return await gated(runtime, profile(**changes)).open(options)


async def test_a_number_s_tokens_leave_as_little_as_its_text_and_the_others_do() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    runtime.sessions[0].reply(Scripted(f"It is {CARD} now."), cause=Cause.MODEL)
    await runtime.sessions[0].close()
    events = [event async for event in session.events()]
    ids = [event.token_ids for event in events if isinstance(event, ReplyDelta)]
    assert sum(map(len, ids)) < len(f"It is {CARD} now.".split()) - 3
    assert "".join(e.text for e in events if isinstance(e, ReplyDelta)) == "It is [card] now."


async def test_the_tokens_of_a_text_that_waits_to_the_end_leave_with_it() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    runtime.sessions[0].reply(Scripted("It is 4111"), cause=Cause.MODEL)
    await runtime.sessions[0].close()
    deltas = [event async for event in session.events() if isinstance(event, ReplyDelta)]
    assert "".join(delta.text for delta in deltas) == "It is 4111"
    assert [one for delta in deltas for one in delta.token_ids] == [1, 1, 1]


async def test_a_reply_that_was_cut_in_a_number_is_kept_without_its_half() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    model = runtime.sessions[0]
    model.reply(Scripted(f"It is {CARD} now", whole=False), cause=Cause.MODEL)
    model.end_reply(0, "It is 4111 1111 1", EndReason.CANCELLED)
    await model.close()
    (ended,) = [one async for one in session.events() if isinstance(one, ReplyEnded)]
    assert ended.text == "It is [card]"


async def test_half_of_a_placeholder_heard_is_nothing_of_the_number() -> None:
    runtime = FakeRuntime()
    session = await opened(runtime)
    model = runtime.sessions[0]
    model.reply(Scripted(f"It is {CARD} now."), cause=Cause.MODEL)
    await model.close()
    async for _ in session.events():
        pass
    model._closed = False
    for chars in (6, 9, len("It is [card]"), len("It is [card] no")):
        await session.cancel(0, heard_chars=chars)
    whole = len(f"It is {CARD}")
    assert model.cancelled == [Cancelled(0, heard) for heard in (6, 6, whole, whole + 3)]


async def test_a_profile_that_takes_nothing_out_changes_nothing() -> None:
    runtime = FakeRuntime()
    bare = Profile.model_validate(
        {"name": "t", "system_prompt": "listen", "privacy": {"redact": []}}
    )
    assert gated(runtime, bare) is runtime


def test_nobody_opens_a_session_beside_the_gate() -> None:
    """`open(options)` of a runtime is called in few places, and what they open went through it."""
    beside = {
        "agent/profiled_runtime.py",
        "agent/responder/responding_runtime.py",
        "agent/rewritten_runtime.py",
        "agent/session.py",
        "integrations/conversation/lasting_runtime.py",
        "integrations/conversation/runtime_connection.py",
    }
    found = {
        str(path.relative_to(ROOT))
        for folder in ("agent", "integrations")
        for path in (ROOT / folder).rglob("*.py")
        if OPENS.search(path.read_text(encoding="utf-8"))
    }
    assert found == beside
    assert "gated(" in (ROOT / "agent/profiled_runtime.py").read_text(encoding="utf-8")
    for gate in ("agent/session.py", "integrations/livekit/model.py"):
        assert "ProfiledRuntime(" in (ROOT / gate).read_text(encoding="utf-8")
