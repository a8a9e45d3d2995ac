"""What a user has to say of his Twilio account, and may say of how calls go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from interject.config import Profile, ProfileError, load_profile
from interject.config.strict import StrictModel
from interject.integrations.conversation.copilot_profile import can_be_read
from interject.integrations.web.setting_names import unknown_setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

PREFIX = "INTERJECT_TWILIO_"
STANDARD_NAMES = {
    "account_sid": "TWILIO_ACCOUNT_SID",
    "auth_token": "TWILIO_AUTH_TOKEN",
    "secondary_auth_token": "TWILIO_AUTH_TOKEN_SECONDARY",
    "public_url": "INTERJECT_PUBLIC_URL",
    "rest_url": "TWILIO_API_URL",
}
"""The other settings are read from `INTERJECT_TWILIO_` and their name in capitals."""
OPTIONS = {"public_url": "--public-url", "insecure_dev": "--insecure-dev"}
"""Of `interject serve`; there is none for the others."""
NOT_IN_ENVIRONMENT = ("insecure_dev",)
SECRETS = ("auth_token", "secondary_auth_token", "shared_key")
WITHOUT_ACCOUNT = "to try it without an account, say --insecure-dev"
NUMBER = r"\+[1-9][0-9]{5,14}"
CALLABLE = rf"({NUMBER}|sip:[^\s<>\"]{{1,200}})"
NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WEB = r"https?://[^\s/]+\S*"

BUSY = "All our lines are busy. Please call again in a few minutes."
FAILED = "We are sorry, something went wrong on our side. Please call again in a few minutes."


class TwilioSettingsFailure(ValueError):
    """The settings cannot be used; the message is one line for the person who made them."""


def _public(url: str) -> str:
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("https", "http") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise _problem("it must be a URL like https://voice.example.com")
    if parts.query or parts.fragment or parts.username is not None:
        raise _problem("it must have no query, fragment or user name")
    return url.rstrip("/")


PublicUrl = Annotated[str, AfterValidator(_public)]


def _callable(number: str) -> str:
    if re.fullmatch(CALLABLE, number) is None:
        raise _problem(
            "it must be a number like +442071838750, or a SIP address like sip:desk@example.com"
        )
    return number


def _writable(text: str) -> str:
    if NOT_IN_XML.search(text) is not None:
        raise _problem("it holds a character that TwiML cannot, such as a control character")
    return text


InTwiML = AfterValidator(_writable)
"""Twilio ends a call whose TwiML cannot be read."""
CallableNumber = Annotated[str, AfterValidator(_callable), InTwiML]
"""A number, or a SIP address."""
Sentence = Annotated[str, Field(min_length=1, max_length=500), InTwiML]


class TwilioSettings(StrictModel):
    """Signatures are made with either auth token, so that they can be exchanged one by one;
    `shared_key` is for an account that signs with HMAC-SHA256.

    `public_url` is what Twilio calls and signs. It is never guessed from a request's headers, which
    anybody can write.

    A caller hears `busy_sentence` where no agent can take his call, and `failed_sentence` where one
    is lost in the middle of it. Then he is put through to `human_number`, if there is one.

    `copilot_then` is what a call goes on with once a silent copilot listens: a number to dial, or
    the URL of the TwiML that the call had before. `copilot_inbound` says who speaks on the track
    that Twilio calls inbound.

    `machine` is what an outbound call does when an answering machine takes it.
    """

    account_sid: str = Field(default="", pattern=r"^(AC[0-9a-f]{32})?$")
    auth_token: str = Field(default="", repr=False)
    secondary_auth_token: str = Field(default="", repr=False)
    shared_key: str = Field(default="", repr=False)
    public_url: PublicUrl
    insecure_dev: bool = False
    busy_sentence: Sentence = BUSY
    failed_sentence: Sentence = FAILED
    language: str = Field(default="en-GB", pattern=r"^[a-z]{2,3}-[A-Za-z0-9-]{2,10}$")
    human_number: CallableNumber | None = None
    caller_id: CallableNumber | None = None
    copilot_then: Annotated[str, InTwiML] | None = Field(
        default=None, pattern=rf"^({CALLABLE}|{WEB})$"
    )
    copilot_inbound: Literal["customer", "agent"] = "customer"
    copilot_profile: Profile | None = None
    machine: Literal["hang_up", "leave_message"] = "hang_up"
    machine_message: Sentence | None = None
    rest_url: PublicUrl | None = None

    @model_validator(mode="after")
    def _together(self) -> Self:
        if not self.insecure_dev:
            self._secured()
        if self.machine == "leave_message" and self.machine_message is None:
            raise _problem(
                f"{variable('machine')} is leave_message, so set {variable('machine_message')} "
                "to the sentence that is left"
            )
        if self.machine == "hang_up" and self.machine_message is not None:
            raise _problem(
                f"{variable('machine_message')} is left where {variable('machine')} is "
                "leave_message alone: set that too, or leave the message out"
            )
        if self.copilot_profile is not None and not can_be_read(self.copilot_profile):
            raise _problem(
                f"{variable('copilot_profile')}: a copilot is never heard, so its profile needs "
                "outputs that somebody reads in its mode: [cue], with mode: assist"
            )
        if (self.copilot_then or "").startswith(f"{self.public_url}/twilio/"):
            raise _problem(
                f"{variable('copilot_then')}: it is a webhook of this server, so calls would go "
                "round in circles; give what the number had before"
            )
        return self

    def _secured(self) -> None:
        missing = [name for name in ("account_sid", "auth_token") if not getattr(self, name)]
        if missing:
            raise _problem(
                f"set {' and '.join(map(variable, missing))}, which the first page of Twilio's "
                f"console shows; {WITHOUT_ACCOUNT}"
            )
        if not self.public_url.startswith("https://"):
            raise _problem(
                f"{named('public_url')}: it must begin with https://, because Twilio opens no "
                f"other sockets; {WITHOUT_ACCOUNT}"
            )

    @property
    def secrets(self) -> tuple[str, ...]:
        """Whatever may have signed a request, the likeliest first."""
        return tuple(secret for name in SECRETS if (secret := getattr(self, name)))

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The variables of those that are set."""
        return tuple(variable(name) for name in SECRETS if getattr(self, name))

    @property
    def copilot_next(self) -> str | None:
        """What a call goes on with once a copilot listens."""
        return self.copilot_then or self.human_number

    @property
    def has_copilot(self) -> bool:
        """Something was said of copilots."""
        return any(name.startswith("copilot_") for name in self.model_fields_set)

    @property
    def socket_url(self) -> str:
        """The public URL as a web socket's."""
        return f"ws{self.public_url.removeprefix('http')}"

    @classmethod
    def made(cls, **values: Any) -> Self:
        """:raises TwilioSettingsFailure: when they cannot be used, in one line."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise TwilioSettingsFailure(_one_line(error)) from None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **values: Any) -> Self:
        """`values` come before the environment, unless they are None.

        :raises TwilioSettingsFailure: when they cannot be used, in one line.
        """
        _check_names(environment)
        given = {name: value for name, value in values.items() if value is not None}
        for name in cls.model_fields.keys() - given.keys() - set(NOT_IN_ENVIRONMENT):
            if text := environment.get(variable(name), "").strip():
                given[name] = _profile(text) if name == "copilot_profile" else text
        return cls.made(**given)


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return STANDARD_NAMES.get(name, f"{PREFIX}{name.upper()}")


def named(name: str) -> str:
    """How a user sets it."""
    if name in NOT_IN_ENVIRONMENT:
        return OPTIONS[name]
    return f"{OPTIONS[name]} ({variable(name)})" if name in OPTIONS else variable(name)


def variables() -> dict[str, str]:
    """The setting of each environment variable."""
    names = TwilioSettings.model_fields.keys() - set(NOT_IN_ENVIRONMENT)
    return {variable(name): name for name in names}


def _check_names(environment: Mapping[str, str]) -> None:
    """What is written wrongly would be left out in silence."""
    flag = variable("insecure_dev")
    if environment.get(flag, "").strip():
        raise TwilioSettingsFailure(f"{flag}: there is no such setting; say --insecure-dev")
    if wrong := unknown_setting(environment, PREFIX, variables(), page="docs/twilio.md"):
        raise TwilioSettingsFailure(wrong)


def _profile(name: str) -> Profile:
    try:
        return load_profile(name)
    except ProfileError as error:
        raise TwilioSettingsFailure(f"{variable('copilot_profile')}: {error}") from None


def _problem(text: str) -> PydanticCustomError:
    return PydanticCustomError("settings", text.replace("{", "{{"))


def _one_line(error: ValidationError) -> str:
    """Without the value, which may be a secret."""
    problem = error.errors(include_url=False, include_input=False)[0]
    name = str(problem["loc"][0]) if problem["loc"] else ""
    if problem["type"] == "missing":
        return (
            f"set {named(name)} to where Twilio reaches this server, for example "
            f"https://voice.example.com; {WITHOUT_ACCOUNT}"
        )
    if problem["type"] == "extra_forbidden":
        return f"there is no setting {name} for Twilio"
    if not name:
        return problem["msg"]
    custom = problem["type"] == "settings"
    return f"{named(name)}: {problem['msg'] if custom else _EXPECTED.get(name, problem['msg'])}"


SENTENCE_EXPECTED = "it must be a sentence of 1 to 500 characters"
_EXPECTED = {
    "account_sid": "it must be AC and 32 hexadecimal digits",
    "busy_sentence": SENTENCE_EXPECTED,
    "failed_sentence": SENTENCE_EXPECTED,
    "machine_message": SENTENCE_EXPECTED,
    "copilot_then": "it must be a number like +442071838750, a SIP address or a URL of TwiML",
    "copilot_inbound": "it must be customer or agent",
    "machine": "it must be hang_up or leave_message",
    "language": "it must be a language like en-GB",
}
