"""Settings that are given, and would do nothing without anybody noticing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from interject.cli.process.failures import InputFailure
from interject.cli.process.neighbours import VARIABLE as NEIGHBOURS
from interject.cli.process.webhook_target import WEBHOOK_SECRET
from interject.integrations.web.setting_names import misspelt_setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from interject.cli.serve.options import ServeOptions

logger = logging.getLogger("interject.serve")

TURN_VARIABLES = {
    "secret": "INTERJECT_TURN_SECRET",
    "username": "INTERJECT_TURN_USERNAME",
    "credential": "INTERJECT_TURN_CREDENTIAL",
}
READ = (
    "INTERJECT_API_TOKEN", "INTERJECT_PUBLIC_URL", "INTERJECT_RECORDS", "INTERJECT_RUNTIME",
    "INTERJECT_TRACE_RATIO", "INTERJECT_VIEWER_TOKEN", "INTERJECT_VOICES", "INTERJECT_WEBHOOK",
    "INTERJECT_WEBHOOK_DEAD_LETTERS", WEBHOOK_SECRET, NEIGHBOURS, *TURN_VARIABLES.values(),
)  # fmt: skip
"""Whatever doors there are. Those of a platform are its own."""


def check_names(environment: Mapping[str, str]) -> None:
    """A token whose variable is misspelt would leave a server open.

    :raises InputFailure: for the first name that is almost one of ours.
    """
    if wrong := misspelt_setting(environment, "INTERJECT_", READ):
        raise InputFailure(wrong)


def warn_of_idle(options: ServeOptions, environment: Mapping[str, str]) -> None:
    for setting, reason in _idle(options, environment):
        logger.warning("A setting has no effect", extra={"setting": setting, "reason": reason})


def _idle(options: ServeOptions, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for needed, given, names in (
        ("--turn", options.turn, TURN_VARIABLES.values()),
        ("--webhook", options.webhook, (WEBHOOK_SECRET,)),
    ):
        for name in names:
            if environment.get(name, "").strip() and not given:
                yield name, f"there is no {needed}"
    slots = options.slot_count if options.has_own_model else None
    if slots is not None and options.max_calls is not None and options.max_calls > slots:
        yield f"--max-calls {options.max_calls}", f"the model has {slots} slots: see --slots"
