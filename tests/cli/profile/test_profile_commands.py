"""What is wrong with a profile is told in a line each, and what is shown can be read again."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from interject.cli.process.failures import EXIT_BAD_INPUT
from interject.cli.profile.checking import check_profile
from interject.cli.profile.showing import show_names, show_profile
from interject.config import ProfileError, load_profile, shipped_profiles

if TYPE_CHECKING:
    from pathlib import Path

BAD = {
    "a typo": ("treshold: 0.4", "2: unknown key 'treshold'; the nearest valid key is 'threshold'"),
    "a typo inside": ("reply: {max_token: 9}", "2: unknown key 'reply.max_token'; the nearest"),
    "an alien key": ("colour: red", "2: unknown key 'colour'; valid keys here are"),
    "a key of two": ("mode: speak\nmode: assist", "3:1: bad YAML: the key 'mode' stands here twi"),
    "no YAML": ("mode: [speak", "3:1: bad YAML: "),
    "a tab": ("cue:\n\tpriority: 3", "3:1: bad YAML: "),
    "a number too large": ("threshold: 2", "2: 'threshold' is 2; it must be less than or equal"),
    "a word for a number": ("threshold: high", "2: 'threshold' is 'high'; it must be a valid num"),
    "a number for a word": ("description: 3", "2: 'description' is 3; it must be a valid string"),
    "no such mode": ("mode: shout", "2: 'mode' is 'shout'; it must be 'observe', 'assist' or 'sp"),
    "no such output": ("outputs: [sung]", "2: 'outputs.0' is 'sung'; it must be 'spoken', 'post"),
    "a word for a list": ("outputs: cue", "2: 'outputs' is 'cue'; it must be a list, as [a, b]"),
    "an output twice": ("outputs: [cue, cue]", "2: 'outputs' is ['cue', 'cue']; 'cue' stands th"),
    "no such engine": ("voice: {engine: loud}", "2: 'voice.engine' is 'loud'; allowed are"),
    "a voice without engine": ("voice: {name: en}", "2: the key 'voice.engine' is missing"),
    "a list for keys": ("cue: [note]", "2: 'cue' is ['note']; it must hold keys and values"),
    "a rule that is none": (
        "cue:\n  categories:\n    offer: {colddown_s: 3}",
        "4: unknown key 'cue.categories.offer.colddown_s'; the nearest valid key is 'cooldown_s'",
    ),
    "a bad tag": (
        "cue:\n  categories:\n    offer:\n      tag: offer",
        "5: 'cue.categories.offer.tag' is 'offer'; it must begin and end with a mark",
    ),
    "a tag of two": (
        "cue:\n  categories: {a: {tag: '[x]'}, b: {tag: '[x]'}}",
        "3: 'cue.categories': a and b have the same tag, [x]",
    ),
    "a form without a place": (
        "checklist: {form: '[done]'}",
        "2: 'checklist.form' is '[done]'; it",
    ),
    "an item without words": ("checklist: {items: {a: ''}}", "2: 'checklist.items.a' is ''; it mu"),
    "a phrase of both": (
        "room:\n  stop_phrases: [halt]\n  resume_phrases: [Halt!]",
        "4: 'room.resume_phrases' is ['Halt!']; 'Halt!' is one of stop_phrases, too",
    ),
    "a known reply twice": (
        "reply:\n  read_as: {'Noted.': '', noted: ''}",
        "3: 'reply.read_as' is {'Noted.': '', 'noted': ''}; 'noted' means the same as 'Noted.'",
    ),
    "a reading that is none": (
        "reply:\n  read_as:\n    Noted.: 3",
        "4: 'reply.read_as.Noted.' is 3; it must be a valid string",
    ),
    "a stop reply read as something": (
        "reply: {read_as: {I will stop listening: ''}}\nroom: {}",
        "3: 'room': 'I will stop listening.' of stop_replies stands in reply.read_as, too",
    ),
    "notes that are nowhere": (
        "notes: {folder: gone}",
        "2: 'notes.folder' is 'gone'; there is no such folder",
    ),
    "notes that are a file": (
        "notes:\n  folder: bad.yaml",
        "3: 'notes.folder' is 'bad.yaml'; there is no such folder",
    ),
    "a floor beyond all scores": ("notes: {floor: 60}", "2: 'notes.floor' is 60; it must be less"),
    "a source that is no yes": (
        "cue: {categories: {fact: {needs_source: maybe}}}",
        "2: 'cue.categories.fact.needs_source' is 'maybe'; it must be true or false",
    ),
    "nothing to extend": ("extends: defualt", "2: 'extends' is 'defualt'; no profile is called"),
    "a circle": ("extends: bad.yaml", "2: 'extends' is 'bad.yaml', which makes a circle: bad.yam"),
}


def told(name: str) -> tuple[int, list[str]]:
    out = io.StringIO()
    code = check_profile(name, out)
    return code, out.getvalue().splitlines()


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_bad_profile_gets_one_clear_line(tmp_path: Path, kind: str) -> None:
    text, says = BAD[kind]
    path = tmp_path / "bad.yaml"
    path.write_text(f"system_prompt: Listen.\n{text}\n")
    code, lines = told(str(path))
    assert code == EXIT_BAD_INPUT
    (line,) = lines
    assert line.startswith(f"{path}:{says}")


def test_every_problem_of_a_file_has_its_line_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("threshold: 7\nmode: loud\nreply:\n  max_token: 3\n")
    code, lines = told(str(path))
    assert code == EXIT_BAD_INPUT
    assert [line.partition(": ")[0] for line in lines] == [
        f"{path}", f"{path}:1", f"{path}:2", f"{path}:4"
    ]  # fmt: skip
    assert lines[0] == f"{path}: the key 'system_prompt' is missing"


def test_what_can_hardly_be_meant_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(
        "extends: default\nmode: observe\n"
        "cue: {categories: {offer: {}, note: {priority: 3}}}\nchecklist: {items: {hello: Greets}}\n"
    )
    with path.open("a") as file:
        file.write("reply: {read_as: {Noted: '[ofer] [x] yes', Fine: '[done bye] Ok'}}\n")
    code, lines = told(str(path))
    assert code == 0
    assert lines[0].endswith("odd can be used; 2 categories, 1 item on its checklist")
    assert ", which extends " in lines[0]
    unsaid = "the system_prompt does not say {}, so the model may never write it"
    assert lines[1:] == [
        f"note: 'cue.categories.offer': {unsaid.format('[offer]')}",
        f"note: 'checklist.items.hello': {unsaid.format('[done hello]')}",
        "note: 'reply.read_as.Noted': [ofer] is no tag of this profile, so it is shown",
        "note: 'reply.read_as.Fine': this profile has no [done bye], so it stands for nothing",
        "note: 'cue.categories': nothing is shown or posted in this mode with these outputs",
        "note: 'outputs': in this mode no reply is heard or read",
    ]


def test_what_was_read_is_counted_and_notes_that_nothing_needs_are_a_note(tmp_path: Path) -> None:
    """What was taken out of a profile leaves no tag that is shown."""
    (tmp_path / "notes").mkdir()
    for name in ("a.md", "b.txt"):
        (tmp_path / "notes" / name).write_text("The shop is open from nine to five.\n")
    path = tmp_path / "show.yaml"
    path.write_text(
        "extends: podcast_producer\nnotes: {folder: notes}\nchecklist: {items: {thanks: null}}\n"
        "cue: {categories: {open: null}}\nsoundboard: {sounds: {calm: null}}\n"
    )
    code, (counts, *rest) = told(str(path))
    assert (code, counts.partition("; ")[2]) == (
        0,
        "2 categories, 4 items on its checklist, 1 sound",
    )
    nothing = "note: 'reply.read_as.{}': this profile has no {}, so it stands for nothing"
    assert rest == [
        nothing.format("Noted.", "[open]"),
        nothing.format("You are welcome.", "[done thanks]"),
        nothing.format("Playing the intro music now.", "[play calm]"),
        "note: 'notes.folder': no category has needs_source, so nothing is looked up in the notes",
    ]
    path.write_text(path.read_text().replace("{open: null}", "{open: {needs_source: true}}"))
    _, (counts, *_) = told(str(path))
    assert counts.endswith("3 categories, 4 items on its checklist, 1 sound, 2 files of notes")


def test_what_is_left_out_of_the_notes_is_a_note_and_so_is_a_claim_that_has_none(
    tmp_path: Path,
) -> None:
    path = tmp_path / "shop.yaml"
    rules = "cue: {categories: {fact: {tag: '[question]', needs_source: true}, question: null}}\n"
    path.write_text(f"extends: call_center_copilot\n{rules}")
    unfound = "note: 'cue.categories.fact': without notes no source is found, and no card shown"
    assert told(str(path))[1][1:] == [unfound]
    path.write_text(f"extends: call_center_copilot\n{rules}notes: {{folder: .}}\n")
    (tmp_path / "shop.md").write_text("We are open from 9 to 5.")
    left_out = "note: 'notes.folder': shop.yaml: it is no note; those are .md, .txt and .pdf"
    assert told(str(path)) == (0, [told(str(path))[1][0], left_out])


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profiles_are_in_order_and_can_be_read_again_as_they_are_shown(
    tmp_path: Path, name: str
) -> None:
    code, (line, *notes) = told(name)
    assert (code, notes) == (0, [])
    assert f"{name} can be used" in line
    out = io.StringIO()
    show_profile(name, out)
    path = tmp_path / "again.yaml"
    path.write_text(out.getvalue())
    assert load_profile(path) == load_profile(name)


def test_the_list_has_every_shipped_profile_and_what_it_is_for() -> None:
    out = io.StringIO()
    show_names(out)
    assert [line.partition(" ")[0] for line in out.getvalue().splitlines()] == [*shipped_profiles()]
    assert all(load_profile(name).description in out.getvalue() for name in shipped_profiles())


def test_a_name_that_is_none_is_no_file_to_explain() -> None:
    with pytest.raises(ProfileError, match="did you mean 'default'"):
        told("defualt")


def test_what_a_responder_lacks_here_is_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "odd_shop.py").write_text("def find(order: int) -> str: ...\nNUMBER = 5\n")
    (tmp_path / "broken_shop.py").write_text("raise RuntimeError('a password')\n")
    entries = (
        "odd_shop:find", "nowhere.shop:find", "odd_shop:nope", "odd_shop:NUMBER", "odd_shop:find",
        "broken_shop:find",
    )  # fmt: skip
    names = ("a", "b", "c", "d", "a", "e")
    tools = [
        f"    - {{kind: python, name: {name}, entry: '{entry}'}}\n"
        for name, entry in zip(names, entries, strict=True)
    ]
    path = tmp_path / "desk.yaml"
    path.write_text(
        "extends: default\ncue: {categories: {offer: {tag: '[question]'}}}\n"
        "responder:\n  engine: chat\n  base_url: http://127.0.0.1:9/v1\n  model: any\n"
        "  api_key_env: NOT_SET_HERE\n"
        "  route: {categories: [offer, nothere], never_categories: [noise]}\n"
        f"  tools:\n{''.join(tools)}"
        "    - {kind: http, name: w, url: 'http://127.0.0.1:9/', description: x, "
        "parameters: {type: objekt}}\n"
        "    - {kind: mcp, command: [no-such-program], allow: [x], needs_operator: [y]}\n"
    )
    code, (_, *rest) = told(str(path))
    found = [line for line in rest if "responder." in line]
    category = "this profile has no category '{}' in cue.categories, so no reply is one of it"
    key = "the key for http://127.0.0.1:9/v1 is taken from the environment variable NOT_SET_HERE"
    assert code == 0
    assert found == [
        f"note: 'responder.route.categories': {category.format('nothere')}",
        f"note: 'responder.route.never_categories': {category.format('noise')}",
        f"note: 'responder.api_key_env': {key}, which is not set",
        (
            "note: 'responder.tools.1': the tool 'b': nowhere.shop:find is not there (No module "
            "named 'nowhere'); install it into this environment, or name the folder that it lies "
            "in in PYTHONPATH"
        ),
        (
            "note: 'responder.tools.2': the tool 'c': odd_shop:nope is not there (module "
            "'odd_shop' has no attribute 'nope')"
        ),
        "note: 'responder.tools.3': the tool 'd': odd_shop:NUMBER is no function",
        "note: 'responder.tools.4': the responder has two tools that are called 'a'",
        "note: 'responder.tools.5': 'e' cannot be imported (RuntimeError)",
        "note: 'responder.tools.6': the parameters of the tool 'w' are no JSON object",
        "note: 'responder.tools.7.command': there is no program 'no-such-program' here",
        "note: 'responder.tools.7.needs_operator': 'y' is not in allow, so it does not exist",
    ]


def test_notes_that_a_responder_looks_up_are_wanted_and_an_address_has_no_more_than_its_base(
    tmp_path: Path,
) -> None:
    path, base = tmp_path / "desk.yaml", "http://127.0.0.1:9/v1"
    (tmp_path / "hours.md").write_text("We are open from 9 to 5.")
    path.write_text(
        f"extends: default\nnotes: {{folder: .}}\n"
        f"responder: {{engine: chat, base_url: {base}, model: any}}\n"
    )
    assert not [line for line in told(str(path))[1] if "needs_source" in line]
    path.write_text(path.read_text().replace("/v1", "/v1/chat/completions"))
    code, lines = told(str(path))
    assert code == EXIT_BAD_INPUT
    assert lines[0].endswith("it must end before /chat/completions, which is added")
