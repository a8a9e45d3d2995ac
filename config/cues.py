"""What a profile says about cue cards and about the checklist of a call."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, field_validator
from pydantic_core import PydanticCustomError

from interject.config.lists import Phrases
from interject.config.strict import StrictModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_NAMES = 64
PLACE = "{item}"
SENTENCE_MARKS = ".,;:!?…"


def _marked(tag: str) -> str:
    """Whatever stands between two marks is no word of a sentence."""
    if len(tag) < 3 or not (_is_mark(tag[0]) and _is_mark(tag[-1])):
        raise PydanticCustomError("tag", "it must begin and end with a mark, as [offer] does")
    return tag


def _is_mark(character: str) -> bool:
    """One that no word and no sentence ends with."""
    return not (character.isalnum() or character.isspace() or character in SENTENCE_MARKS)


def form_with(place: str) -> Callable[[str], str]:
    """Checks a tag that has a name in this place."""

    def check(form: str) -> str:
        if form.count(place) != 1:
            example = f"[do {place}]"
            names = {"place": place, "example": example}
            raise PydanticCustomError("form", "it must hold {place} once, as {example} does", names)
        _marked(form.replace(place, "x"))
        return form

    return check


TagText = Annotated[str, Field(max_length=64), AfterValidator(_marked)]
NameText = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=64)]


class CueCategory(StrictModel):
    """Rules for the cards of one kind. `tag` is what a reply of this kind holds; without one it is
    the category's name in brackets. `priority` and `expires_s` are those of `cue` where they are
    left out.

    For `cooldown_s` seconds after a card the same one is not shown again: one of the same words,
    or with `cooldown_of: category` any of the category. `speaker` is whose words may cause one. A
    card with one of the phrases of `veto` in it is never shown, nor one that `needs_source` and has
    none. What is urgent passes all of these but the last two.
    """

    tag: TagText | None = None
    priority: int | None = Field(default=None, ge=0, le=1_000)
    expires_s: float | None = Field(default=None, gt=0, le=86_400)
    cooldown_s: float = Field(default=0.0, ge=0, le=86_400)
    cooldown_of: Literal["words", "category"] = "words"
    most_a_call: int | None = Field(default=None, ge=1, le=1_000_000)
    once_a_call: bool = False
    speaker: Literal["customer", "agent", "both"] = "both"
    veto: Phrases = Field(default=(), strict=False)
    needs_source: bool = False


class CueSettings(StrictModel):
    """How replies look as cue cards. A larger `priority` is shown first.

    A reply is of the first of the `categories` whose tag it holds, else of `category`.
    `former_tags` are those of categories that were taken out, which the prompt may still ask for:
    they are taken out of replies and stand for nothing.
    """

    category: str = Field(default="note", min_length=1, max_length=64)
    priority: int = Field(default=500, ge=0, le=1_000)
    expires_s: float = Field(default=30.0, gt=0, le=86_400)
    categories: dict[NameText, CueCategory] = Field(default={}, max_length=MOST_NAMES)
    former_tags: tuple[TagText, ...] = Field(default=(), strict=False, max_length=MOST_NAMES)

    @field_validator("categories")
    @classmethod
    def _apart(cls, categories: dict[str, CueCategory]) -> dict[str, CueCategory]:
        keep_apart((category_tag(name, one.tag), name) for name, one in categories.items())
        return categories

    def rules(self, category: str) -> CueCategory:
        return self.categories.get(category) or CueCategory()

    def priority_of(self, category: str) -> int:
        own = self.rules(category).priority
        return self.priority if own is None else own

    def expires_s_of(self, category: str) -> float:
        return self.rules(category).expires_s or self.expires_s


class ChecklistSettings(StrictModel):
    """What has to happen in a call: `items` by their ids. A reply that holds `form` with an id in
    place of `{item}` says that it has.
    """

    form: Annotated[str, Field(max_length=64), AfterValidator(form_with(PLACE))] = "[done {item}]"
    items: dict[NameText, Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default={}, max_length=MOST_NAMES
    )

    def tag_of(self, item: str) -> str:
        return self.form.replace(PLACE, item)


def category_tag(name: str, tag: str | None) -> str:
    return tag or f"[{name}]"


def keep_apart(tags: Iterable[tuple[str, str]]) -> None:
    """Each a tag and whose it is. One that is part of another could not be told from it."""
    for (tag, owner), (other, its_owner) in permutations(tags, 2):
        if tag.lower() == other.lower():
            raise PydanticCustomError("tags", f"{owner} and {its_owner} have the same tag, {tag}")
        if tag.lower() in other.lower():
            said = f"the tag {tag} of {owner} is part of that of {its_owner}, {other}"
            raise PydanticCustomError("tags", said)
