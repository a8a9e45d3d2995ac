"""`interject transcribe|translate|ask`: one answer about a whole file."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import InputFailure, command

_File = Annotated[str, typer.Argument(help="A sound file or a pipe, or '-' for standard input.")]
_Model = Annotated[str, typer.Option(help="'nano', or the folder of a checkpoint.")]
_Question = Annotated[str, typer.Argument(help="The question, in words.")]
_Language = Annotated[str, typer.Option("--to", help="The language to translate into.")]
_MaxTokens = Annotated[int, typer.Option(help="Longest answer in tokens.")]

_Track = Annotated[int | None, typer.Option(help="Which audio track, from 1; default: the first.")]


@command
def transcribe(
    file: _File,
    model: _Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    max_tokens: _MaxTokens = 256,
    track: _Track = None,
) -> None:
    """Write down what is said in a file."""
    from interject.cli.offline.question import answer, transcription

    answer(
        file,
        transcription,
        runtime_url=placed(f"embedded:{model}", device, dtype, context, kv_cache_dtype),
        max_tokens=max_tokens,
        track=track,
    )


@command
def translate(
    file: _File,
    to: _Language = "English",
    model: _Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    max_tokens: _MaxTokens = 256,
    track: _Track = None,
) -> None:
    """Write down in another language what is said in a file."""
    from interject.cli.offline.question import answer, translation

    url = placed(f"embedded:{model}", device, dtype, context, kv_cache_dtype)
    answer(file, lambda: translation(to), runtime_url=url, max_tokens=max_tokens, track=track)


@command
def ask(
    file: _File,
    question: _Question,
    model: _Model = "nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    max_tokens: _MaxTokens = 256,
    track: _Track = None,
) -> None:
    """Answer a question about a file."""
    from interject.cli.offline.question import answer
    from interject.model_runtime.protocol import readable

    if not readable(question):
        raise InputFailure("the question is empty; write what you want to know")
    url = placed(f"embedded:{model}", device, dtype, context, kv_cache_dtype)
    answer(file, lambda: question, runtime_url=url, max_tokens=max_tokens, track=track)
