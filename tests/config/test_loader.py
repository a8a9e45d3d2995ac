from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from interject.config import (
    CueCategory,
    Profile,
    ProfileError,
    RoomSettings,
    load_profile,
    shipped_profiles,
)
from interject.config.problems import PATTERNS
from interject.config.yaml_file import MAX_BYTES
from interject.integrations.console.operator_commands import SayThis

TRAINED_PROMPT = (
    "You are a helpful assistant. When there is no user text, if the audio contains a question, "
    "please answer it. If it is a sound effect, determine based on the sound whether help is "
    "needed."
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def error_of(tmp_path: Path, text: str) -> str:
    path = write(tmp_path, text)
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


def test_the_page_shows_every_key_of_a_profile_as_it_is_when_left_out(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "listen.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- profile -->\n```yaml\n")[2].partition("```")[0]
    least = "\n".join(line for line in shown.splitlines() if line.startswith(("name:", "system_")))
    assert load_profile(write(tmp_path, shown)) == load_profile(write(tmp_path, least))
    named = {line.partition(":")[0] for line in shown.splitlines() if not line.startswith(" ")}
    assert named == set(Profile.model_fields) - {"room"}


def test_the_page_of_rooms_shows_every_key_of_a_room_as_it_is_when_left_out(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "livekit.md").read_text(encoding="utf-8")
    section = page.partition("## What a profile says about rooms\n")[2]
    shown = section.partition("\nroom:\n")[2].partition("```")[0]
    least = "name: least\nsystem_prompt: Listen.\n"
    loaded = load_profile(write(tmp_path, f"{least}room:\n{shown}"))
    assert loaded == load_profile(write(tmp_path, least))
    assert loaded.room.model_fields_set == set(RoomSettings.model_fields)


def test_the_profile_that_the_page_of_telephones_shows_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "twilio.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- profile -->\n```yaml\n")[2].partition("```")[0]
    room = load_profile(write(tmp_path, shown)).room
    assert {"spoken_announcement", "spoken_stop_notice"} <= room.model_fields_set


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_shipped_profile_loads_under_its_own_name(name: str) -> None:
    assert load_profile(name).name == name


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "name: my desk",
            "'name' is 'my desk'; it must be of letters (a to z), digits, _, . and -",
        ),
        ("description: 3", "'description' is 3; it must be a valid string"),
        ("threshold: 2", "'threshold' is 2; it must be less than or equal to 1"),
        ("room: {announcement: ''}", "'room.announcement' is ''; it must have at least 1 char"),
        ("room: {telemetry: perhaps}", "'room.telemetry' is 'perhaps'; it must be true or false"),
    ],
)
def test_a_value_that_does_not_suit_is_told_in_plain_words(
    tmp_path: Path, line: str, says: str
) -> None:
    first = "" if line.startswith("name") else "name: mine\n"
    assert says in error_of(tmp_path, f"{first}{line}\nsystem_prompt: Listen.\n")


def test_every_pattern_that_is_put_in_words_is_a_key_s_of_profiles_or_commands() -> None:
    written = json.dumps([Profile.model_json_schema(), SayThis.model_json_schema()])
    assert [pattern for pattern in PATTERNS if json.dumps(pattern) not in written] == []


def test_shipped_names() -> None:
    assert shipped_profiles() == (
        "call_center_copilot",
        "default",
        "meeting_assistant",
        "podcast_producer",
    )


def test_the_default_prompt_is_the_trained_one() -> None:
    assert load_profile("default").system_prompt == TRAINED_PROMPT


def test_copilots_can_never_be_heard_by_default() -> None:
    for name in ("call_center_copilot", "podcast_producer"):
        profile = load_profile(name)
        assert profile.mode == "assist"
        assert profile.outputs == ("cue",)
        assert profile.voice.engine == "none"


def test_a_file_takes_its_name_from_the_path_when_it_has_none(tmp_path: Path) -> None:
    profile = load_profile(str(write(tmp_path, "system_prompt: hello\n")))
    assert profile.name == "mine"
    assert profile.threshold == 0.5
    assert profile.voice.engine == "espeak"


