"""A profile that extends another is that one but for what it says itself."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from interject.config import ProfileError, load_profile
from interject.config.layers import MOST_LAYERS
from interject.config.loader import PROFILE_DIR, load_layers

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
name: base
description: The desk's.
system_prompt: Listen.
outputs: [spoken, posted]
voice: {engine: espeak, name: en-us, rate_wpm: 200}
reply: {max_tokens: 40, unprompted_per_minute: 3}
cue:
  priority: 400
  categories:
    offer: {priority: 700, cooldown_s: 30, veto: [free]}
    risk: {once_a_call: true}
checklist:
  items: {hello: Greets, bye: Thanks}
"""


def write(folder: Path, **files: str) -> Path:
    """The path of the last one."""
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.write_text(text)
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_maps_are_put_together_and_lists_replaced(tmp_path: Path) -> None:
    own = """\
extends: base.yaml
outputs: [cue]
voice: {rate_wpm: 150}
reply: {unprompted_per_minute: null}
cue:
  categories:
    offer: {cooldown_s: 60, veto: [cheap]}
    legal: {}
checklist: {items: {bye: Says goodbye}}
"""
    profile, files = load_layers(write(tmp_path, base=BASE, own=own))
    assert [path.name for path in files] == ["own.yaml", "base.yaml"]
    assert (profile.name, profile.description) == ("own", "The desk's.")
    assert profile.outputs == ("cue",)
    assert profile.voice.model_dump()["name"] == "en-us"
    assert profile.voice.model_dump()["rate_wpm"] == 150
    assert (profile.reply.max_tokens, profile.reply.unprompted_per_minute) == (40, None)
    offer = profile.cue.categories["offer"]
    assert (offer.priority, offer.cooldown_s, offer.veto) == (700, 60, ("cheap",))
    assert list(profile.cue.categories) == ["offer", "risk", "legal"]
    assert profile.checklist.items == {"hello": "Greets", "bye": "Says goodbye"}


def test_null_takes_a_category_and_an_item_out_again(tmp_path: Path) -> None:
    own = "extends: base.yaml\ncue: {categories: {risk: null}}\nchecklist: {items: {bye: null}}\n"
    profile = load_profile(write(tmp_path, base=BASE, own=own))
    assert list(profile.cue.categories) == ["offer"]
    assert list(profile.checklist.items) == ["hello"]
    assert profile.cue.former_tags == ("[risk]",), "the prompt may still ask for it"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("checklist: {items: {bey: null}}", "'checklist.items.bey' is null, which takes out"),
        ("checklist: {items: {bey: null}}", "did you mean 'bye'?"),
        ("cue: {categories: {zzz: null}}", "inherited are offer, risk"),
        ("reply: {read_as: {Hi.: null}}", "nothing is"),
    ],
)
def test_null_for_what_is_not_inherited_is_told_with_what_is(
    tmp_path: Path, own: str, said: str
) -> None:
    error = error_of(write(tmp_path, base=BASE, own=f"extends: base.yaml\n{own}\n"))
    assert said in error
    assert "own.yaml, line 2" in error


def test_a_former_tag_stays_one_in_whatever_extends_the_profile(tmp_path: Path) -> None:
    """Also one whose category has another tag now."""
    own = "extends: base.yaml\ncue: {categories: {risk: null}}\n"
    last = 'extends: own.yaml\ncue: {categories: {offer: {tag: "<offer>"}}}\n'
    profile = load_profile(write(tmp_path, base=BASE, own=own, last=last))
    assert profile.cue.former_tags == ("[risk]", "[offer]")


def test_a_voice_of_another_engine_takes_the_place_of_the_inherited_one(tmp_path: Path) -> None:
    own = "extends: base.yaml\nvoice: {engine: none}\n"
    assert load_profile(write(tmp_path, base=BASE, own=own)).voice.engine == "none"


def test_a_shipped_profile_may_be_extended_also_under_its_own_name(tmp_path: Path) -> None:
    path = write(tmp_path, default="extends: default\nthreshold: 0.9\n")
    profile, shipped = load_profile(path), load_profile("default")
    assert profile == shipped.model_copy(update={"threshold": 0.9})


def test_one_through_another_and_each_path_is_from_the_file_that_says_it(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    write(folder, base=BASE, middle="extends: ./base.yaml\nthreshold: 0.7\n")
    path = write(tmp_path, own="extends: shared/middle.yaml\nmode: observe\n")
    profile = load_profile(path)
    assert (profile.name, profile.threshold, profile.mode) == ("own", 0.7, "observe")


def test_a_base_may_be_no_whole_profile(tmp_path: Path) -> None:
    path = write(tmp_path, base="threshold: 0.7\n", own="extends: base.yaml\nsystem_prompt: a\n")
    assert load_profile(path).threshold == 0.7
    alone = write(tmp_path, alone="extends: base.yaml\nmode: speak\n")
    assert error_of(alone) == f"{alone}: the key 'system_prompt' is missing"


def test_a_problem_is_told_where_it_stands(tmp_path: Path) -> None:
    bad = BASE.replace("priority: 400", "priority: 4000")
    path = write(tmp_path, base=bad, own="extends: base.yaml\ncue:\n  expires_s: 0\n")
    message = error_of(path)
    assert message.startswith(f"{tmp_path}/base.yaml, line 8: 'cue.priority' is 4000")
    assert message.endswith("(and 1 more)")
    mended = write(tmp_path, own="extends: base.yaml\ncue:\n  priority: 1\n  expires_s: 0\n")
    assert error_of(mended).startswith(f"{mended}, line 4: 'cue.expires_s' is 0")


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ("call_centre_copilot", "no profile is called 'call_centre_copilot'; did you mean 'call_"),
        ("there.yaml", "/there.yaml: no such file"),
        ("own.yaml", "which makes a circle: own.yaml extends own.yaml"),
        ("[a, b]", "it must be a profile's name, or the path of a file that ends in .yaml"),
        ("", "'extends' is None; it must be a profile's name"),
        ("round.yaml", "round.yaml, line 2: 'extends' is 'own.yaml', which makes a circle: own.y"),
        ("broken.yaml", "broken.yaml, line 1, column 1: bad YAML"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, named: str, says: str) -> None:
    broken, circle = "]", "mode: speak\nextends: own.yaml\n"
    own = f"system_prompt: a\nextends: {named}\n"
    path = write(tmp_path, broken=broken, round=circle, own=own)
    message = error_of(path)
    assert says in message
    assert message.startswith(
        (f"{path}, line 2: 'extends' is ", f"{tmp_path}/round", f"{tmp_path}/b")
    )


def test_a_chain_has_an_end(tmp_path: Path) -> None:
    for number in range(MOST_LAYERS + 1):
        write(tmp_path, **{f"p{number}": f"extends: p{number + 1}.yaml\n"})
    assert "may extend 15 others" in error_of(tmp_path / "p0.yaml")


def test_a_copy_of_a_shipped_profile_extends_what_it_extended(tmp_path: Path) -> None:
    for name in ("call_center_copilot", "meeting_assistant", "podcast_producer"):
        shutil.copy(PROFILE_DIR / f"{name}.yaml", tmp_path)
        assert load_profile(tmp_path / f"{name}.yaml") == load_profile(name)
