"""`interject eval ...`: how well a model does, as a report that can be compared with another."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.device_options import Context, Device, Dtype, KvCacheDtype, placed
from interject.cli.process.failures import command

eval_app = typer.Typer(
    help="Measure how well a model does, and compare two such reports.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Folder = Annotated[
    str, typer.Argument(help="Clips as DOMAIN/SUBFOLDER/RESPOND|IGNORE/ID.wav, as published.")
]
_Runtime = Annotated[
    str, typer.Option(help="URL of the runtime: embedded:nano, embedded:DIR, redis://host:port/0.")
]
_Out = Annotated[
    str, typer.Option(help="Folder for report.json, report.md and report.png; made if missing.")
]
_Tier = Annotated[str, typer.Option(help="single, multiple, or both.")]
_Joined = Annotated[int, typer.Option(help="How many clips a stream of the multiple tier holds.")]
_Seed = Annotated[int, typer.Option(help="Of the joins and of the intervals; it is written down.")]
_Tail = Annotated[float, typer.Option("--tail-s", help="Seconds of silence behind each stream.")]
_Profile = Annotated[
    str, typer.Option(help="Profile whose prompt, threshold and sampling are used.")
]
_Threshold = Annotated[
    float | None, typer.Option(help="Least P(respond) that counts as a response.")
]
_Sessions = Annotated[int, typer.Option(help="How many streams are played at once.")]
_Answers = Annotated[
    str | None,
    typer.Option(help="The published answers (JSON, id and standard_answers), for --reranker."),
]
_Reranker = Annotated[
    str | None,
    typer.Option(help="URL before /rerank: are a response's words right, too?"),
]
_RerankerModel = Annotated[str, typer.Option(help="Its name for the server.")]
_RerankerKey = Annotated[
    str, typer.Option(help="Environment variable that holds the reranker's key, if it wants one.")
]
_Streams = Annotated[
    str, typer.Argument(help="A data set of training streams, or a file of public items (.jsonl).")
]
_Target = Annotated[
    float,
    typer.Option(help="False replies an hour that are allowed; the threshold is chosen by it."),
]
_Scenes = Annotated[
    int, typer.Option(help="Scenes of each kind, played with the whole agent; 0: none.")
]
_BargeIn = Annotated[
    bool, typer.Option(help="In scenes: who talks over the agent makes it stop, as in calls.")
]
_PeerFile = Annotated[
    str | None,
    typer.Option(help="YAML of a server with OpenAI's audio chat, heard in place of a runtime."),
]
_SecondRun = Annotated[
    bool, typer.Option(help="Measure the recommended threshold with a second run.")
]
_First = Annotated[str, typer.Argument(help="The model after its first stage: alpha 1.")]
_Second = Annotated[str, typer.Argument(help="The text model it came from: alpha 0.")]
_Alphas = Annotated[str, typer.Option(help="Shares of the first, with commas between them.")]
_Keep = Annotated[bool, typer.Option("--keep", help="Keep the merged models in the folder, too.")]
_Report = Annotated[str, typer.Argument(help="A report.json, or the folder that holds it.")]


@eval_app.command()
@command
def sounds(
    folder: _Folder,
    out: _Out,
    runtime: _Runtime = "embedded:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    tier: _Tier = "both",
    joined: _Joined = 3,
    seed: _Seed = 0,
    tail_s: _Tail = 0.4,
    profile: _Profile = "default",
    threshold: _Threshold = None,
    sessions: _Sessions = 4,
    answers: _Answers = None,
    reranker: _Reranker = None,
    reranker_model: _RerankerModel = "BAAI/bge-reranker-v2-m3",
    reranker_key_env: _RerankerKey = "",
) -> int:
    """Play Proactive-Sound-Bench to a model: does it speak up, and only when it should?"""
    from interject.cli.eval.request import read_request
    from interject.cli.eval.running import run

    request = read_request(
        folder=folder,
        out=out,
        runtime_url=placed(runtime, device, dtype, context, kv_cache_dtype),
        tier=tier,
        joined=joined,
        seed=seed,
        tail_s=tail_s,
        profile=profile,
        threshold=threshold,
        sessions=sessions,
        answers=answers,
        reranker=reranker,
        reranker_model=reranker_model,
        reranker_key_env=reranker_key_env,
    )
    return run(request)


@eval_app.command()
@command
def stream(
    dataset: _Streams,
    out: _Out,
    runtime: _Runtime = "embedded:nano",
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    profile: _Profile = "default",
    threshold: _Threshold = None,
    target_false_per_hour: _Target = 5.0,
    scenes: _Scenes = 20,
    barge_in: _BargeIn = True,
    second_run: _SecondRun = True,
    seed: _Seed = 0,
    tail_s: _Tail = 1.2,
    sessions: _Sessions = 4,
    peer: _PeerFile = None,
) -> int:
    """Play streams to a model: false replies an hour, lateness, words, calibration, scenes."""
    from interject.cli.eval.stream_request import read_stream_request
    from interject.cli.eval.stream_running import run_streams

    request = read_stream_request(
        dataset=dataset,
        out=out,
        runtime_url=placed(runtime, device, dtype, context, kv_cache_dtype),
        profile=profile,
        threshold=threshold,
        target_false_per_hour=target_false_per_hour,
        scenes=scenes,
        talk_over=barge_in,
        second_run=second_run,
        seed=seed,
        tail_s=tail_s,
        sessions=sessions,
        peer=peer,
    )
    return run_streams(request)


@eval_app.command()
@command
def merges(
    first: _First,
    second: _Second,
    dataset: _Streams,
    out: _Out,
    alphas: _Alphas = "0,0.25,0.5,0.75,1",
    keep: _Keep = False,
    device: Device = "auto",
    dtype: Dtype = "auto",
    context: Context = "auto",
    kv_cache_dtype: KvCacheDtype = "auto",
    profile: _Profile = "default",
    threshold: _Threshold = None,
    seed: _Seed = 0,
    tail_s: _Tail = 1.2,
    sessions: _Sessions = 4,
) -> int:
    """Merge two models by several shares (Core-Cocktail), and play streams to each of them."""
    from interject.cli.eval.merge_sweep import read_alphas, run_merges
    from interject.cli.eval.stream_request import read_stream_request

    request = read_stream_request(
        dataset=dataset,
        out=out,
        runtime_url=placed("embedded:merged", device, dtype, context, kv_cache_dtype),
        profile=profile,
        threshold=threshold,
        target_false_per_hour=0.0,
        scenes=0,
        talk_over=False,
        second_run=False,
        seed=seed,
        tail_s=tail_s,
        sessions=sessions,
    )
    return run_merges(request, first, second, alphas=read_alphas(alphas), keep=keep)


@eval_app.command()
@command
def compare(first: _Report, second: _Report) -> None:
    """Say which differences between two reports on the same items are beyond noise."""
    from interject.cli.eval.comparing import show_comparison

    show_comparison(first, second)
