"""Arguments that a service of Pipecat's would take and never look at."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipecat.services.settings import ServiceSettings


def check_arguments(service: type, given: Iterable[str]) -> None:
    """:raises TypeError: for the first that neither the service nor what it is made of has."""
    known = {name for kind in service.__mro__[:-1] for name in inspect.signature(kind).parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}" if near else ""
            raise TypeError(f"{service.__name__}: there is no argument {name!r}{hint}")


def check_settings(
    settings: ServiceSettings, elsewhere: Mapping[str, str], served: set[str]
) -> None:
    """`elsewhere` says of some that are not `served` where they belong.

    :raises ValueError: for the first that would have no effect.
    """
    for name, value in settings.given_fields().items():
        if name not in served and value is not None and value is not False:
            raise ValueError(
                f"{name}: it has no effect here; {elsewhere.get(name, 'leave it out')}"
            )
