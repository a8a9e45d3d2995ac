"""`interject voice ...`: which natural voices there are, fetching one, and hearing it."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

voice_app = typer.Typer(
    help="List, fetch and try natural voices.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Name = Annotated[str, typer.Argument(help="A voice of `interject voice list`.")]
_From = Annotated[
    str | None, typer.Option("--from", help="A folder that holds its files already; no network.")
]
_Text = Annotated[str, typer.Argument(help="What it shall say.")]
_Out = Annotated[str | None, typer.Option(help="WAV to write; default: the loudspeaker.")]
_Voice = Annotated[
    str | None, typer.Option(help="An installed voice, or 'espeak'; default: the profile's.")
]
_Speaker = Annotated[str | None, typer.Option(help="One of the voice's speakers.")]
_Profile = Annotated[str, typer.Option(help="A shipped profile's name, or a YAML file.")]
_Emotion = Annotated[
    str, typer.Option(help="'normal', 'happy', 'sad', 'angry', 'surprise' or 'urgent'.")
]


@voice_app.command("list")
@command
def list_voices() -> None:
    """Show what is installed, and what can be fetched, with licences and sizes."""
    from interject.cli.voice.listing import show_voices

    show_voices()


@voice_app.command()
@command
def fetch(name: _Name, source: _From = None) -> None:
    """Fetch a voice from the hub, checked to the last byte; a second run goes on from the first.

    HF_ENDPOINT names another hub. INTERJECT_VOICES names another folder for voices.
    """
    from interject.cli.voice.fetching import fetch_voice

    fetch_voice(name, source)


@voice_app.command()
@command
def say(
    text: _Text,
    out: _Out = None,
    voice: _Voice = None,
    speaker: _Speaker = None,
    profile: _Profile = "default",
    emotion: _Emotion = "normal",
) -> None:
    """Say a text, and tell which voice it was and how soon it began."""
    from interject.cli.voice.saying import SayRequest, say_text

    say_text(SayRequest(text, out, voice, speaker, profile, emotion))
