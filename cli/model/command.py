"""`interject model ...`: fetch, look at, convert, verify and merge checkpoints."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Device, Dtype, KvCacheDtype
from interject.cli.process.failures import command

model_app = typer.Typer(
    help="Fetch, look at, convert, verify and merge checkpoints.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Checkpoint = Annotated[str, typer.Argument(help="'nano', or the folder of a checkpoint.")]
_Golden = Annotated[str, typer.Argument(help="JSON of what a reference run did.")]
_Audio = Annotated[str | None, typer.Option(help="Folder of its WAVs; default: beside the JSON.")]
_Target = Annotated[str, typer.Argument(help="Folder to write; it must not hold a checkpoint.")]
_Repository = Annotated[str, typer.Argument(help="OWNER/NAME on the Hugging Face hub.")]
_Fetched = Annotated[
    str | None, typer.Option(help="Folder to bring to the revision; default: NAME, here.")
]
_Revision = Annotated[str, typer.Option(help="A commit (the same files for ever), tag or branch.")]
_First = Annotated[str, typer.Argument(help="The model after its first stage.")]
_Second = Annotated[str, typer.Argument(help="The text model it came from; needs no audio tower.")]
_Alpha = Annotated[float, typer.Option(help="Share of the first: 1 is the first's decoder.")]
_Merged = Annotated[str, typer.Option(help="Folder to write; it must not hold a checkpoint.")]
_StoredDtype = Annotated[
    str, typer.Option(help="'stored' (as in the first), 'float32', 'bfloat16' or 'float16'.")
]
_Dtype = Annotated[str, typer.Option(help="'float32', 'bfloat16' or 'float16'.")]
_Grouping = Annotated[
    int | None,
    typer.Option(help="Put so many embeddings of 40 ms together, to train it so; 5 makes 200 ms."),
]


@model_app.command()
@command
def info(checkpoint: _Checkpoint) -> None:
    """Show a checkpoint's shapes, token ids and size without loading its weights."""
    from interject.cli.model.info import show_info

    show_info(checkpoint)


@model_app.command()
@command
def convert(
    source: _Checkpoint, target: _Target, dtype: _Dtype = "bfloat16", grouping: _Grouping = None
) -> None:
    """Turn a checkpoint of the released layout into Interject's own."""
    from interject.cli.model.convert import convert_checkpoint

    convert_checkpoint(source, target, dtype=dtype, grouping=grouping)


@model_app.command()
@command
def verify(
    checkpoint: _Checkpoint,
    golden: _Golden,
    audio: _Audio = None,
    device: Device = "auto",
    dtype: Dtype = "float32",
    kv_cache_dtype: KvCacheDtype = "auto",
) -> int:
    """Run reference cases; exit 1 when a logit or a token differs."""
    from interject.cli.model.verify import verify_checkpoint
    from interject.model_runtime.device_choice import DeviceChoice

    choice = DeviceChoice(device, dtype, kv_cache_dtype=kv_cache_dtype)
    return verify_checkpoint(checkpoint, golden, audio=audio, choice=choice)


@model_app.command()
@command
def merge(
    first: _First,
    second: _Second,
    out: _Merged,
    alpha: _Alpha = 0.5,
    dtype: _StoredDtype = "stored",
) -> None:
    """Combine two decoders tensor by tensor (Core-Cocktail); what hears is the first's."""
    from interject.cli.model.merging import merge_checkpoints

    merge_checkpoints(first, second, out, alpha=alpha, dtype=dtype)


@model_app.command()
@command
def fetch(repository: _Repository, out: _Fetched = None, revision: _Revision = "main") -> None:
    """Fetch a checkpoint from the hub; a second run goes on where the first was cut off.

    HF_ENDPOINT names another hub, HF_TOKEN opens what is private.
    """
    from interject.cli.model.fetching import fetch_model

    fetch_model(repository, out, revision=revision)
