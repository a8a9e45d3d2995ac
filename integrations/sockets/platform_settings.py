"""What a user has to say of a platform, in environment variables that begin alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import ValidationError

from interject.config.problems import in_words
from interject.config.strict import StrictModel
from interject.integrations.web.setting_names import unknown_setting

OPTIONS = {"insecure_dev": "--insecure-dev"}


class PlatformSettingsFailure(ValueError):
    """The settings cannot be used; the message is one line for the person who made them."""


class PlatformSettings(StrictModel):
    """`PREFIX` is what its variables begin with, `PAGE` lists them, and `EXPECTED` says of a field
    what it must be. A validator says what is wrong with several of them as a `ValueError`.
    """

    PREFIX: ClassVar[str]
    PAGE: ClassVar[str]
    EXPECTED: ClassVar[Mapping[str, str]] = {}

    insecure_dev: bool = False

    @classmethod
    def variable(cls, name: str) -> str:
        return OPTIONS.get(name, f"{cls.PREFIX}{name.upper()}")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, insecure_dev: bool) -> Self:
        """:raises PlatformSettingsFailure: when they cannot be used."""
        names = cls.model_fields.keys() - OPTIONS.keys()
        known = {cls.variable(name): name for name in names}
        if wrong := unknown_setting(environment, cls.PREFIX, known, page=cls.PAGE):
            raise PlatformSettingsFailure(wrong)
        given: dict[str, Any] = {
            name: text
            for variable, name in known.items()
            if (text := environment.get(variable, "").strip())
        }
        try:
            return cls.model_validate_strings(given | {"insecure_dev": str(insecure_dev).lower()})
        except ValidationError as error:
            raise PlatformSettingsFailure(cls._one_line(error)) from None

    @classmethod
    def _one_line(cls, error: ValidationError) -> str:
        """Without the value, which may be a secret."""
        problem = error.errors(include_url=False, include_input=False)[0]
        said = str(problem.get("ctx", {}).get("error", "")) or in_words(problem)
        if not problem["loc"]:
            return said
        name = str(problem["loc"][0])
        return f"{cls.variable(name)}: {cls.EXPECTED.get(name, said)}"


def web_address(url: str) -> str:
    """:raises ValueError: when it is none; "" is one that was not set."""
    parts = urlsplit(url)
    if url and (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment
    ):
        raise ValueError("it must be a URL like https://meetings.example.com")
    return url.rstrip("/")
