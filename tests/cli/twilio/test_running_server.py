"""A server that was started with other settings than `interject twilio simulate` has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from interject.cli.twilio.call_watch import CallWatch
from interject.integrations.twilio.simulator.call_status import CallParties
from interject.integrations.twilio.simulator.cloud import TwilioCloud
from interject.integrations.web.app import make_app
from interject.integrations.web.bearer import Bearer
from interject.integrations.web.cue_screens import CueScreens
from interject.integrations.web.origins import Origins
from tests.cli.command_process import ROOT, interject
from tests.integrations.twilio.stage import PUBLIC_URL, telephone
from tests.integrations.web.served import served

if TYPE_CHECKING:
    import pytest

    from interject.cli.output.call_event import CallEvent


async def test_which_settings_have_to_agree_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", f"AC{'0' * 32}")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "of another account")
    kitchen = str(ROOT / "examples" / "kitchen.wav")
    async with telephone() as stage:
        done = await asyncio.to_thread(
            interject, "twilio", "simulate", kitchen, "--public-url", PUBLIC_URL,
            "--server", str(stage.operator.base_url),
        )  # fmt: skip
    assert done.returncode == 1
    assert "403" in done.stdout
    assert "have to be here what the server was started with" in done.stderr


async def test_decisions_that_were_not_told_are_not_counted() -> None:
    screens = CueScreens(Bearer("the token of an operator"))
    app = make_app([], routers=[screens.router], origins=Origins([]))
    events: list[CallEvent] = []
    async with served(app) as url, TwilioCloud({}) as cloud:
        call = cloud.new_call(CallParties())
        watch = CallWatch(call, events.append)
        assert watch.counts == {"decisions": 0, "respond": 0}
        await watch.follow(url.removeprefix("http://"), "", call.sid)
        watch.finish()
        screens.close()
    [told] = events
    assert told.event == "not_followed"
    assert told.fields["status"] == 401
    assert "INTERJECT_API_TOKEN" in told.fields["detail"]
    assert watch.counts == {}
