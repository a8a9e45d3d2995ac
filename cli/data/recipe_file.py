"""A recipe by its name, or from a file, with what the command line says instead."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ConfigDict, ValidationError

from interject.cli.process.failures import InputFailure, printable
from interject.config.problems import describe
from interject.config.strict import StrictModel
from interject.config.yaml_file import load_yaml

if TYPE_CHECKING:
    from interject.training.dataset.recipes import Recipe

KIND = "recipe"


class _Named(StrictModel):
    """Only to see which recipe a file is of."""

    model_config = ConfigDict(extra="allow")

    recipe: str


def read_recipe(name_or_path: str, *, count: int | None, seed: int | None) -> Recipe:
    """Something with a slash or a suffix `.yaml`/`.yml` is a path.

    :raises InputFailure: when there is no such recipe, or a number makes no sense.
    :raises YamlFileError: when its file cannot be read or understood.
    """
    path = Path(name_or_path).expanduser()
    if path.suffix in (".yaml", ".yml") or "/" in name_or_path:
        model = _model(load_yaml(path, _Named, KIND).recipe, f"{printable(str(path))}: ")
        recipe = load_yaml(path, model, KIND)
    else:
        recipe = _by_name(name_or_path)
    return _changed(_changed(recipe, "count", count), "seed", seed)


def _by_name(name: str) -> Recipe:
    model = _model(name, "--recipe: ")
    try:
        return model(recipe=name)
    except ValidationError:
        raise InputFailure(
            f"--recipe {name}: needs settings; give a YAML file with `recipe: {name}` and "
            "`settings:`"
        ) from None


def _model(name: str, where: str) -> type[Recipe]:
    from interject.training.dataset.recipes import RECIPES

    if name in RECIPES:
        return RECIPES[name]
    near = difflib.get_close_matches(name.lower(), RECIPES, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputFailure(
        f"{where}no recipe is called {name!r}; {hint}there are {', '.join(RECIPES)}; "
        "for a file of your own give a path that ends in .yaml"
    )


def _changed(recipe: Recipe, option: str, value: int | None) -> Recipe:
    if value is None:
        return recipe
    try:
        return type(recipe).model_validate({**dict(recipe), option: value})
    except ValidationError as exc:
        raise InputFailure(f"--{option}: {describe(exc, type(recipe))}") from None
