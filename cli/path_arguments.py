"""Files whose names begin with a dash are heard as they are given, without `./` or `--`."""

from __future__ import annotations

import os
from typing import Any

from typer.core import TyperCommand


class SoundCommand(TyperCommand):
    """A command on a sound file. What is no option of it and is the name of a file is that file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        return super().parse_args(ctx, [_as_path(word, options) for word in args])


def _as_path(word: str, options: set[str]) -> str:
    is_dashed = word.startswith("-") and word.strip("-") and word.partition("=")[0] not in options
    return f"./{word}" if is_dashed and os.path.lexists(word) else word
