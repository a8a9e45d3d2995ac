"""What Twilio is told to do with a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twilio.twiml.voice_response import Connect, Dial, Start, VoiceResponse

if TYPE_CHECKING:
    from twilio.twiml.voice_response import Stream

    from interject.integrations.twilio.settings import TwilioSettings

VOICE_PATH = "/twilio/voice"
COPILOT_PATH = "/twilio/copilot"
MEDIA_PATH = "/twilio/media"
STREAM_STATUS_PATH = "/twilio/stream-status"
CALL_STATUS_PATH = "/twilio/call-status"
DIALLED_PATH = "/twilio/dialled"
WEBHOOK_PATHS = (VOICE_PATH, COPILOT_PATH, DIALLED_PATH, STREAM_STATUS_PATH, CALL_STATUS_PATH)
TOKEN_PARAMETER = "token"


@dataclass(frozen=True, slots=True)
class TwiML:
    """Documents, as text. Whatever follows a `<Connect>` is done when its stream ends and the call
    does not: so it is what a caller hears whose agent is lost, even with this whole process.
    """

    settings: TwilioSettings

    def bot(self, token: str) -> str:
        response = VoiceResponse()
        connect = Connect()
        self._describe(self._stream(connect), token)
        response.append(connect)
        return self._apology(response, self.settings.failed_sentence)

    def copilot(self, token: str | None, then: str | None) -> str:
        """Without a token the call goes on unheard: a copilot that is missing ends no call.

        `<Start>` waits for nothing, and Twilio hangs up behind the last verb. Only a leg that was
        dialled is connected there, so only then may nothing follow.
        """
        response = VoiceResponse()
        if token is not None:
            start = Start()
            self._describe(self._stream(start, track="both_tracks"), token)
            response.append(start)
        if then is not None and then.startswith("http"):
            response.redirect(then)
        elif then is not None:
            self._dial(response, then)
        return str(response)

    def busy(self) -> str:
        return self._apology(VoiceResponse(), self.settings.busy_sentence)

    def transfer(self, number: str, say: str | None) -> str:
        response = VoiceResponse()
        if say:
            response.say(say, language=self.settings.language)
        self._dial(response, number)
        return str(response)

    def unanswered(self) -> str:
        """Nobody took a call that was put through."""
        return self.message(self.settings.busy_sentence)

    def message(self, text: str) -> str:
        response = VoiceResponse()
        response.say(text, language=self.settings.language)
        response.hangup()
        return str(response)

    def hang_up(self) -> str:
        response = VoiceResponse()
        response.hangup()
        return str(response)

    def _apology(self, response: VoiceResponse, sentence: str) -> str:
        response.say(sentence, language=self.settings.language)
        if self.settings.human_number is None:
            response.hangup()
        else:
            self._dial(response, self.settings.human_number)
        return str(response)

    def _dial(self, response: VoiceResponse, number: str) -> None:
        dial = Dial(
            action=f"{self.settings.public_url}{DIALLED_PATH}",
            method="POST",
            caller_id=self.settings.caller_id,
        )
        if number.startswith("sip:"):
            dial.sip(number)
        else:
            dial.number(number)
        response.append(dial)

    def _stream(self, verb: Connect | Start, track: str | None = None) -> Stream:
        stream: Stream = verb.stream(
            url=f"{self.settings.socket_url}{MEDIA_PATH}",
            track=track,
            status_callback=f"{self.settings.public_url}{STREAM_STATUS_PATH}",
            status_callback_method="POST",
        )
        return stream

    def _describe(self, stream: Stream, token: str) -> None:
        stream.parameter(name=TOKEN_PARAMETER, value=token)
