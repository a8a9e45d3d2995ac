"""Runs `interject voice list`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from interject.agent.voice.choosing import choose_voice
from interject.agent.voice.installed import installed_voices, voices_folder
from interject.agent.voice.neural.network_file import missing_library
from interject.cli.process.failures import printable
from interject.cli.voice.catalogue import catalogue
from interject.config import load_profile

if TYPE_CHECKING:
    from typing import TextIO

PLAIN_WIDTH = 140
SHOWN_SPEAKERS = 6


def show_voices(out: TextIO | None = None) -> None:
    out = sys.stdout if out is None else out
    console = Console(file=out, highlight=False, width=None if out.isatty() else PLAIN_WIDTH)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("voice", "engine", "language", "speakers", "MB", "licence", "state"):
        table.add_column(column, overflow="fold")
    installed = {voice.name: voice for voice in installed_voices()}
    known = catalogue()
    for voice in installed.values():
        licence = voice.licence or (known[voice.name].licence if voice.name in known else "?")
        size = _mb(voice.size_bytes)
        row = [voice.name, voice.engine, voice.language, _speakers(voice.speakers), size, licence]
        table.add_row(*map(_shown, row), "installed")
    for name, offered in known.items():
        if name not in installed:
            row = [name, offered.engine, offered.language, "", _mb(offered.size_bytes)]
            table.add_row(*row, offered.licence, f"interject voice fetch {name}")
    languages = "100 of them"
    table.add_row("(any)", "espeak", languages, "", "", "GPL-3.0, as Debian's package", "fallback")
    table.add_row("(any)", "openai", "", "", "", "the server's", "a server that a profile names")
    console.print(table)
    console.print(f"Voices lie in {_shown(printable(str(voices_folder())))}.")
    if missing := missing_library():
        console.print(_shown(missing))
    chosen = choose_voice(load_profile("default").voice)
    console.print(f"The default profile speaks with {_shown(chosen.label)}.")


def _shown(text: str) -> str:
    return escape(text)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f}"


def _speakers(names: tuple[str, ...]) -> str:
    if len(names) <= SHOWN_SPEAKERS:
        return ", ".join(names)
    return f"{', '.join(names[:SHOWN_SPEAKERS])} and {len(names) - SHOWN_SPEAKERS} more"