def test_unknown_profile_lists_the_shipped_ones_and_the_nearest() -> None:
    with pytest.raises(ProfileError, match="did you mean 'meeting_assistant'") as caught:
        load_profile("meeting-asistant")
    assert "call_center_copilot, default" in str(caught.value)
    with pytest.raises(ProfileError, match="no profile is called 'zzz'"):
        load_profile("zzz")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"absent\.yaml: no such file"):
        load_profile(tmp_path / "absent.yaml")


def test_a_folder_is_no_profile(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot be read"):
        load_profile(f"{tmp_path}/")


def test_binary_and_huge_files(tmp_path: Path) -> None:
    binary = tmp_path / "b.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ProfileError, match="not UTF-8"):
        load_profile(binary)
    binary.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ProfileError, match="larger than"):
        load_profile(binary)


def test_a_device_without_an_end_is_no_profile() -> None:
    with pytest.raises(ProfileError, match="/dev/zero: larger than"):
        load_profile("/dev/zero")


def test_a_profile_may_come_through_a_pipe() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader), os.fdopen(writer, "w") as pipe:
        pipe.write("system_prompt: listen\r\nthreshold: 0.25\r\n")
        pipe.close()
        assert load_profile(f"/dev/fd/{reader}").threshold == 0.25


def test_bad_yaml_names_line_and_column(tmp_path: Path) -> None:
    message = error_of(tmp_path, "system_prompt: hello\nmode: [speak\nthreshold: 0.5\n")
    assert "line 3, column 10" in message
    assert "bad YAML" in message


def test_a_key_that_stands_twice(tmp_path: Path) -> None:
    message = error_of(tmp_path, "system_prompt: a\nsystem_prompt: b\n")
    assert "line 2, column 1" in message
    assert "'system_prompt' stands here twice" in message


def test_code_in_yaml_is_refused(tmp_path: Path) -> None:
    message = error_of(tmp_path, "system_prompt: !!python/object/apply:os.getcwd []\n")
    assert "bad YAML" in message


@pytest.mark.parametrize(("text", "found"), [("", "nothing"), ("- a\n", "a list"), ("7", "a int")])
def test_something_else_than_keys(tmp_path: Path, text: str, found: str) -> None:
    assert f"holds {found}" in error_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("treshold: 0.4", "treshold", "threshold"),
        ("voice: {engine: espeak, rate: 100}", "voice.rate", "rate_wpm"),
        ("voice: {engine: openai, base_url: 'http://a', nam: x}", "voice.nam", "name"),
        ("reply: {max-tokens: 9}", "reply.max-tokens", "max_tokens"),
        ("sampling: {temprature: 0.1}", "sampling.temprature", "temperature"),
    ],
)
def test_typo_names_key_file_and_nearest(tmp_path: Path, text: str, key: str, nearest: str) -> None:
    message = error_of(tmp_path, f"system_prompt: a\n{text}\n")
    assert f"unknown key {key!r}" in message
    assert f"nearest valid key is {nearest!r}" in message


