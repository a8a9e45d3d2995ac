"""What a webhook did not take is shown, and sent again under the id that it had."""

from __future__ import annotations

import asyncio
import io
import json
from typing import TYPE_CHECKING

import pytest

from interject.cli.process.failures import EXIT_BAD_INPUT, InputFailure
from interject.cli.webhook.letters import resend_letters, show_letters
from interject.integrations.web.dead_letters import DeadLetters
from tests.integrations.web.served import served
from tests.integrations.web.test_webhook import SECRET, Receiver

if TYPE_CHECKING:
    from pathlib import Path


def letters(tmp_path: Path, count: int = 3) -> DeadLetters:
    made = DeadLetters(tmp_path / "dead.jsonl")
    for number in range(count):
        event = {"type": "cue.shown", "data": {"call": f"CA{number}", "text": "Secret."}}
        made.add(f"msg_{number}", json.dumps(event).encode(), "status 500", now=1.7e9)
    return made


def test_letters_are_listed_without_their_words(tmp_path: Path) -> None:
    out = io.StringIO()
    show_letters(str(letters(tmp_path, 2).path), out)
    assert out.getvalue().splitlines() == [
        "2023-11-14T22:13:20.000+00:00  msg_0  cue.shown  CA0  status 500",
        "2023-11-14T22:13:20.000+00:00  msg_1  cue.shown  CA1  status 500",
        "2 events not taken",
    ]


async def test_those_that_are_taken_leave_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INTERJECT_WEBHOOK_SECRET", SECRET)
    receiver, dead = Receiver(204, 400), letters(tmp_path)
    async with served(receiver.app) as url:
        first = await asyncio.to_thread(resend_letters, str(dead.path), f"{url}/hook")
        told = capsys.readouterr()
        left = [letter.id for letter in dead.read()]
        second = await asyncio.to_thread(resend_letters, str(dead.path), f"{url}/hook")
    assert (first, left) == (EXIT_BAD_INPUT, ["msg_1", "msg_2"])
    assert told.out == "1 of 3 were taken\n"
    assert "msg_1: status 400; it and those behind it stay in the file" in told.err
    assert (second, dead.read()) == (0, ())
    ids = [headers["webhook-id"] for headers in receiver.headers]
    assert ids == ["msg_0", "msg_1", "msg_1", "msg_2"]
    assert all("webhook-signature" in headers for headers in receiver.headers)
    assert json.loads(receiver.bodies[0])["data"]["call"] == "CA0"


def test_what_cannot_be_used_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputFailure, match="no such file"):
        show_letters(str(tmp_path / "dead.jsonl"))
    with pytest.raises(InputFailure, match="--to: give a URL"):
        resend_letters(str(letters(tmp_path).path), "desk.example.com")
