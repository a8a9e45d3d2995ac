"""What a profile says about personal data: what no text shows, and what is kept of a session."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from interject.config.lists import Names, distinct
from interject.config.strict import StrictModel

KindName = Literal["card", "iban", "phone", "email"]
RetentionName = Literal["nothing", "without_personal_data", "everything"]
EVERY_KIND: tuple[KindName, ...] = ("card", "iban", "phone", "email")
COUNTRIES = ("US", "GB", "DE", "AT", "CH", "FR", "ES", "IT")
NO_CODES = {"UK": "GB", "EN": "GB", "EL": "GR"}
"""What people write in place of a country's code."""


def _with_numbers(code: str) -> str:
    """Of a country that there is not, no number would ever be found, and nobody would be told."""
    if code in COUNTRIES:
        return code
    import phonenumbers

    if code not in phonenumbers.SUPPORTED_REGIONS:
        meant = NO_CODES.get(code)
        hint = f"; {meant} is meant" if meant else ", as GB or DE"
        said = f"it must be a country's code of ISO 3166{hint}"
        raise PydanticCustomError("country", "{said}", {"said": said})
    return code


CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$"), AfterValidator(_with_numbers)]


class PrivacySettings(StrictModel):
    """Whatever a session lets out as text passes one gate, which takes out what `redact` names:
    numbers of payment `card`s and bank accounts (`iban`), whose check digits are right, `phone`
    numbers and `email` addresses. In their place stands `[card]`, or with `show_last` its last
    digits too: `[card …1111]`. The voice says what is written. What stands in `keep`, such as
    one's own hotline, is never taken out. A phone number without a country's code is known by the
    rules of `countries`.

    `retention` is what is kept of a session where its operator gives a folder for it: `nothing`;
    its texts `without_personal_data`, from which all four kinds are taken out, whatever `redact`
    says; or `everything` that left the gate, with `audio` what was heard as well. After
    `lifetime_h` hours it is deleted.
    """

    redact: Annotated[tuple[KindName, ...], AfterValidator(distinct)] = Field(
        default=("card", "iban"), strict=False
    )
    show_last: int = Field(default=0, ge=0, le=4)
    keep: Names = Field(default=(), strict=False, max_length=64)
    countries: Annotated[tuple[CountryCode, ...], AfterValidator(distinct)] = Field(
        default=COUNTRIES, strict=False, max_length=16
    )
    retention: RetentionName = "nothing"
    lifetime_h: float = Field(default=720.0, gt=0, le=87_600)
    audio: bool = False

    @field_validator("audio")
    @classmethod
    def _only_with_everything(cls, audio: bool, info: ValidationInfo) -> bool:
        if audio and info.data.get("retention", "everything") != "everything":
            raise PydanticCustomError("audio", "sound is kept with `retention: everything` alone")
        return audio

    @property
    def kept(self) -> PrivacySettings:
        """What the gate in front of a record takes out."""
        if self.retention != "without_personal_data":
            return self
        return self.model_copy(update={"redact": EVERY_KIND, "keep": (), "show_last": 0})