def test_an_alien_key_lists_the_valid_ones(tmp_path: Path) -> None:
    message = error_of(tmp_path, "system_prompt: a\nxyzzyx: 1\n")
    assert "valid keys here are" in message
    assert "threshold" in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("threshold: 1.5", ["'threshold' is 1.5", "less than or equal to 1"]),
        ("threshold: yes", ["'threshold' is True", "valid number"]),
        ("threshold: .nan", ["'threshold' is nan", "finite number"]),
        ("threshold: high", ["'threshold' is 'high'", "valid number"]),
        ("mode: shout", ["'mode' is 'shout'", "'observe', 'assist' or 'speak'"]),
        ("outputs: [spoken, sung]", ["'outputs.1' is 'sung'", "'spoken', 'posted' or 'cue'"]),
        ("outputs: spoken", ["'outputs' is 'spoken'", "it must be a list"]),
        (
            "voice: {engine: loud}",
            ["'voice.engine' is 'loud'", "'espeak', 'piper', 'kokoro', 'auto', 'openai'"],
        ),
        ("voice: {name: en}", ["'voice.engine' is missing"]),
        ("voice: {rate_wpm: 9, engine: espeak}", ["'voice.rate_wpm' is 9", "equal to 80"]),
        ("voice: {engine: openai}", ["'voice.base_url' is missing"]),
        ("reply: 7", ["'reply' is 7"]),
        ("name: ../x", ["'name' is '../x'", "must be of letters"]),
        ("description: 12:30", ["'description' is 750", "write it in quotes"]),
        ("name: 2026-01-01", ["'name' is datetime.date(2026, 1, 1)", "write it in quotes"]),
        ("privacy: {countries: [NO]}", ["'privacy.countries.0' is False", "yes, no, on and off"]),
        ("privacy: {keep: [0711234567]}", ["'privacy.keep.0' is", "write it in quotes"]),
        ("privacy: {countries: [UK]}", ["'privacy.countries.0' is 'UK'", "GB is meant"]),
        ("privacy: {countries: [ZZ]}", ["'privacy.countries.0' is 'ZZ'", "as GB or DE"]),
    ],
)
def test_wrong_values_name_key_value_and_what_is_allowed(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    message = error_of(tmp_path, f"system_prompt: a\n{text}\n")
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("outputs: [spoken, spoken]", "'outputs' is ['spoken', 'spoken']; 'spoken' stands there"),
        ("room: {stop_phrases: []}", "'room.stop_phrases' is []; it must have one entry at least"),
        ("room: {resume_phrases: []}", "'room.resume_phrases' is []; it must have one entry"),
        ("room: {stop_phrases: ['...']}", "'room.stop_phrases' is ['...']; an entry of it has"),
        ("room: {stop_replies: [' ']}", "'room.stop_replies' is [' ']; an entry of it is blank"),
        ("room: {stop_replies: ['I stop!', 'i stop']}", "'i stop' means the same as 'I stop!'"),
        ("room: {control: ['']}", "'room.control' is ['']; an entry of it is blank"),
        ("room: {cue_to: [ann, ann]}", "'ann' stands there twice"),
        (
            "room: {stop_phrases: [Halt], resume_phrases: ['halt!']}",
            "'halt!' is one of stop_phrases, too",
        ),
    ],
)
def test_lists_that_cannot_be_meant_are_refused(tmp_path: Path, text: str, part: str) -> None:
    assert part in error_of(tmp_path, f"system_prompt: a\n{text}\n")


def test_lists_that_may_be_empty(tmp_path: Path) -> None:
    text = "system_prompt: a\noutputs: []\nroom: {stop_replies: [], control: [], cue_to: []}\n"
    profile = load_profile(write(tmp_path, text))
    assert (profile.outputs, profile.room.stop_replies, profile.room.control) == ((), (), ())


def test_missing_prompt_and_count_of_further_problems(tmp_path: Path) -> None:
    message = error_of(tmp_path, "threshold: 7\nmode: loud\n")
    assert "(and 2 more)" in message


def test_profiles_are_frozen() -> None:
    profile = load_profile("default")
    with pytest.raises(ValueError, match="frozen"):
        profile.threshold = 0.1


@pytest.mark.parametrize(
    "value",
    [
        '!!bool "zz"',
        '!!timestamp "zz"',
        '!!int ""',
        '!!float ""',
        '!!int "abc"',
        "2001-99-99",
        "!!set [a]",
        "!!map x",
        "!!omap {a: b}",
        "!!pairs 5",
        "9" * 5000,
    ],
)
def test_a_value_that_is_not_what_its_tag_says(tmp_path: Path, value: str) -> None:
    message = error_of(tmp_path, f"mode: speak\nthreshold: {value}\n")
    assert "line 2, column 12: bad YAML" in message


def test_the_rules_of_cues_that_the_page_shows_are_rules(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "listen.md").read_text(encoding="utf-8")
    shown = page.partition("\n## Cues\n")[2].partition("```yaml\n")[2].partition("```")[0]
    cue = load_profile(write(tmp_path, shown)).cue
    named = {key for rules in cue.categories.values() for key in rules.model_fields_set}
    assert named == set(CueCategory.model_fields)
    assert [cue.priority_of(name) for name in ("offer", "legal", "hint")] == [700, 500, 500]
    assert [cue.expires_s_of(name) for name in ("offer", "legal", "hint")] == [20, 30, 30]


