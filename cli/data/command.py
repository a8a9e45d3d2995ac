"""`interject data ...`: build, check, convert and look at training data."""

from __future__ import annotations

from typing import Annotated

import typer

from interject.cli.process.failures import command

data_app = typer.Typer(
    help="Build, check, convert and look at training data.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_Out = Annotated[str, typer.Argument(help="Folder of the data set; a begun one goes on.")]
_Recipe = Annotated[
    str, typer.Option(help="A recipe's name, or a YAML file with `recipe:` and its settings.")
]
_Count = Annotated[
    int | None, typer.Option(help="How many streams, instead of the recipe's number.")
]
_Seed = Annotated[int | None, typer.Option(help="Seed, instead of the recipe's.")]
_Workers = Annotated[int | None, typer.Option(help="Processes; as many as cores by default.")]
_Path = Annotated[str, typer.Argument(help="Folder of a data set, or a .jsonl file of items.")]
_Json = Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")]
_Quick = Annotated[bool, typer.Option("--quick", help="Look at no sound and no hash.")]
_Target = Annotated[str, typer.Argument(help="Folder to write; it should be new.")]
_To = Annotated[
    str, typer.Option(help="shards, public (StreamAudio-2M's item), trainer, or merged.")
]
_Ability = Annotated[
    str | None, typer.Option(help="What items teach that do not say it themselves.")
]
_Lag = Annotated[
    float, typer.Option("--decision-lag-ms", help="From a published turn's end to its reply.")
]
_SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave bad items out, and count them.")]
_Page = Annotated[
    str | None, typer.Option(help="File of the page to write; inspection.html in DIR by default.")
]
_Streams = Annotated[int, typer.Option(help="How many streams the page shows.")]

_Sounds = Annotated[
    str,
    typer.Argument(
        help="Folder with annotations.jsonl, .csv or sounds.jsonl, or with subfolders as tags."
    ),
]
_Scenes = Annotated[
    str, typer.Option("--out", help="File of scenes (.jsonl); a begun one goes on.")
]
_Bags = Annotated[
    int, typer.Option("--count", help="How many bags of annotations; 1 or 2 scenes each.")
]
_PlanSeed = Annotated[int, typer.Option("--seed", help="Of the bags and of what is synthesised.")]
_BaseUrl = Annotated[
    str | None,
    typer.Option(help="A server with OpenAI's chat interface, as http://127.0.0.1:8000/v1."),
]
_Model = Annotated[str | None, typer.Option(help="The model's name there.")]
_KeyEnv = Annotated[str, typer.Option(help="Name of the environment variable that holds the key.")]
_Cache = Annotated[
    str | None, typer.Option(help="Folder of answers; beside the file of scenes by default.")
]
_Calls = Annotated[int | None, typer.Option(help="Most requests to send, repeated ones included.")]
_Parallel = Annotated[int, typer.Option(help="How many bags are worked on at once.")]
_Hears = Annotated[
    bool, typer.Option("--hears", help="The model takes sound: it listens to what was found.")
]


@data_app.command()
@command
def build(
    out: _Out,
    recipe: _Recipe,
    count: _Count = None,
    seed: _Seed = None,
    workers: _Workers = None,
    json: _Json = False,
) -> int:
    """Make a data set by a recipe. Stopped or killed, the same command goes on."""
    from interject.cli.data.building import build_dataset
    from interject.cli.data.recipe_file import read_recipe

    return build_dataset(read_recipe(recipe, count=count, seed=seed), out, workers, as_json=json)


@data_app.command()
@command
def plan(
    sounds: _Sounds,
    out: _Scenes,
    count: _Bags = 100,
    seed: _PlanSeed = 0,
    base_url: _BaseUrl = None,
    model: _Model = None,
    api_key_env: _KeyEnv = "",
    cache: _Cache = None,
    calls: _Calls = None,
    parallel: _Parallel = 4,
    hears: _Hears = False,
    json: _Json = False,
) -> int:
    """Plan scenes from annotated sounds and find a sound for each event, for `--recipe scenes`.

    By rules, or by a language model behind any server with OpenAI's interface. Stopped, the same
    command goes on.
    """
    from interject.cli.data.plan_request import read_plan_request
    from interject.cli.data.planning import plan_scenes

    request = read_plan_request(
        sounds=sounds, out=out, count=count, seed=seed, base_url=base_url, model=model,
        api_key_env=api_key_env, cache=cache, calls=calls, parallel=parallel, hears=hears,
    )  # fmt: skip
    return plan_scenes(request, as_json=json)


@data_app.command()
@command
def validate(
    path: _Path, ability: _Ability = None, quick: _Quick = False, json: _Json = False
) -> int:
    """Check every stream; exit 1 when one is bad."""
    from interject.cli.data.validating import validate_data

    return validate_data(path, ability=ability, quick=quick, as_json=json)


@data_app.command()
@command
def convert(
    path: _Path,
    out: _Target,
    to: _To,
    ability: _Ability = None,
    decision_lag_ms: _Lag = 0.0,
    skip_bad: _SkipBad = False,
    workers: _Workers = None,
) -> int:
    """Turn a data set into StreamAudio-2M's items, or items into a data set."""
    from interject.cli.data.converting import convert_data

    return convert_data(
        path, out, to=to, ability=ability, decision_lag_ms=decision_lag_ms, skip_bad=skip_bad,
        workers=workers,
    )  # fmt: skip


@data_app.command()
@command
def inspect(
    path: _Path,
    page: _Page = None,
    streams: _Streams = 24,
    ability: _Ability = None,
    json: _Json = False,
) -> None:
    """Print what a data set holds, and write a page to look and listen through it."""
    from interject.cli.data.inspecting import inspect_data

    inspect_data(path, page=page, streams=streams, ability=ability, as_json=json)
