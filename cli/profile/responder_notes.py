"""What of a profile's responder will not work as it is here: no fault of the profile's file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from interject.agent.cues.tags import Tags
from interject.agent.responder.failures import ResponderUnusable
from interject.agent.responder.responder import own_tool
from interject.agent.responder.tools.tool_box import ToolBox
from interject.config.endpoint import KeyMissing, read_key
from interject.config.responder import McpTools

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interject.config import Profile
    from interject.config.responder import ResponderBase


def responder_notes(profile: Profile) -> Iterator[str]:
    """It imports the modules of Python tools, and asks no server anything."""
    settings = profile.responder
    if settings is None:
        return
    yield from _unknown_categories(profile, settings)
    try:
        read_key(settings.api_key_env, settings.base_url)
    except KeyMissing as error:
        yield f"'responder.api_key_env': {error}"
    yield from _tools(settings)


def _unknown_categories(profile: Profile, settings: ResponderBase) -> Iterator[str]:
    known = set(Tags.of(profile).categories.values())
    route = settings.route
    for key, names in (
        ("categories", route.categories),
        ("never_categories", route.never_categories),
    ):
        for name in names:
            if name not in known:
                yield (
                    f"'responder.route.{key}': this profile has no category {name!r} in "
                    "cue.categories, so no reply is one of it"
                )


def _tools(settings: ResponderBase) -> Iterator[str]:
    box = ToolBox(())
    for place, one in enumerate(settings.tools):
        key = f"responder.tools.{place}"
        if isinstance(one, McpTools):
            yield from _program(key, one)
            continue
        try:
            box.add(own_tool(one))
        except ResponderUnusable as error:
            yield f"'{key}': {error}"
        except Exception as error:  # Of the module that it names, while it is imported.
            yield f"'{key}': {one.name!r} cannot be imported ({type(error).__name__})"


def _program(key: str, one: McpTools) -> Iterator[str]:
    if one.command and shutil.which(one.command[0]) is None:
        yield f"'{key}.command': there is no program {one.command[0]!r} here"
    for name in one.needs_operator:
        if name not in one.allow:
            yield f"'{key}.needs_operator': {name!r} is not in allow, so it does not exist"