@pytest.mark.parametrize(
    ("categories", "says"),
    [
        (
            "{offer: {cooldwn: 3}}",
            "line 2: unknown key 'cue.categories.offer.cooldwn'; the nearest",
        ),
        ("{my offer: {}}", "'cue.categories.my offer' is 'my offer'; it must be of letters"),
        ("{offer: 3}", "'cue.categories.offer' is 3; it must hold keys and values"),
        ("[offer]", "'cue.categories' is ['offer']; it must hold keys and values"),
        ("{offer: {tag: offer}}", "'cue.categories.offer.tag' is 'offer'; it must begin and end"),
        ("{offer: {tag: '[offer].'}}", "it must begin and end with a mark, as [offer] does"),
        ("{a: {tag: '[x]'}, b: {tag: '[X]'}}", "'cue.categories': a and b have the same tag, [x]"),
        ("{a: {}, b: {tag: '<[a]>'}}", "the tag [a] of a is part of that of b, <[a]>"),
        ("{offer: {speaker: me}}", "it must be 'customer', 'agent' or 'both'"),
        ("{offer: {veto: ['!']}}", "an entry of it has neither letters nor digits"),
        ("{offer: {most_a_call: 0}}", "'cue.categories.offer.most_a_call' is 0; it must be"),
    ],
)
def test_rules_that_cannot_be_meant(tmp_path: Path, categories: str, says: str) -> None:
    assert says in error_of(tmp_path, f"system_prompt: a\ncue: {{categories: {categories}}}\n")


def test_the_checklist_that_the_page_shows_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "listen.md").read_text(encoding="utf-8")
    shown = page.partition("\n## Checklist\n")[2].partition("```yaml\n")[2].partition("```")[0]
    profile = load_profile(write(tmp_path, shown))
    assert all(
        profile.checklist.tag_of(item) in profile.system_prompt for item in profile.checklist.items
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{form: '[done]'}", "'checklist.form' is '[done]'; it must hold {item} once"),
        ("{form: 'done {item}'}", "it must begin and end with a mark, as [offer] does"),
        ("{items: {hello: ''}}", "'checklist.items.hello' is ''; it must have at least 1 char"),
        ("{items: [hello]}", "'checklist.items' is ['hello']; it must hold keys and values"),
        ("{items: {x: X}}\ncue: {categories: {y: {tag: '[done x]'}}}", "y and x have the same tag"),
    ],
)
def test_checklists_that_cannot_be_meant(tmp_path: Path, text: str, says: str) -> None:
    assert says in error_of(tmp_path, f"system_prompt: a\nchecklist: {text}\n")


def test_the_page_of_responders_shows_every_key_as_it_is_when_left_out(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "responder.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- responder -->\n```yaml\n")[2].partition("```")[0]
    least = "name: least\nsystem_prompt: Listen.\n"
    bare = "\n".join(shown.splitlines()[:4])
    loaded = load_profile(write(tmp_path, least + shown)).responder
    assert loaded == load_profile(write(tmp_path, least + bare)).responder
    assert loaded is not None
    assert loaded.model_fields_set == set(type(loaded).model_fields) - {"system_prompt"}


@pytest.mark.parametrize("page", ["responder.md", "fun_audio_chat.md"])
def test_what_the_pages_of_responders_show_are_profiles(tmp_path: Path, page: str) -> None:
    text = (Path(__file__).parents[2] / "docs" / page).read_text(encoding="utf-8")
    (tmp_path / "notes").mkdir()
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    whole = "  engine: chat\n  base_url: http://127.0.0.1:1/v1\n  model: any\n"
    for block in blocks:
        if "engine:" not in block:
            block = block.replace("responder:\n", f"responder:\n{whole}")
        if "extends:" not in block:
            block = f"name: page\nsystem_prompt: Listen.\n{block}"
        assert load_profile(write(tmp_path, block)).responder is not None
