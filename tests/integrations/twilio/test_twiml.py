"""The documents that Twilio gets, word for word."""

from __future__ import annotations

from typing import Any

from interject.integrations.twilio.settings import BUSY, FAILED, TwilioSettings
from interject.integrations.twilio.twiml import TwiML

HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'
STREAM = (
    'statusCallback="https://voice.example.com/twilio/stream-status" statusCallbackMethod="POST" '
    '{track}url="wss://voice.example.com/twilio/media">'
    '<Parameter name="token" value="a&quot;b" /></Stream>'
)
DIAL = '<Dial action="https://voice.example.com/twilio/dialled" {more}method="POST">'


def twiml(**more: Any) -> TwiML:
    return TwiML(
        TwilioSettings.made(
            account_sid="AC" + "0" * 32,
            auth_token="secret",
            public_url="https://voice.example.com",
            **more,
        )
    )


def said(sentence: str) -> str:
    return f'<Say language="en-GB">{sentence}</Say>'


def test_a_bot_is_connected_and_an_apology_follows_if_it_is_lost() -> None:
    connect = f"<Connect><Stream {STREAM.format(track='')}</Connect>"
    assert twiml().bot('a"b') == f"{HEAD}{connect}{said(FAILED)}<Hangup /></Response>"
    human = twiml(human_number="+442071838750", caller_id="+442071838751").bot('a"b')
    dial = DIAL.format(more='callerId="+442071838751" ')
    number = f"{dial}<Number>+442071838750</Number></Dial>"
    assert human == f"{HEAD}{connect}{said(FAILED)}{number}</Response>"


def test_a_copilot_listens_and_the_call_goes_on() -> None:
    stream = STREAM.format(track='track="both_tracks" ')
    start = f"<Start><Stream {stream}</Start>"
    dial = f"{DIAL.format(more='')}<Sip>sip:desk@example.com</Sip></Dial>"
    assert twiml().copilot('a"b', "sip:desk@example.com") == f"{HEAD}{start}{dial}</Response>"
    redirect = "<Redirect>https://flow.example.com/next?a=1&amp;b=2</Redirect>"
    redirected = twiml().copilot('a"b', "https://flow.example.com/next?a=1&b=2")
    assert redirected == f"{HEAD}{start}{redirect}</Response>"


def test_nothing_follows_on_a_leg_that_is_being_dialled() -> None:
    """Twilio connects it behind the last verb, and takes no `<Dial>` there."""
    stream = STREAM.format(track='track="both_tracks" ')
    start = f"<Start><Stream {stream}</Start>"
    assert twiml().copilot('a"b', None) == f"{HEAD}{start}</Response>"
    assert twiml().copilot(None, None) == f"{HEAD.removesuffix('<Response>')}<Response />"


def test_a_call_goes_on_without_a_copilot_where_none_is_free() -> None:
    dial = f"{DIAL.format(more='')}<Number>+442071838750</Number></Dial>"
    assert twiml().copilot(None, "+442071838750") == f"{HEAD}{dial}</Response>"


def test_a_caller_whom_nobody_can_take_hears_a_sentence() -> None:
    assert twiml().busy() == f"{HEAD}{said(BUSY)}<Hangup /></Response>"
    german = twiml(busy_sentence="Alle Leitungen sind besetzt.", language="de-DE").busy()
    assert '<Say language="de-DE">Alle Leitungen sind besetzt.</Say>' in german


def test_a_call_is_put_through() -> None:
    dial = f"{DIAL.format(more='')}<Number>+442071838750</Number></Dial>"
    moved = twiml().transfer("+442071838750", "One moment, <please>.")
    assert moved == f"{HEAD}{said('One moment, &lt;please&gt;.')}{dial}</Response>"
    assert twiml().unanswered() == f"{HEAD}{said(BUSY)}<Hangup /></Response>"


def test_no_document_ends_in_a_pause() -> None:
    """A pause behind a stream cuts a call that was put through."""
    made = twiml(human_number="+442071838750")
    documents = (
        made.bot("t"), made.copilot("t", "sip:a@b"), made.busy(), made.unanswered(),
        made.transfer("+442071838750", None), made.message("Bye."), made.hang_up(),
    )  # fmt: skip
    assert [document for document in documents if "<Pause" in document] == []
