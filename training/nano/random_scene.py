"""Any stream of training: which style it has is drawn first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interject.training.nano.lone_scene import LoneSceneBuilder
from interject.training.nano.scene import Style
from interject.training.nano.scene_builder import SceneBuilder

if TYPE_CHECKING:
    from interject.training.nano.scene import Scene, Stock
    from interject.training.sounds.waves import Rng

_STYLES = (Style.MIXED, Style.UNRELATED, Style.COUNT)
_SHARES = (0.6, 0.2, 0.2)


def make_scene(stock: Stock, rng: Rng, chunks: int, style: Style | None = None) -> Scene:
    """A random stream; of those that are not lone one in five has nothing to answer."""
    lone = stock.shares.lone
    if style is None:
        style = (
            Style.LONE if lone and rng.random() < lone else Style(rng.choice(_STYLES, p=_SHARES))
        )
    if style is Style.LONE:
        return LoneSceneBuilder(stock, rng, chunks).build()
    return SceneBuilder(stock, rng, chunks, style).build()
