"""The console's API and socket: who may come, what a session tells, and what operators may do."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from interject.agent.outputs import Cue
from interject.agent.records.store import RecordStore
from interject.integrations.console.access import ONLY_LOOKS
from interject.integrations.console.console import CROWDED, FULL
from interject.integrations.console.console_socket import (
    MOST_FOLLOWED,
    NOT_SIGNED_IN,
    SIGN_IN_FIRST,
    TOO_MANY_FOLLOWED,
    WRONG_TOKEN,
)
from interject.integrations.console.feed import WAITING_MESSAGES
from interject.integrations.console.own_session import NO_AGENT, NO_CARD
from interject.integrations.console.session_source import KEPT_S
from interject.integrations.console.shown_sessions import UNKNOWN
from interject.integrations.console.strangers import MOST_OF_ONE, Strangers
from interject.integrations.conversation.cues import cue_message
from interject.integrations.web.audio_socket import TRY_AGAIN
from interject.integrations.web.refusals import NO_JSON
from interject.model_runtime.protocol import Cause, Emotion
from tests.fakes.runtime import Scripted
from tests.integrations.console.desk import OPERATOR, VIEWER, ConsolePage, Desk, desk
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "The bread is burning."
NUMBER = "+49301234567"


async def refused(desk: Desk, first: str) -> tuple[int, str]:
    """How a socket is closed whose first message is this."""
    address = desk.url.replace("http", "ws") + "/api/console/socket"
    async with connect(address) as connection:
        await connection.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def test_a_token_says_who_may_look_and_who_may_operate() -> None:
    async with desk() as there, there.call():
        session = there.sessions.states[0].id
        path = f"/api/console/sessions/{session}"
        for token, looks, operates in ((OPERATOR, 200, 200), (VIEWER, 200, 403), ("no", 401, 401)):
            async with there.http(token) as http:
                assert (await http.get("/api/console/me")).status_code == looks
                assert (await http.get(path)).status_code == looks
                done = await http.post(f"{path}/commands", json={"do": "answer_now"})
                assert done.status_code == operates
                if operates == 403:
                    assert done.json() == {"detail": ONLY_LOOKS}
        async with there.http(VIEWER) as http:
            assert (await http.get("/api/console/me")).json()["role"] == "viewer"
            assert (await http.get("/api/cues?wrong=1")).status_code == 422, "viewers see cues"


async def test_a_socket_asks_who_it_is_before_it_tells_anything() -> None:
    async with desk() as there:
        for first, reason in (
            (json.dumps({"type": "sign_in", "token": "wrong"}), WRONG_TOKEN),
            (json.dumps({"type": "sign_in"}), WRONG_TOKEN),
            (json.dumps({"type": "follow", "session": "x"}), SIGN_IN_FIRST),
            ("{", SIGN_IN_FIRST),
        ):
            assert await refused(there, first) == (NOT_SIGNED_IN, reason)
        async with there.page(VIEWER, origin=there.url) as page:
            assert (page.welcome["role"], page.welcome["sessions"]) == ("viewer", [])
        with pytest.raises(InvalidStatus):
            async with there.page(origin="https://evil.example"):
                pass
        await until(lambda: there.console.open_sockets == 0)


async def test_who_says_nothing_keeps_nobody_out() -> None:
    async with desk() as there, contextlib.AsyncExitStack() as stack:
        address = there.url.replace("http", "ws") + "/api/console/socket"
        header = {"Authorization": f"Bearer {OPERATOR}"}
        known = await stack.enter_async_context(connect(address, additional_headers=header))
        silent = [await stack.enter_async_context(connect(address)) for _ in range(MOST_OF_ONE + 1)]
        with pytest.raises(ConnectionClosed) as closed:
            await silent[0].recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (TRY_AGAIN, CROWDED)
        await silent[1].send(json.dumps({"type": "sign_in", "token": VIEWER}))
        await known.send(json.dumps({"type": "sign_in"}))
        async with there.page():
            for socket in (known, silent[1]):
                assert json.loads(await socket.recv())["type"] == "welcome"


async def test_where_all_consoles_are_open_one_more_is_told_why() -> None:
    async with desk() as there, there.page():
        there.console._most_sockets = 1
        with pytest.raises(InvalidStatus) as denied:
            async with there.page():
                pass
    assert denied.value.response.status_code == 503
    assert json.loads(denied.value.response.body) == {"detail": FULL}


def test_of_those_that_say_nothing_the_oldest_of_the_fullest_address_goes() -> None:
    strangers = Strangers(most=3, most_of_one=2)
    with contextlib.ExitStack() as stack:
        a, b, c, d, e = (
            stack.enter_context(strangers.waiting(address)) for address in ("x", "y", "y", "y", "z")
        )
        gone = [one.turned_out.is_set() for one in (a, b, c, d, e)]
        assert gone == [False, True, True, False, False]


async def test_a_session_is_listed_followed_and_ends() -> None:
    async with desk(mode="observe", outputs=("posted",)) as there, there.page() as page:
        async with there.call(label="+49 30 1234567", speakers=("+4930999942",)) as agent:
            state = (await page.next("session", lambda m: m["session"]["stage"] == "live"))[
                "session"
            ]
            assert (state["label"], state["speakers"]) == ("************67", ["*********42"])
            assert state["door"] == "test"
            assert state["status"]["mode"] == "observe"
            assert await page.follow(state["id"]) == []
            await there.hear(agent, who="+4930999942")
            chunk = await page.next("chunk")
            assert chunk["decision"]["speakers"][0]["identity"] == "*********42"
            assert (chunk["threshold"], chunk["decision"]["chunk"]) == (0.5, 0)
            there.model.reply(Scripted(SECRET, Emotion.URGENT), cause=Cause.MODEL)
            reply = await page.next("reply", lambda m: m["stage"] == "over")
            assert (reply["text"], reply["heard_chars"]) == (SECRET, len(SECRET))
            assert (reply["emotion"], reply["verdict"]) == ("urgent", "show")
            pulse = await page.next("pulse", lambda m: m["sessions"])
            assert pulse["sessions"][0]["replies"] == 1
            async with there.page(VIEWER) as late:
                moments = await late.follow(state["id"])
            assert {one["type"] for one in moments} == {"chunk", "reply"}
            assert moments[-1]["text"] == SECRET
            async with there.http() as http:
                report = (await http.get(f"/api/console/sessions/{state['id']}")).json()
            assert {one["type"] for one in report["moments"]} == {"chunk", "reply"}
        assert (await page.next("summary"))["summary"]["replies"][0]["text"] == SECRET
        over = (await page.next("session"))["session"]
        assert (over["stage"], over["id"]) == ("over", state["id"])
        answer = await page.operate(state["id"], do="answer_now")
        assert answer["error"] == NO_AGENT


async def test_an_operator_changes_what_holds_and_the_others_see_it() -> None:
    async with desk() as there, there.call() as agent, there.page() as page, there.page() as other:
        (session,) = (one["id"] for one in page.welcome["sessions"])
        answer = await page.operate(session, do="set_threshold", threshold=0.9)
        assert (answer["error"], answer["status"]["threshold"]) == (None, 0.9)
        seen = await other.next("session")
        assert seen["session"]["status"]["threshold"] == 0.9
        await page.operate(session, do="set_mode", mode="observe")
        assert agent.controls.mode.value == "observe"
        await page.operate(session, do="set_cap", per_minute=3)
        answer = await page.operate(session, do="stop_listening")
        assert (answer["status"]["listening"], answer["status"]["per_minute"]) == (False, 3)
        await page.operate(session, do="resume_listening")
        assert agent.consent.listening
        await there.hear(agent)
        await other.follow(session)
        chunks = [one for one in await page.follow(session) if one["type"] == "chunk"]
        assert chunks[-1]["threshold"] == 0.9
        await page.operate(session, do="set_mode", mode="speak")
        await page.operate(session, do="say", text=SECRET)
        said = await other.next("reply", lambda m: m["stage"] != "growing")
        assert (said["cause"], said["text"], said["verdict"]) == ("say", SECRET, "speak")
        await page.operate(session, do="be_quiet")
        cut = await other.next("reply", lambda m: m["stage"] == "over")
        assert cut["interrupted"]
        await page.operate(session, do="answer_now")
        assert (await other.next("reply"))["cause"] == "answer_now"


async def shown_card(there: Desk, page: ConsolePage, session: str) -> str:
    await page.follow(session)
    there.model.reply(Scripted("Offer a refund."), cause=Cause.MODEL)
    card: str = (await page.next("card"))["card"]["cue"]["id"]
    return card


async def test_a_card_that_one_acknowledges_is_so_for_all_and_on_cue_screens() -> None:
    async with (
        desk(mode="assist", outputs=("cue",)) as there,
        there.call() as agent,
        there.page(name="Ada") as page,
        there.page(VIEWER) as other,
        there.http(VIEWER) as http,
    ):
        (session,) = (one["id"] for one in page.welcome["sessions"])
        await there.hear(agent)
        card = await shown_card(there, page, session)
        shown = there.sessions.pulses[0]
        assert (shown.cards, shown.urgent) == (1, 0)
        await other.follow(session)
        assert (await page.operate(session, do="acknowledge", card=card))["error"] is None
        seen = (await other.next("card", lambda m: m["card"]["mark"]))["card"]
        assert (seen["mark"], seen["by"]) == ("acknowledged", "Ada")
        assert there.sessions.pulses[0].cards == 0
        assert (await other.operate(session, do="dismiss", card=card))["error"] == ONLY_LOOKS
        assert (await page.operate(session, do="dismiss", card="?"))["error"] == NO_CARD

        # The same card on a screen of cues, which came by the line of a telephone.
        cue = Cue("call", card, "note", 1, "x", Emotion.NORMAL, 0, 0.0, 60.0, 1, ("caller",))
        await there.screens.send_cue("call", cue_message(cue, now=2e9), ["caller"])
        await page.operate(session, do="dismiss", card=card)
        async with http.stream("GET", "/api/cues") as stream:
            lines = stream.aiter_lines()
            while not (line := await anext(lines)).startswith('data: {"call"'):
                pass
        assert json.loads(line.removeprefix("data: "))["mark"] == "dismissed"


async def test_what_cannot_be_done_is_told_and_ends_nothing() -> None:
    async with desk() as there, there.call(), there.page() as page:
        (session,) = (one["id"] for one in page.welcome["sessions"])
        assert (await page.operate("none", do="answer_now"))["error"] == UNKNOWN
        await page.tell(type="follow", session="none")
        assert (await page.next("complaint"))["reason"] == UNKNOWN
        for command in ({"do": "set_threshold", "threshold": 2.0}, {"do": "fly"}, {"do": "say"}):
            assert (await page.operate(session, **command))["error"]
        for command in ({"do": "say", "text": " "}, {"do": SECRET}):
            error = (await page.operate(session, **command))["error"]
            assert (
                "text: it must hold more than spaces" in error or "do: it must be one of" in error
            )
            assert SECRET not in error
        for message in (
            {"type": SECRET}, {"type": "follow", "session": session, SECRET: 1},
            {"type": "command", "id": 10**400, "session": session, "command": {"do": "be_quiet"}},
        ):  # fmt: skip
            await page.tell(**message)
            said = (await page.next("complaint"))["reason"]
            assert SECRET not in said
            assert len(said) < 300
        async with there.http() as http:
            path = f"/api/console/sessions/{session}/commands"
            for unknown in ({"do": SECRET}, {"do": "be_quiet", SECRET: 1}):
                assert SECRET not in (await http.post(path, json=unknown)).text
            json_type = {"Content-Type": "application/json"}
            deep = await http.post(path, content=b"[" * 100_000, headers=json_type)
            assert deep.json() == {"detail": NO_JSON}
            wrong = await http.post(path, json={"do": "set_threshold", "threshold": "0.5"})
            assert wrong.status_code == 422
            assert "threshold" in wrong.json()["detail"]
            assert (await http.get("/api/console/sessions/none")).json() == {"detail": UNKNOWN}


async def test_no_more_sessions_are_followed_than_a_page_can_show() -> None:
    async with desk() as there, contextlib.AsyncExitStack() as calls, there.page() as page:
        for number in range(MOST_FOLLOWED + 1):
            await calls.enter_async_context(there.call(f"call-{number}"))
        first, *others, last = (state.id for state in there.sessions.states)
        for session in (first, *others):
            await page.follow(session)
        await page.tell(type="follow", session=last)
        assert (await page.next("complaint"))["reason"] == TOO_MANY_FOLLOWED
        await page.tell(type="unfollow", session=first)
        assert await page.follow(last) == []


async def test_who_reads_too_slowly_is_closed_and_counted() -> None:
    async with desk() as there, there.page() as page:
        await page.next("pulse")
        for _ in range(2 * WAITING_MESSAGES):
            there.sessions.feed.tell_text('{"type":"session"}')
        with pytest.raises(ConnectionClosed) as closed:
            await page.next("never")
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == TRY_AGAIN
        assert there.console.slow == 1


async def test_the_description_has_every_address_and_says_how_to_sign_in() -> None:
    async with desk() as there, there.http(VIEWER) as http:
        found = (await http.get("/api/console/openapi.json")).json()
    assert set(found["paths"]) == {
        "/api/console/me", "/api/console/sessions", "/api/console/sessions/{session}",
        "/api/console/sessions/{session}/commands", "/api/console/records",
        "/api/console/records/{record}", "/api/console/records/{record}/text.vtt",
        "/api/console/records/{record}/sound/{number}",
    }  # fmt: skip
    assert found["security"] == [{"token": []}]
    assert {"ReplyMoment", "ChunkMoment", "SayThis"} <= set(found["components"]["schemas"])


async def test_words_that_the_model_cannot_take_are_refused_and_the_call_goes_on() -> None:
    async with desk() as there, there.call() as agent, there.page() as page:
        (session,) = (one["id"] for one in page.welcome["sessions"])
        await there.hear(agent)
        there.model.most_chars = 10
        answer = await page.operate(session, do="say", text="Far too much at once.")
        assert answer["error"].startswith("the text has 21 characters")
        command = {"do": "say", "text": "Far too much at once."}
        async with there.http() as http:
            refused = await http.post(f"/api/console/sessions/{session}/commands", json=command)
        assert refused.status_code == 409
        await there.hear(agent)
        assert not agent.sessions.ended.is_set()


async def test_nothing_that_is_said_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with desk() as there, there.call() as agent, there.page(name="Ada") as page:
        (session,) = (one["id"] for one in page.welcome["sessions"])
        await there.hear(agent)
        await page.follow(session)
        await page.operate(session, do="say", text=SECRET)
        await page.next("reply", lambda m: m["text"] == SECRET)
    ours = [record for record in caplog.records if record.name.startswith("interject")]
    assert any("operator" in record.getMessage() for record in ours)
    assert all(SECRET not in str(vars(record)) for record in ours)


async def test_a_session_that_is_over_is_listed_for_a_while() -> None:
    times = [1_000.0]
    there = Desk()
    there.sessions._wall_clock = lambda: times[0]
    async with there.call():
        pass
    assert [state.stage for state in there.sessions.states] == ["over"]
    times[0] += KEPT_S + 1
    there.sessions.look()
    assert [state.stage for state in there.sessions.states] == []
    there.listener.close()


async def test_what_a_profile_keeps_is_reviewed_and_exported(tmp_path: Path) -> None:
    keeps: dict[str, Any] = {
        "privacy": {"retention": "everything"},
        "mode": "observe",
        "outputs": ("posted",),
    }
    async with desk(RecordStore(tmp_path), **keeps) as there, there.http(VIEWER) as http:
        async with there.call(speakers=(NUMBER,)) as agent:
            await there.hear(agent, who=NUMBER)
            there.model.reply(Scripted(SECRET), cause=Cause.MODEL)
            await there.hear(agent, who=NUMBER)
        (head,) = (await http.get("/api/console/records")).json()
        path = f"/api/console/records/{head['id']}"
        whole = await http.get(path)
        lines = whole.json()["lines"]
        assert NUMBER not in whole.text
        assert "*67: " in next(one["summary"]["markdown"] for one in lines if "summary" in one)
        assert [one["text"] for one in lines if one["type"] == "post"] == [SECRET]
        captions = (await http.get(f"{path}/text.vtt")).text
        assert captions.startswith("WEBVTT")
        assert SECRET in captions
        for missing in (f"{path}/sound/0", "/api/console/records/none"):
            assert (await http.get(missing)).status_code == 404
        async with there.http("no") as stranger:
            assert (await stranger.get(path)).status_code == 401
    async with desk() as without, without.http() as http:
        assert (await http.get("/api/console/records")).json() == []
